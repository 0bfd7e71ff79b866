"""Pictures show what a scene says."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageSequence

from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.envs.film import HIT_SHOWN_MS, joined, write_gif
from mlmonster_env.envs.render import CAST, EMPTY_BAR, SHAPES, SIDE_COLOURS, Frame, draw, frame_around
from mlmonster_env.envs.text import GROUND, as_text
from mlmonster_env.sim.scene import Scene, SceneArea, SceneHit, SceneUnit

WALKABLE = np.ones((40, 60), np.bool_)
FRAME = Frame(left=20, bottom=10, width=26, height=20)
HEADER = 3 * 26


def unit(**changes) -> SceneUnit:
    plain = SceneUnit(place=0, name="Thornling", archetype="aggressive", side=0, x=30, y=20, hp=100, max_hp=100)
    return replace(plain, **changes)


def scene(*units: SceneUnit, **changes) -> Scene:
    return replace(Scene("skirmish", 0, WALKABLE, units), **changes)


def pixels(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((picture == colour).all(axis=-1).sum())


def field(*units: SceneUnit, **changes) -> np.ndarray:
    """The picture without header and footer."""
    return draw(scene(*units, **changes), scale=26, frame=FRAME)[HEADER : HEADER + FRAME.height * 26]


def test_every_archetype_has_a_shape_of_its_own():
    assert tuple(SHAPES) == ARCHETYPES
    drawn = {field(unit(archetype=name)).tobytes() for name in ARCHETYPES}
    assert len(drawn) == len(ARCHETYPES)


def test_a_side_has_its_colour():
    for side in (0, 1):
        picture = field(unit(side=side))
        assert pixels(picture, SIDE_COLOURS[side]) > 50
        assert pixels(picture, SIDE_COLOURS[1 - side]) == 0


def test_north_is_up_and_east_is_right():
    rows, columns = np.nonzero((field(unit(x=22, y=27)) == SIDE_COLOURS[0]).all(axis=-1))
    assert columns.mean() == pytest.approx((2 + 0.5) * 26, abs=4)
    assert rows.mean() == pytest.approx((20 - 17 - 0.5) * 26, abs=6)


def test_hp_bars_empty_and_casts_ring():
    assert pixels(field(unit(hp=20)), EMPTY_BAR) > pixels(field(unit(hp=80)), EMPTY_BAR) > 0
    assert pixels(field(unit(hp=100)), EMPTY_BAR) == 0
    assert pixels(field(unit(casting=True)), CAST) > 0 == pixels(field(unit()), CAST)


def test_the_dead_are_not_drawn_as_the_living():
    assert pixels(field(unit(hp=0)), SIDE_COLOURS[0]) == 0


def test_units_on_one_cell_do_not_hide_each_other():
    alone = pixels(field(unit(side=1)), SIDE_COLOURS[1])
    assert pixels(field(unit(side=1), unit(), unit()), SIDE_COLOURS[1]) > alone / 4


def test_walls_areas_and_numbers_change_the_picture():
    plain = field(unit())
    walled = WALKABLE.copy()
    walled[20, 33] = False
    for changes in (
        {"walkable": walled},
        {"areas": (SceneArea(30, 20, 1, side=0),)},
        {"hits": (SceneHit(30, 20, 5),)},
    ):
        assert (field(unit(), **changes) != plain).any()


def test_ground_is_drawn_and_written_cell_by_cell_where_it_is_no_square():
    area = SceneArea(30, 20, 1, side=0)
    line = tuple((30, y) for y in (19, 20, 21))
    square = tuple((x, y) for x in (29, 30, 31) for y in (19, 20, 21))
    shapes = [field(unit(x=25), areas=(replace(area, cells=cells),)) for cells in (line, square)]
    shapes.append(field(unit(x=25), areas=(area,)))
    tinted = [int((shape != field(unit(x=25))).any(-1).sum()) for shape in shapes]
    assert tinted[0] < tinted[1] / 2
    assert tinted[1] == pytest.approx(tinted[2], rel=0.1)
    scenes = [scene(unit(x=25), areas=(replace(area, cells=cells),)) for cells in (line, square)]
    written = [as_text(shown, FRAME) for shown in scenes]
    assert [text.count(GROUND) for text in written] == [3, 9]


def test_a_frame_stays_within_the_map_and_shows_everybody():
    frame = frame_around([scene(unit(x=0, y=0)), scene(unit(x=59, y=3))])
    assert frame == Frame(left=0, bottom=0, width=60, height=11)
    small = replace(scene(unit(x=3, y=3)), walkable=np.ones((10, 8), np.bool_))
    assert frame_around([small]) == Frame(0, 0, 8, 10)
    assert frame_around([scene()]) == Frame(0, 0, 60, 40)


def test_steps_are_halved_and_teleports_are_not():
    before = scene(unit(x=10), unit(x=10, place=1))
    after = scene(unit(x=11), unit(x=14, place=1), clock_ms=100)
    assert [u.x for u in joined([before, after])[1].units] == [10.5, 14]


def test_hits_are_seen_from_hp_and_fade():
    hps = (100, 70, 75, *[75] * 8)
    told = joined([scene(unit(hp=hp), clock_ms=100 * i) for i, hp in enumerate(hps)])
    assert told[0].hits == ()
    assert told[1].hits == (SceneHit(30, 20, 30),)
    assert [(hit.amount, hit.age_ms) for hit in told[2].hits] == [(30, 100), (-5, 0)]
    assert all(hit.age_ms < HIT_SHOWN_MS for moment in told for hit in moment.hits)
    assert told[-1].hits == ()


def test_a_place_taken_by_somebody_else_shows_no_hit_and_no_step():
    other = unit(name="Sprout", place=7, x=31, hp=20, called=True)
    told = joined([scene(unit(), unit(place=7)), scene(unit(), other, clock_ms=100), scene(unit(), clock_ms=200)])
    assert [u.x for u in told[1].units] == [30, 31]
    assert all(moment.hits == () for moment in told)


def test_the_called_do_not_count_as_members():
    alone, joined_by = (draw(scene(*units), frame=FRAME)[:54] for units in ([unit()], [unit(), unit(called=True)]))
    assert (alone == joined_by).all()
    assert (alone != draw(scene(unit(), unit()), frame=FRAME)[:54]).any()


def test_a_gif_has_every_scene(tmp_path):
    path = tmp_path / "deep" / "match.gif"
    write_gif(path, [scene(unit(x=20 + i), clock_ms=100 * i) for i in range(5)], fps=10)
    with Image.open(path) as film:
        assert len(ImageSequence.all_frames(film)) == 5
        assert film.size == (15 * 32, 11 * 32 + 55 + 28)
    with pytest.raises(ValueError, match="at least one scene"):
        write_gif(path, [])
