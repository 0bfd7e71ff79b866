"""docs/results.md, from the files that scripts.results keeps."""

from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

from mlmonster_env.contract import ARCHETYPES
from scripts.comparisons import kept_in
from scripts.intervals import Z_95, over_seeds
from scripts.results_conditioned import CONDITIONED, conditioned_section
from scripts.results_pattern import pattern_section
from scripts.results_selfplay import SELF_PLAY, selfplay_section
from scripts.results_sight import SIGHT, sight_section
from scripts.results_signals import signals_section

DOCUMENT = Path("docs/results.md")
TARGETS = {"field": (0.90, 0.85), "contact": (0.58, 0.53), "all": (0.70, 0.0)}  # wanted, and the least lower bound
INTRODUCTION = """# What was learnt

Every figure is of matches that neither training nor its evaluations have seen. Where nothing else is said they are
pairs of `mirror-v1`, the model's pack against the same pack under the stock AI, each seed twice with the sides changed;
a draw is half a win, 50% is no better than stock. *Field*: the packs are 24 to 26 cells apart and unaware. *Contact*:
4 cells, all aware. A row of `mirror-v1` or of a pack's size is 1,000 pairs (2,000 matches) a training seed and start;
a row of "elsewhere" is 500. Intervals are 95%: with several training seeds they include the spread between them
(Student's t over seeds), with one they are over pairs alone and are marked so.

The standard preset is meant to be ten minutes of training on two cores; the minutes below were taken while other
programs ran. What a model type came to is made by `python -m scripts.results`, a queue that can be stopped and started
again, the rest by the command that stands with it; what they have done lies in [results/](results/), those of runs
with their commands, seeds, decisions and seconds. Defaults have changed since some of these runs, and a command
takes those of the commit it is run at; which lines that concerns is told [below](#what-was-tried-on-the-way).
"""

