"""What a report says in words: the verdict first, and how numbers are written."""

from collections.abc import Sequence

import numpy as np

from agents.evaluation import ALL
from agents.judge.players import STOCK
from agents.judge.ratings import Rating
from agents.learners.build import TAUGHT
from agents.report.series import final_score
from agents.report.sources import Kind, Subject
from agents.report.strength import Score, Standing, Strength

STARTS = {"field": "far apart and unaware", "contact": "face to face", ALL: "both together"}
TOLD_APART = {
    "better": "better than the stock AI",
    "worse": "worse than the stock AI",
    "even": "not told apart from the stock AI",
}
LEARNT = {  # by algorithm
    "ppo": "PPO", "recurrent_ppo": "recurrent PPO", "transformer_ppo": "PPO over a Transformer-XL",
    "conditioned_ppo": "recurrent PPO that is told how its enemies play", "ddqn": "double DQN", "qrdqn": "QR-DQN",
    "sac": "SAC", "supervised": "supervised learning", "patterns": "supervised and contrastive learning",
}  # fmt: skip
BEHAVIOUR = {  # what it is called, and its unit; shares have none
    "damage_ratio": ("damage dealt, of all damage", ""),
    "knock_outs": ("enemies knocked out", "a match"),
    "survival": ("own monsters alive at the end", ""),
    "pick_ups": ("items picked up", "a match"),
    "attack_rate": ("orders to attack", ""),
    "action_entropy": ("variety of orders, of what is possible", ""),
    "decision_s": ("time to decide for a batch", "ms"),
}


def percent(share: float) -> str:
    """Such as 61.3%."""
    return f"{share:.1%}"


def interval(low: float, high: float) -> str:
    """Such as 58.0% to 64.6%."""
    return f"{low:.1%} to {high:.1%}"


def decisions(count: int | float) -> str:
    """Such as 5.0 million decisions."""
    if count >= 1e6:
        return f"{count / 1e6:.1f} million decisions"
    return f"{count / 1e3:.0f} thousand decisions" if count >= 1e4 else f"{count:,.0f} decisions"


def behaved(name: str, value: float) -> str:
    """A number of how a side behaved, with its unit."""
    unit = BEHAVIOUR[name][1]
    return percent(value) if not unit else f"{1000 * value:.1f} ms" if unit == "ms" else f"{value:.2f} {unit}"


def duration(seconds: float) -> str:
    """Such as 13.7 minutes."""
    if seconds < 100:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.1f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def verdict(kind: Kind, strengths: Sequence[Strength], standings: Sequence[Standing]) -> list[str]:
    """A paragraph's sentences: what was trained, and how strong it is, with 95%."""
    told = [trained(kind)]
    judged = [s for s in strengths if s.subject in kind.subjects]
    if not judged:
        return [*told, _unjudged(kind)]
    best = judged[0]
    told.append(_against_stock(judged))
    if len(best.starts) > 1:
        parts = [
            f"{percent(s.win_rate)} [{interval(s.low, s.high)}] when packs begin {where(s)}" for s in best.starts[:-1]
        ]
        told.append(f"By start {'' if len(judged) == 1 else f'({best.subject.name}) '}it scores {' and '.join(parts)}.")
    for standing in standings:
        placed = _on_ladder(best, standing)
        if placed is not None:
            told.append(placed)
    others = [score for score in best.gauntlet if score.name not in (STOCK, "random")]
    if best.trusted and others:
        worst = min(others, key=lambda score: score.win_rate)
        told.append(
            f"Of the scripted styles {worst.name} is the hardest for it: {percent(worst.win_rate)} "
            f"[{interval(worst.low, worst.high)}]."
        )
    return told


