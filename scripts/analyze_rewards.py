"""What an archetype is paid for in practice: `python -m scripts.analyze_rewards --archetype mage`.

Plays mirror matches and prints what each term came to, by the mean over monsters and matches; draws it with --plot.
Terms that are always zero, and those that make up most of what is paid, are flagged.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from agents.evaluation import minds_of
from agents.judge.mirror import mind_for
from agents.judge.players import model_folder
from agents.opponents.names import model_of
from agents.reading import battle_for
from mlmonster_env.command import end_with
from mlmonster_env.data.errors import one_of
from mlmonster_env.envs.battle import Array, Battle, seeds_from
from policies.policy import Policy
from rewards import WEIGHTS, for_archetype
from rewards.archetypes import DUEL
from rewards.breakdown import Breakdown
from scripts.behaviours import BEHAVIOURS, act, function_of

MATCHES = 96
DOMINATES = 0.8  # of all that is paid, by size
SCENARIO = "mirror-v1"
Behaviour = Callable[[Battle, int, np.random.Generator], Array]


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, print and draw; 0 if all went well, 2 if a model or function cannot play."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archetype", choices=list(WEIGHTS), action="append", help="default: all")
    parser.add_argument("--behaviour", choices=list(BEHAVIOURS), action="append", help="default: stock and random")
    parser.add_argument(
        "--policy", help="a model's folder, its run's or a bundle; or module:function of what slots see and their masks"
    )
    parser.add_argument("--matches", type=int, default=MATCHES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", type=Path, help="write a picture here")
    given = parser.parse_args(arguments)
    if given.policy is not None and ":" not in given.policy and model_folder(Path(given.policy)) is None:
        parser.error(f"argument --policy: {given.policy!r} holds no model, expected one's folder, or module:function")
    if given.matches < 1 or given.seed < 0:
        parser.error(f"matches is {given.matches}, seed {given.seed}, expected at least 1 and 0")
    kinds = Figure().canvas.get_supported_filetypes()
    if given.plot and given.plot.suffix[1:].lower() not in kinds:
        parser.error(f"argument --plot: {str(given.plot)!r}, expected a file that ends in {one_of('', kinds)}")
    try:
        if given.plot:
            given.plot.parent.mkdir(parents=True, exist_ok=True)  # before anything is played
        show(given)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def show(given: argparse.Namespace) -> None:
    """Print what each archetype is paid, and draw it where that is asked for."""
    if given.policy is not None and model_folder(Path(given.policy)) is None:
        function_of(given.policy)  # before anything is played
    console = Console()
    shares: dict[str, dict[str, float]] = {}
    for archetype in given.archetype or list(WEIGHTS):
        played = [*(given.behaviour or ["stock", "random"]), *([given.policy] if given.policy else [])]
        paid = {behaviour: earned(archetype, behaviour, given.matches, given.seed) for behaviour in played}
        console.print(table(archetype, paid))
        for line in flags(paid):
            console.print(line)
        shares[archetype] = next(iter(paid.values()))
    if given.plot:
        plot(shares, given.plot)
        console.print(f"wrote {given.plot}")


def earned(archetype: str, behaviour: str, matches: int, seed: int = 0, **options: Any) -> dict[str, float]:
    """What each term came to in a match, by the mean over the monsters of the first side; plus `return` and `won`.

    `behaviour` is what `behaviours.act` takes, or the folder of a model.
    """
    told = {
        "pack": True, "archetype": None if archetype == DUEL else archetype,
        "scenario": "duel" if archetype == DUEL else SCENARIO, **options,
    }  # fmt: skip
    folder = None if behaviour in BEHAVIOURS else model_folder(Path(behaviour))
    if folder is None:
        battle = Battle(matches, "skill" if behaviour == "stock" else "combat", **told)
        play: Behaviour = partial(act, behaviour)
    else:
        battle, play = battle_of_model(folder, matches, told)
    breakdown = Breakdown(battle, for_archetype(archetype))
    battle.reset(seeds_from(seed, matches))
    random = np.random.default_rng(seed)
    sums = dict.fromkeys(breakdown.payment.parts, 0.0)
    left = np.ones(matches, np.bool_)
    won = 0
    step = 0
    while left.any():
        _, terminated, truncated = battle.step(play(battle, step, random))
        ended = (terminated | truncated) & left
        slots = ended[battle.matches]
        for name, paid in breakdown.episode_terms.items():
            sums[name] += float(paid[slots].sum())
        won += int((battle.outcome()[ended] > 0).sum())
        left &= ~ended
        step += 1
    means = {name: paid / battle.num_slots for name, paid in sums.items()}
    return {**means, "return": sum(means.values()), "won": won / matches}


def battle_of_model(folder: Path, matches: int, told: dict[str, Any]) -> tuple[Battle, Behaviour]:
    """A battle that shows a model what it must see, and how the model then plays all its slots."""
    model = model_of(folder)
    mind, control, blocks = minds_of(model)
    if not control:
        raise ValueError(f"{folder} is a {model.card.model_type}, which gives no orders, expected a model that plays")
    make = battle_for(model) if isinstance(model, Policy) else Battle
    battle = make(matches, control, observe=blocks, **told)
    begun = mind_for(mind, battle.num_slots)

    def play(battle: Battle, step: int, random: np.random.Generator) -> Array:
        seen = battle.observe()
        assert isinstance(seen, dict)
        return begun(seen)

    return battle, play


def table(archetype: str, paid: dict[str, dict[str, float]]) -> Table:
    made = Table("term", "weight", *paid, title=f"{archetype}: paid for each term in a match, mean")
    for name in next(iter(paid.values())):
        weight = WEIGHTS[archetype].weights.get(name)
        made.add_row(name, "" if weight is None else f"{weight.value:g}", *(f"{p[name]:.3f}" for p in paid.values()))
    return made


def flags(paid: dict[str, dict[str, float]]) -> list[str]:
    """A line for each term that never paid anything, or that pays nearly all."""
    lines = []
    terms = [name for name in next(iter(paid.values())) if name not in ("return", "won")]
    for name in terms:
        if all(p[name] == 0.0 for p in paid.values()):
            lines.append(f"{name} never paid anything")
        for behaviour, p in paid.items():
            whole = sum(abs(p[other]) for other in terms)
            if whole > 0 and abs(p[name]) / whole > DOMINATES:
                lines.append(f"{name} is {abs(p[name]) / whole:.0%} of what {behaviour} is paid")
    return lines


def plot(shares: dict[str, dict[str, float]], path: Path) -> None:
    """A bar for each archetype: what stock play earns, term by term, up for pay and down for cost."""
    figure = Figure(figsize=(10, 0.62 * len(shares) + 3.4), layout="constrained")
    axes = figure.subplots()
    terms = list(dict.fromkeys(name for paid in shares.values() for name in paid if name not in ("return", "won")))
    terms = [name for name in terms if any(abs(paid.get(name, 0.0)) > 0.001 for paid in shares.values())]
    colours = [f"C{i % 10}" for i in range(len(terms))]
    up, down = np.zeros(len(shares)), np.zeros(len(shares))
    rows = np.arange(len(shares))
    for i, name in enumerate(terms):
        values = np.array([paid.get(name, 0.0) for paid in shares.values()])
        starts = np.where(values >= 0, up, down)
        axes.barh(rows, values, left=starts, color=colours[i], hatch="//" if i >= 10 else "", label=name, height=0.7)
        up += np.maximum(values, 0)
        down += np.minimum(values, 0)
    axes.plot([paid["return"] for paid in shares.values()], rows, "k|", markersize=18, label="return")
    axes.use_sticky_edges = False
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_yticks(rows, list(shares))
    axes.invert_yaxis()
    axes.set_xlabel("paid a monster and match, mean")
    axes.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False, fontsize=8)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    end_with(main)