NOTES = """## What was tried on the way

Single runs of one training seed each, where nothing else is said of `combat_dqn` by PPO and judged on 200 to 300
matches a start while they trained; they chose the defaults and are no results themselves.

- *Who is looked for must be found.* In most drawn matches of the field one lone enemy was left that nobody met again.
  A random walk that is ordered again goes on instead of anywhere. With a first form of that the mage had 67% in the
  field after three million decisions, 54% without. It used to turn by up to 60 degrees every seven cells; now it goes
  straight on in legs of twelve: three searchers saw 97% of the map in 80 seconds instead of 94%, and in the same 160
  matches of the field on one side unchanged models won 83% instead of 77% (defensive), 73% instead of 61% (ranged) and
  84% instead of 79% (mage). Always towards another random place of the map was worse (82% of it in 80 seconds). Of what
  gives combat orders all lines by `combat_dqn` are from after that change, and so are the patterns of the aggressive
  and the transformer of the mage; the transformer of the aggressive, team coordination, the patterns of the mage and
  what past selves are worth are from before.
- *Short credit.* After five to six million decisions of the mage, discount 0.995 with lambda 0.9 had 84% in the field,
  0.997 with 0.95 77%, and 0.99 with 0.9 73%.
- *Many small updates.* 512 matches with minibatches of 8,192 stayed below 60% where 256 with 4,096 had 80%.
- *Pay.* Winning alone (`--reward win`) reached 57% in the field after ten million decisions, the mage's row 72%.
- *Archetypes that are paid for staying alive* learn to draw. By its first pay the support had 54% in the field after
  forty million decisions. Paid for blows too it had 59% there and 78% in contact, paid for blows and for not being hurt
  63% and 80% after four. The defensive was given the same. The tank's line is by the pay of the aggressive
  (`--reward aggressive`): four changes of its own pay ended between 45% and 51% together after four to six million
  decisions.
- *Who is paid much for distance* keeps away before it wins: at 15 for a hit from afar the ranged had 69% in the field
  and 34% in contact after forty million decisions, at 1 it had 65% and 64% after four.
- *Past selves from the first match on* (`--opponents pool --set selfplay.after=0`, the aggressive, seed 0, forty
  million decisions, judged on 1,000 pairs): 40.2% [37.2%, 43.2%] in the field and 55.5% [52.6%, 58.4%] in contact
  against the one that had met the stock AI alone, and 16% in the field against those who camp. Who cannot find anybody
  yet learns nothing from another who cannot; with the stock AI in the pool's place for the first 40% it is as above.
- *Those who only walk* (movement_ppo, spatial_vit) learnt the field and hardly the contact at first. Against the stock
  AI alone the aggressive had 71.0% [68.6%, 73.4%] in the field and 27.0% [24.3%, 29.6%] in contact after six million
  decisions. A random walk earns -0.36 in contact, running away 0.08, walking to the nearest enemy and standing 0.91,
  but the last with three decisions in five at random only 0.09; so running is learnt first, and kept. Packs that stand
  still or act at random in half of the matches were some help. In runs of at most two and a half million decisions
  these were none: convolutions, directions by distance, other entropy bonuses, a nearness term, a start that prefers to
  stay, more passes over a rollout, the nearest ones of each kind as features, a start that repeats a script's walks.
  What made them run was looking far: with a discount of 0.93 instead of 0.995, in contact against the stock AI alone,
  the aggressive came from 6% to 41% in 1.25 million decisions and drew 2 to 3 of 100 matches. What taught them to walk
  was *turning*: shown the grid turned so that enemies are ahead, its moves turned back, movement_ppo (the
  aggressive, contact alone, 0.95) won 32% after 0.4 million decisions, drew nothing, and its best model, after 2.8
  million, won 56% of 1,453 other matches, its moves drawn; unturned, all else alike, it had 3% after 0.4 million and
  10% to 41% later, most of it by draws. A match in the field is several times as many decisions as one in contact, so
  that since then sixteen matches of seventeen begin in contact, all of them against the stock AI. A script that walks
  to the nearest enemy and stands has 42% to 47% in contact; where it steps back from who is in reach in a quarter of
  its decisions, 38% to 45%. The archetypes differ: by movement_ppo in contact alone, each by its own pay, the support
  won 52% of its last 1,500 training matches after 1.2 million decisions and the mage 43%; after half a million the
  support had 40%, the ranged 26%, the defensive 22% and the tank 8%. All their lines are turned, the support's by
  spatial_vit with six matches of seven in contact. Unturned, with half of its matches against packs that stand still or
  act at random, movement_ppo had had 63.9% in the field and 50.3% in contact (the aggressive, 0.96) and 77.0% and 47.8%
  (the ranged, 0.995).
- *Small rollouts* unlearn the field. After three million decisions the mage's combat_dqn by PPO had 37% in the field
  and 77% in contact with 64 matches at once (12,000 decisions a rollout), 56% and 71% with 256, and 61% and 56% with 64
  and rollouts four times as long. Its transformer had 43% and 72% after six million with 64 matches, 66% and 73% after
  3.6 million with 256. It has 256 since then; the aggressive's line is with 64.
- *SAC* learnt nothing useful until what it learns from was counted. In the whole of `mirror-v1` an enemy was in reach
  in three to four of a hundred rows of its replay, and of vectors at random 6% stand still. Yet with an enemy in reach
  the next eight decisions paid 0.24 to who stood and engaged and 0.13 to who walked and engaged. Where it looked far
  ahead (0.98 or 0.99 for each half second) keeping away from fights that its random fellows lose was worth more: 16% to
  39% in contact after 0.1 to 0.15 million decisions, no better than untrained. An entropy weight that began at 1 or
  0.01 drowned pay of a hundredth a decision, and ten thousand steps of the optimizer are few. Since then it learns from
  contact alone and only from moments with a choice, draws every second vector at random short, looks some five seconds
  ahead (0.9), takes twice as many and smaller steps, has wider critics, and its means cost something; which of these it
  needs was not told apart. The aggressive went from 29% in contact after 0.1 million decisions to 54%, 44% and 45% in
  the last three of ten evaluations (100 pairs each), and keeps what standing still has in the field. Begun about what
  the stock AI does (58% and 48% untrained, for it takes every offer) it unlearnt that by the former settings, by which
  the tank had 55.3% in the field and 46.2% in contact. By these it went from 30% in contact after 0.1 million decisions
  to 46% after a million, and was still rising; begun with means that engage and take offers it had 37%, 31% and 36%
  after 0.04, 0.08 and 0.12 million, when that was given up. The aggressive began to learn after 30,000 decisions; since
  then it is 15,000, so that short runs learn as well.
- *To know how somebody plays* gained nothing. With what an encoder reads in its enemies the mage was worse than with
  zeros, by 4.4 and 3.0 points on the mean of the styles, though six readings of ten named the style: better against who
  runs at it in the field, worse against who waits there, where nothing can be read before the fight. The best models of
  seed 0 had 67.7% (told) and 71.1% (blind) of 1,000 other pairs against all styles; told with half as many matches a
  rollout it had 69.7%, and fell to 56% by the end of its run. After 3.6 million decisions, on 200 pairs, the told of
  the table had 64% and the blind 66%; with latents hidden for the first fifth of the run and an encoder that learns
  no more after three fifths of it 53%, with features of the latent that begin at nothing 60%. The blind one remembers
  too, and sees what the enemies do to it.
- *A threat model* was at first the one of ten whose pack had won most of 100 pairs, after a minute of training: noise
  chose the very first, worse than a line through the same numbers. Now it is the one that foresaw best in matches held
  out, after eight times the decisions.

The mage's lines of combat_dqn are by the rules as they stand. From before minds thought ahead of what falls due with
them, searches took whom the server lists first or last, and storms struck when the server looks at ground, it had 90.5%
[87.6%, 93.3%] together; from before balls of water flew one by one, walls of fire had the server's shape, and ground
lay where its caster saw a cell, 89.6% [86.8%, 92.3%]. The other lines of combat_dqn are from before all that. Of nine
of them the models were judged again as they are by today's rules, in 1,000 pairs a start: the aggressive have 83.2%
together, the defensive 81.6%, the support 82.6%. The second of these changes touches none of their matches (128 of 90 s
of each of these archetypes under the stock AI come out the same by both). They are also from when ground which lies
behind walls too stopped at them, venom dust lay in a square, not in a cross, and Lex Divina set nobody free; that of
the tank is also from before its blind could no longer be told to turn to somebody afar, and was shown at a decision's
end, not within the tick, who had come into view. By older rules the defensive had 81.5% [80.7%, 82.2%] together and the
support 85.9% [84.8%, 86.9%]; what of the support's loss is rules and what is chance was not told apart. All other lines
are from before a monster's skill was ranged by distance, blows around stopped at walls, slaves fell with their master
at once, whoever had killed somebody chose anew, blows of no damage were not felt, and the provoked turned to who had
provoked them (`docs/simulator.md`). Of these the latest are those of movement_ppo and the tank's by SAC; the rest are
also from before casts were broken by stun and its like, walls broke, pushed units stopped at walls, monsters stayed
cloaked when they cast, and both sides had room for their slaves; their seeds other than 0 played matches of which all
but some were those of seed 0. The demo's five minutes (the mage, seed 0) came to 89.6% [87.8%, 91.4%] of 1,000 matches
by the first of these rules, to 87.6% [85.8%, 89.5%] by the second, to 89.5% [87.8%, 91.1%] by the third, to 89.0%
[87.1%, 90.9%] since the provoked turn, to 86.9% [84.8%, 88.9%] after that, to 88.8% [86.8%, 90.8%] with the mage's own
ground, and to 90.0% [88.2%, 91.7%] as things stand.

By the first of these rules the tank had 68.6% [48.6%, 88.5%] together, for its seed 0 had 61.4% in the field where the
others had 77.9% and 82.0%. That seed had 77.4% there before the provoked turned, and has 81.1% since; the ranged had
70.9% [68.6%, 73.2%] together by the first rules, and seed 0, then 77.5% in the field, has 68.0% there now, where the
others have 77.2% and 76.8%. What of it is rules and what is chance was not told apart. Paid as the aggressive, seed 0
of the ranged had 62.9% together after 16 million decisions (200 pairs), by its own pay 67.4%.

Both lines of patterns are from before the first sight of a match counted as a frame, those of spatial_vit from before
enemies in the far corners of the grid turned the look. The third seed of the told and the blind was not finished.

What is missing to 90% in the field: matches are lost where somebody meets the enemy's pack alone while the others are
elsewhere (no order lets a pack walk together without a target), and drawn, 5% to 27% of them by seed, because the last
enemy is not found in three minutes. Species that training never saw are played markedly worse.
"""


