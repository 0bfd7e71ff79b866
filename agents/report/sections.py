"""What stands in a report: the charts and tables of each kind of run, gathered before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.behaviour import COLUMNS
from agents.judge.matches import MatchResult
from agents.opponents.names import STYLES, yardstick_of
from agents.report import charts, words
from agents.report.attention import Pictures, pictures_of
from agents.report.charts import Chart
from agents.report.reliability import DECISION_S, HORIZON, Reliability, reliability_of, tells_chances
from agents.report.series import Series, of_matches, win_rates
from agents.report.sources import Kind, Subject
from agents.report.strength import Say, Standing, Strength, fights, measure, standings
from agents.report.tape import ShownMatch, chosen, tape

SHARES = ("damage_ratio", "survival", "attack_rate", "action_entropy")
COUNTS = ("knock_outs", "pick_ups")
MOST_TERMS = 8  # lines in one chart
WITHOUT_ATTENTION = "Attention: this kind of network has none."
EDGE = 10  # of a run, the first and the last so-many-th of its stretches


@dataclass(frozen=True)
class Paid:
    """A term of the reward: what a match was paid by it at the beginning and at the end of training."""

    name: str
    first: float
    last: float


@dataclass(frozen=True)
class Tile:
    """One number to be seen at once."""

    name: str
    value: str
    note: str


@dataclass
class Section:
    """What is told of one kind of run."""

    kind: Kind
    verdict: list[str]
    tiles: list[Tile] = field(default_factory=list)
    without_strength: str = ""
    training: list[Chart] = field(default_factory=list)
    without_curves: str = ""
    terms: list[Paid] = field(default_factory=list)
    strengths: list[Strength] = field(default_factory=list)
    gauntlets: list[Chart] = field(default_factory=list)
    reliability: Reliability | None = None
    reliability_chart: Chart | None = None
    without_reliability: str = ""
    attention: Pictures | None = None
    tapes: list[dict[str, Any]] = field(default_factory=list)
    without_tapes: str = ""

    @property
    def missing(self) -> list[str]:
        """What is not there, and why."""
        told = [self.without_reliability] if self.reliability is None else []
        return told if self.attention is not None else [*told, WITHOUT_ATTENTION]

    @property
    def seeds(self) -> str:
        """How the bands of its curves are to be read."""
        count = len(self.kind.recorded)
        if count > 1:
            return (
                f"Thick lines are means of {count} seeds, thin ones the seeds; bands go from the least to the greatest."
            )
        return "One seed; the band of an evaluation is its 95% interval."


@dataclass
class Findings:
    """Everything that a report shows."""

    sections: list[Section]
    standings: list[Standing]
    ladders: list[Chart]
    pairs: int


def gather(kinds: Sequence[Kind], pairs: int, say: Say) -> Findings:
    """Play, measure and draw all that is to be shown."""
    strengths = [measure(s, pairs, say) for kind in kinds for s in kind.models if fights(s.policy)]
    ladders = standings(strengths, pairs, say)
    sections = []
    for kind in kinds:
        own = [strength for strength in strengths if strength.subject in kind.subjects]
        section = Section(kind, words.verdict(kind, own, ladders), strengths=own)
        section.tiles = _tiles(own, ladders)
        if not own:
            section.without_strength = "No model here can be asked to matches, so that there is nothing to measure."
        gather_training(section)
        section.gauntlets = [_gauntlet(strength) for strength in own if strength.trusted]
        _predictions(section, say)
        _matches(section, say)
        sections.append(section)
    return Findings(sections, ladders, [_ladder(standing) for standing in ladders], pairs)


def _tiles(strengths: Sequence[Strength], ladders: Sequence[Standing]) -> list[Tile]:
    """Of the first model: each start against the stock AI, and its place on the ladder."""
    if not strengths:
        return []
    first = strengths[0]
    name = f"{first.subject.name}, " if len(strengths) > 1 else ""
    told = [
        Tile(
            f"{name}win rate, {words.where(score)}", words.percent(score.win_rate),
            f"95%: {words.interval(score.low, score.high)}",
        )
        for score in first.starts
    ]  # fmt: skip
    for standing in ladders:
        rating = words.rating_of(first, standing)
        if rating is not None:
            told.append(Tile(f"{name}Elo, stock AI at 0", f"{rating.elo:+.0f}", f"95%: ± {rating.half:.0f}"))
    return told


def gather_training(section: Section) -> None:
    """Curves of a kind's runs, or why there are none."""
    runs = section.kind.recorded
    if not runs:
        section.without_curves = (
            "These are models without the records of their training (monitor.csv and its siblings), "
            "so that there are no curves to show."
        )
        return
    name = "-".join((*section.kind.first.kind, runs[0].name))
    rates = win_rates(runs)
    config = runs[0].config
    if rates and config is not None:
        styles = section.kind.first.kind[2] == "patterns"
        title = "Styles named rightly" if styles else f"Win rate against {yardstick_of(config.opponents, there=False)}"
        says = "; ".join(f"{one.name}: {one.last:.0%} at the end" for one in rates)
        svg = charts.curves(f"rates-{name}", rates, "share of packs" if styles else "win rate", share=True)
        key = tuple(words.STARTS.get(one.name, one.name) for one in rates)
        section.training.append(Chart(title, svg, says, "Evaluated on held-out seeds in the course of training.", key))
    _of_matches(section, name, runs)
    terms = of_matches(runs, "reward_breakdown")
    if terms:
        shown = sorted(terms, key=lambda one: -float(abs(one.mean).max()))[:MOST_TERMS]
        svg = charts.curves(f"terms-{name}", shown, "paid a match")
        says = "; ".join(f"{one.name}: {one.last:.2f} at the end" for one in shown)
        note = f"The {MOST_TERMS} largest of {len(terms)} terms." if len(terms) > MOST_TERMS else ""
        key = tuple(one.name.replace("_", " ") for one in shown)
        section.training.append(Chart("Reward, by what it was paid for", svg, says, note, key))
        section.terms = [_term(one) for one in terms]