def trained(kind: Kind) -> str:
    """What was trained, how long and against whom."""
    first = kind.first
    archetype, model_type, algo = first.kind
    article = "an" if archetype[0] in "aeiou" else "a"
    told = f"{article.capitalize()} {archetype} pack's {model_type}"
    if first.policy is not None:
        told += f" ({first.policy.card.size})"
    if algo:
        told += f", trained by {LEARNT.get(algo, algo)}"
    steps = _steps(first)
    if steps:
        told += f" for {decisions(steps)}"
    seconds = first.facts.get("seconds") or _seconds(first)
    if seconds:
        told += f" ({duration(float(seconds))})"
    if first.config is not None and algo not in TAUGHT:
        told += f" against {'the stock AI' if first.config.opponents == STOCK else first.config.opponents}"
        told += f" in {first.config.scenario}"
    if len(kind.subjects) > 1:
        told += f", with {len(kind.subjects)} seeds"
    return told + "."


def where(score: Score) -> str:
    """A start in words."""
    return STARTS.get(score.name, score.name)


def caution(strength: Strength) -> str:
    """What to bear in mind about the table below; nothing where all that is known came out."""
    odd = [check for check in strength.checks if check.verdict != "as known"]
    if not odd:
        return ""
    named = "; ".join(f"{check.weaker} against {check.stronger} ({check.verdict})" for check in odd)
    if strength.trusted:
        return (
            f"With so few pairs the judge did not tell apart everybody who is known to be weaker: {named}. "
            "Read small differences as none; more pairs tell more."
        )
    return f"The judge found what is known the wrong way round: {named}. Its table and ladder are left out."


def _against_stock(judged: Sequence[Strength]) -> str:
    if len(judged) == 1:
        whole = judged[0].whole
        return (
            f"In {whole.pairs:,} pairs of matches against the stock AI, sides swapped, it scores "
            f"{percent(whole.win_rate)} [95%: {interval(whole.low, whole.high)}]: {TOLD_APART[whole.told_apart]}."
        )
    rates = np.array([strength.whole.win_rate for strength in judged])
    each = ", ".join(
        f"{s.subject.name} {percent(s.whole.win_rate)} [{interval(s.whole.low, s.whole.high)}]" for s in judged
    )
    return (
        f"Against the stock AI, {judged[0].whole.pairs:,} pairs of matches each with sides swapped, its seeds score "
        f"{percent(float(rates.mean()))} on average, from {percent(float(rates.min()))} to "
        f"{percent(float(rates.max()))} (95% each: {each})."
    )


def rating_of(strength: Strength, standing: Standing) -> Rating | None:
    """A model's rating on a ladder, if it stands there."""
    policy = strength.subject.policy
    digest = None if policy is None else policy.digest()
    return standing.ladder[digest] if digest is not None and digest in standing.models else None


def _on_ladder(strength: Strength, standing: Standing) -> str | None:
    rating = rating_of(strength, standing)
    if rating is None:
        return None
    low, high = rating.elo - rating.half, rating.elo + rating.half
    return f"On the ladder it stands at {rating.elo:+.0f} Elo [95%: {low:+.0f} to {high:+.0f}], the stock AI being 0."


def _unjudged(kind: Kind) -> str:
    if not kind.models:
        return "There is no finished model yet, so that nothing can be said of its strength."
    told = final_score(kind.models[0])
    if told is None:
        return "It gives no orders, so that it cannot be asked to matches."
    rate, low, high, pairs = told
    return (
        f"It gives no orders: it names the style that a monster plays, and is right of {percent(rate)} "
        f"[95%: {interval(low, high)}] over {pairs:,} packs that nothing was learnt from."
    )


def _steps(subject: Subject) -> int:
    if "steps" in subject.facts:
        return int(subject.facts["steps"])
    columns = subject.records.get("monitor") or subject.records.get("evaluation_results")
    return int(float(columns["steps"][-1])) if columns else 0


def _seconds(subject: Subject) -> float:
    columns = subject.records.get("evaluation_results")
    return float(columns["seconds"][-1]) if columns else 0.0