def render(folder: Path) -> str:
    """The document."""
    found = kept_in(folder)
    groups: dict[tuple[str, str], dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for told in found:
        groups[told["model_type"], told["algo"]][told["archetype"]].append(told)
    parts = [INTRODUCTION]
    for (model_type, algo), by_archetype in sorted(groups.items(), key=_order):
        parts += section(model_type, algo, by_archetype)
    parts += signals_section(folder)
    parts += sight_section(folder / SIGHT)
    parts += conditioned_section(folder / CONDITIONED)
    parts += selfplay_section(folder / SELF_PLAY)
    parts.append(NOTES if found else "Nothing has been run yet.\n")
    return "\n".join(parts)


def section(model_type: str, algo: str, by_archetype: dict[str, list[Any]]) -> list[str]:
    """One model type learnt by one algorithm."""
    rows = {a: by_archetype[a] for a in ARCHETYPES if a in by_archetype}
    example = next(iter(rows.values()))[0]
    lines = [f"## {model_type}, {algo}\n", f"`{example['command']}`, and so on.\n"]
    if model_type == "pattern_recognition":
        return [*lines, *pattern_section(rows)]
    lines += _table(
        ("archetype", "seeds", "M decisions", "minutes", "field", "contact", "together"),
        [
            (
                a, len(told), f"{mean(t['steps'] for t in told) / 1e6:.1f}",
                f"{mean(t['seconds'] for t in told) / 60:.1f}",
                *(_shown([t["scores"]["mirror-v1"][s] for t in told]) for s in ("field", "contact", "all")),
            )
            for a, told in rows.items()
        ],
    )  # fmt: skip
    if model_type == "combat_dqn":
        lines += _against_targets(rows)
    lines += _by_size(rows)
    lines += _beside(rows)
    lines += _behaviour(rows)
    if model_type == "threat_assessment":
        lines += _threat(rows)
    return lines


def interval(scores: list[dict[str, Any]]) -> tuple[float, float, float]:
    """Mean win rate over training seeds, and 95% of it."""
    rates = [score["win_rate"] for score in scores]
    middle, half = over_seeds(rates, [score["se"] for score in scores])
    return middle, max(0.0, middle - half), min(1.0, middle + half)


def _shown(scores: list[dict[str, Any]]) -> str:
    middle, low, high = interval(scores)
    mark = "" if len(scores) > 1 else "*"
    return f"{middle:.1%} [{low:.1%}, {high:.1%}]{mark}"


def _against_targets(rows: dict[str, list[Any]]) -> list[str]:
    lines = ["Against what was wanted (field 90%, contact 58%, together above 70%):\n"]
    for start, (wanted, least) in TARGETS.items():
        reached: list[str] = []
        missed: list[str] = []
        for archetype, told in rows.items():
            middle, low, _ = interval([t["scores"]["mirror-v1"][start] for t in told])
            (reached if middle >= wanted and low >= least else missed).append(archetype)
        name = "together" if start == "all" else start
        lines.append(f"- {name}: reached by {', '.join(reached) or 'none'}; not by {', '.join(missed) or 'none'}")
    return [*lines, ""]


def _beside(rows: dict[str, list[Any]]) -> list[str]:
    """Held-out species and map, masks told from the state, free skills."""
    kinds = [
        k
        for k in ("held out", "derived mask", "free skills")
        if all(k in t["scores"] for r in rows.values() for t in r)
    ]
    body = [
        (a, *(f"{_shown([t['scores'][k]['field'] for t in told])} / {_shown([t['scores'][k]['contact'] for t in told])}"
              for k in kinds))
        for a, told in rows.items()
    ]  # fmt: skip
    names = {
        "held out": "held-out species and map", "derived mask": "masks told from the state alone",
        "free skills": "free skills on the model's side and the other",
    }  # fmt: skip
    return ["Field / contact, elsewhere:\n", *_table(("archetype", *(names[k] for k in kinds)), body)] if kinds else []


def _by_size(rows: dict[str, list[Any]]) -> list[str]:
    """Packs of several sizes, a leader in each."""
    sizes = [name for name in next(iter(rows.values()))[0]["scores"] if name.startswith("pack-")]
    starts = ("field", "contact")
    body = [
        (a, size, *(_shown([t["scores"][size][start] for t in told]) for start in starts))
        for a, told in rows.items()
        for size in sizes
    ]
    return ["Packs with a leader, by size:\n", *_table(("archetype", "pack", *starts), body)] if body else []


def _behaviour(rows: dict[str, list[Any]]) -> list[str]:
    heads = list(next(iter(rows.values()))[0]["scores"]["mirror-v1"]["all"]["behaviour"])
    body = []
    for archetype, told in rows.items():
        means = [mean(t["scores"]["mirror-v1"]["all"]["behaviour"][h] for t in told) for h in heads]
        drawn = mean(t["scores"]["mirror-v1"]["field"]["drawn"] for t in told)
        body.append((archetype, *(f"{value:.2f}" for value in means), f"{drawn:.1%}"))
    return [
        "How it plays:\n",
        *_table(("archetype", *(h.replace("_", " ") for h in heads), "draws in the field"), body),
    ]


def _threat(rows: dict[str, list[Any]]) -> list[str]:
    body, fights = [], []
    for archetype, told in rows.items():
        t = told[0]["threat"]
        errors, ranks = t["mean_absolute_error"], t["rank_correlation"]
        body.append((
            archetype, f"{t['rows']:,}", *(f"{errors[n]:.4f}" for n in ("model", "linear", "distance", "mean")),
            *(f"{ranks[n]:.3f}" for n in ("model", "linear", "distance")),
            f"{t['brier']['model']:.4f} / {t['brier']['mean']:.4f}", f"{t['calibration_error']:.3f}",
        ))  # fmt: skip
        for start, f in t["fights"].items():
            gain = f"{f['gain']:+.1%} ± {Z_95 * f['gain_se']:.1%}"
            fights.append((archetype, start, f"{f['picking']:.1%}", f"{f['keeping']:.1%}", gain))
    heads = (
        "archetype", "rows", "mean error", "of a line", "of distance", "of the mean", "rank correlation", "of a line",
        "of distance", "Brier / of the mean", "calibration error",
    )  # fmt: skip
    return [
        "Foresight of the damage that each visible enemy does in five seconds, over the watcher's hit points:\n",
        *_table(heads, body),
        "The same attacking pack, picking its targets by the model and keeping them:\n",
        *_table(("archetype", "start", "picking", "keeping", "gain"), fights),
    ]


def _table(heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return [*lines, ""]


def _order(item: tuple[tuple[str, str], Any]) -> tuple[int, str, str]:
    model_type, algo = item[0]
    return (0 if model_type == "combat_dqn" else 1, model_type, "" if algo == "ppo" else algo)