def _of_matches(section: Section, name: str, runs: Sequence[Subject]) -> None:
    paid = of_matches(runs, "monitor", ["return"])
    length = [_scaled(one, runs[0].decision_s) for one in of_matches(runs, "monitor", ["decisions"])]
    behaviour = {one.name: one for one in of_matches(runs, "behavior_metrics", COLUMNS)}
    shares = [behaviour[one] for one in SHARES if one in behaviour]
    counts = [behaviour[one] for one in COUNTS if one in behaviour and behaviour[one].high.max() > 0]
    labels = {one: words.BEHAVIOUR[one][0] for one in COLUMNS}
    for title, series, unit, share in (
        ("Return", paid, "paid a match", False),
        ("Behaviour: shares", shares, "share", True),
        ("Behaviour: events", counts, "a match", False),
        ("Length of a match", length, "seconds", False),
    ):
        if series:
            svg = charts.curves(f"{title}-{name}", series, unit, share=share)
            says = "; ".join(f"{labels.get(one.name, one.name)}: {one.last:.2f} at the end" for one in series)
            key = tuple(labels[one.name] for one in series if one.name in labels)
            section.training.append(Chart(title, svg, says, "Training's own matches.", key))


def _scaled(series: Series, factor: float) -> Series:
    return Series(series.name, series.steps, series.runs * factor, series.low * factor, series.high * factor)


def _term(series: Series) -> Paid:
    edge = max(1, len(series.steps) // EDGE)
    return Paid(series.name.replace("_", " "), float(series.mean[:edge].mean()), float(series.mean[-edge:].mean()))


def _gauntlet(strength: Strength) -> Chart:
    rows = [(score.name, score.win_rate, score.low, score.high) for score in strength.gauntlet]
    svg = charts.intervals(f"gauntlet-{strength.subject.name}", rows, "win rate, a draw being half", 0.5, share=True)
    says = "; ".join(f"{name}: {rate:.0%}, 95% {low:.0%} to {high:.0%}" for name, rate, low, high in rows)
    return Chart(f"{strength.subject.name} against everybody", svg, says, "Bars are 95% over pairs; dashed is even.")


def _ladder(standing: Standing) -> Chart:
    ratings = standing.ladder.ratings
    rows = [(standing.names[r.player], r.elo, r.elo - r.half, r.elo + r.half) for r in ratings]
    name = f"ladder-{standing.archetype}-{standing.scenario}"
    strong = {place for place, rating in enumerate(ratings) if rating.player in standing.models}
    svg = charts.intervals(name, rows, "Elo, the stock AI at 0", None, strong=strong)
    says = "; ".join(f"{who}: {elo:+.0f}" for who, elo, _, _ in rows)
    title = f"{standing.archetype} packs in {standing.scenario}"
    return Chart(title, svg, says, "Bars are 95%; the models of this report are in the stronger colour.")


def _predictions(section: Section, say: Say) -> None:
    told = [s for s in section.kind.models if s.policy is not None and tells_chances(s.policy)]
    if not told:
        section.without_reliability = (
            "Reliability: this kind of model predicts nothing that could be held against what then happened; its "
            "probabilities say what it will do, and what its critic expected is not kept in a finished model."
        )
        return
    subject = told[0]
    assert subject.policy is not None
    say(f"{subject.name}: what it predicts, against what happens")
    learn = None if subject.config is None else subject.config.learn
    horizon = round(getattr(learn, "horizon_ms", HORIZON * DECISION_S * 1000) / (DECISION_S * 1000))
    found = reliability_of(subject.policy, horizon)
    section.reliability = found
    svg = charts.reliability(
        f"reliability-{subject.name}", found.said, found.happened, found.low, found.high,
        ("chance that was told", "how often it came true"),
    )  # fmt: skip
    pairs = zip(found.said.tolist(), found.happened.tolist(), strict=True)
    says = "; ".join(f"told {said:.0%}, came true {happened:.0%}" for said, happened in pairs)
    section.reliability_chart = Chart(
        f"{subject.name}: {found.what}", svg, says, f"{found.predictions:,} predictions; bars are 95%; dashed is right."
    )


def _matches(section: Section, say: Say) -> None:
    shown: list[ShownMatch] = []
    subject = section.strengths[0].subject if section.strengths else section.kind.first
    if section.strengths:
        strength = section.strengths[0]
        say(f"{subject.name}: matches to look at")
        shown = chosen(strength.results, _hardest(strength))
        section.tapes = [tape(subject, one) for one in shown]
    else:
        section.without_tapes = "There is nothing to play: no model here gives orders."
    section.attention = pictures_of(subject, shown)


def _hardest(strength: Strength) -> MatchResult | None:
    """Against the style to which it loses most."""
    styled = [result for result in strength.met if result.second.name in STYLES]
    return min(styled, key=lambda result: result.win_rate) if styled else None
