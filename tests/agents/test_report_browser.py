"""A report in a real browser: it renders, its player plays, nothing is complained of, and nothing is asked for."""

import os
import shutil

import pytest

from agents.report.__main__ import main
from tests.agents.runs import begin

sync_api = pytest.importorskip("playwright.sync_api", reason="NO PLAYWRIGHT: no report was opened in a browser")
CHROMIUM = os.environ.get("MLMONSTER_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ALONE = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="NO CHROMIUM: no report was opened in a browser; install chromium to have it tested"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    begin(folder / "mage-0", "combat_dqn", "ppo", steps=3600).go()  # long enough for matches to end
    assert main([str(folder / "mage-0"), "--out", str(folder / "report.html"), "--pairs", "2"]) == 0
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ALONE)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, report, request):
    """The report, opened; what it complains of or asks for fails the test."""
    told = {"viewport": {"width": 1200, "height": 900}, **getattr(request, "param", {})}
    context = browser.new_context(**told)
    opened = context.new_page()
    complaints, asked = [], []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(report.as_uri())
    yield opened
    assert complaints == []
    assert asked == [report.as_uri()]
    context.close()


def frame(page):
    return int(page.get_by_role("group", name="Recorded matches").get_attribute("data-frame"))


def picture(page):
    return page.locator(".player canvas").first.evaluate("canvas => canvas.toDataURL()")


def wait_for_frame(page, least):
    page.wait_for_function("least => Number(document.querySelector('.player').dataset.frame) >= least", arg=least)


def test_it_renders(page):
    assert "combat_dqn" in page.title()
    assert page.locator("figure svg").count() >= 6
    for drawing in page.locator("figure svg").all():
        box = drawing.bounding_box()
        assert box is not None and box["width"] > 200 and box["height"] > 80
    colours = page.locator(".player canvas").first.evaluate(
        "canvas => new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)"
        ".data.buffer)).size"
    )
    assert colours > 20  # ground, monsters, their numbers
    assert page.get_by_role("heading", level=1).inner_text()


def test_the_player_plays_and_pauses(page):
    before = picture(page)
    assert frame(page) == 0
    page.get_by_role("button", name="Play").click()
    wait_for_frame(page, 3)
    page.get_by_role("button", name="Pause").click()
    stopped = frame(page)
    assert stopped >= 3 and picture(page) != before
    page.wait_for_timeout(300)
    assert frame(page) == stopped
    assert page.get_by_role("button", name="Play").is_visible()


def test_faster_is_faster(page):
    page.clock.install()
    frames = {}
    for speed in ("1", "4"):
        page.get_by_label("Time in the match").fill("0")
        page.get_by_label("Speed", exact=True).select_option(speed)
        page.get_by_role("button", name="Play").click()
        page.clock.run_for(1000)  # of a clock that only the test turns
        frames[speed] = frame(page)
        page.get_by_role("button", name="Pause").click()
    # The page's clock also goes on by itself between two commands, the more so on a busy machine.
    assert 4 <= frames["1"] <= 8 and 19 <= frames["4"] <= 30 and frames["4"] >= 2.5 * frames["1"]


def test_scrubbing_goes_where_it_is_told(page):
    scrub = page.get_by_label("Time in the match")
    last = int(scrub.get_attribute("max"))
    before = picture(page)
    scrub.fill(str(last // 2))
    assert frame(page) == last // 2 and picture(page) != before
    middle = page.locator(".thoughts").inner_text()
    scrub.fill(str(last))
    assert frame(page) == last and page.locator(".thoughts").inner_text() != middle
    assert page.locator(".player output").inner_text().startswith(f"{last * 0.2:.1f} s")


def test_following_one_monster_shows_what_it_considers(page):
    page.get_by_label("Time in the match").fill("8")
    everybody = picture(page)
    follow = page.get_by_label("Follow", exact=True)
    names = follow.locator("option").all_inner_texts()
    own = [name for name in names if name.startswith("Model 1:")]
    assert names[:2] == ["everybody", "the whole ground"] and len(own) == 1
    follow.select_option(own[0])
    assert picture(page) != everybody
    told = page.locator(".thoughts")
    assert told.get_by_role("heading").inner_text() == own[0]
    rows = told.locator("li")
    assert rows.count() == 10 and rows.filter(has_text="attack").count() >= 1
    shares = [text for text in told.locator(".number").all_inner_texts() if text.endswith("%")]
    assert shares and 97 <= sum(int(text[:-1]) for text in shares) <= 103
    assert told.locator("li.given").count() == 1
    follow.select_option(next(name for name in names if name.startswith("Opponent 1:")))
    assert "opponent's thoughts are not known" in told.inner_text()


def test_it_is_played_by_keys(page):
    player = page.get_by_role("group", name="Recorded matches")
    player.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert frame(page) == 2
    page.keyboard.press("ArrowLeft")
    assert frame(page) == 1
    page.keyboard.press("End")
    assert frame(page) == int(page.get_by_label("Time in the match").get_attribute("max"))
    page.keyboard.press("Home")
    assert frame(page) == 0
    page.keyboard.press("f")
    assert page.get_by_label("Follow", exact=True).input_value() == "ground"
    page.keyboard.press("Space")
    wait_for_frame(page, 1)
    page.keyboard.press("Space")
    assert player.get_attribute("data-playing") == "false"


def test_every_match_can_be_opened(page):
    chosen = page.get_by_label("Match", exact=True)
    for name in chosen.locator("option").all_inner_texts():
        chosen.select_option(name)
        assert frame(page) == 0
        page.get_by_label("Time in the match").fill("5")
        assert frame(page) == 5


@pytest.mark.parametrize("page", [{"viewport": {"width": 360, "height": 740}}], indirect=True)
def test_it_fits_a_phone(page):
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    box = page.locator(".player canvas").first.bounding_box()
    assert box["width"] > 280


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_it_is_light_or_dark_as_wanted(page):
    page.emulate_media(color_scheme="light")
    light, drawn = background(page), picture(page)
    page.emulate_media(color_scheme="dark")
    assert background(page) != light
    page.wait_for_function("drawn => document.querySelector('.player canvas').toDataURL() !== drawn", arg=drawn)
