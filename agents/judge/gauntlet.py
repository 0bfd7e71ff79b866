"""A model against everybody who is known: a table, after a check that the judge can tell what is known to be so."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from agents.judge.ladder import standings
from agents.judge.matches import MatchResult, play
from agents.judge.players import STOCK, ModelRef, Player, model_folder, player_of, script_digest
from agents.opponents import STYLES
from agents.opponents.dice import Dice
from agents.opponents.plain import anywhere, drawn
from agents.seeds import GAUNTLETS
from mlmonster_env.contract import CONTROLS, NOTHING_TO_DO
from mlmonster_env.data.errors import check_number
from mlmonster_env.envs.battle import MASK, Array
from mlmonster_env.envs.rivals import Rival
from mlmonster_env.plans import Plan

CARELESS = 0.3  # share of actions that are drawn at random, of which a model must be the worse


class JudgeError(Exception):
    """The judge cannot tell what is known to be so; what it says of others is not to be trusted."""


@dataclass(frozen=True)
class Known:
    """Two of whom the first is known to be the weaker."""

    weaker: Player
    stronger: Player


class Careless:
    """A rival that now and then does anything legal instead of what it would do."""

    def __init__(self, rival: Rival, share: float, seed: int) -> None:
        self.control = rival.control
        needed = (MASK,) if CONTROLS[self.control] else ()  # what is legal must be known, whatever the rival looks at
        self.blocks: tuple[str, ...] = tuple(dict.fromkeys((*rival.blocks, *needed)))
        self._rival, self._share = rival, share
        self._dice = Dice(~seed)  # not that of the rival, whose own luck has nothing to do with it
        self._slots = 0

    def sit(self, matches: int, members: int) -> None:
        """It is told how large its battle is."""
        self._slots = matches * members
        self._dice.make_room(self._slots)
        sit = getattr(self._rival, "sit", None)
        if sit is not None:
            sit(matches, members)

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Orders of all slots."""
        slots = np.arange(self._slots)
        self._dice.advance(slots)
        astray = self._dice.throw(slots, 0) < self._share
        if not CONTROLS[self.control]:
            return np.where(astray[:, None], anywhere(self._dice, slots, 1), self._rival(seen))
        legal = np.asarray(seen[MASK]) > 0
        orders = np.asarray(self._rival(seen))
        if MASK not in self._rival.blocks:  # it may order what cannot be done, of which nothing comes
            allowed = np.take_along_axis(legal, orders[:, None], 1)[:, 0]
            orders = np.where(allowed, orders, NOTHING_TO_DO[self.control])
        return np.where(astray, drawn(legal, self._dice.throw(slots, 1)), orders)

    def forget(self, slots: Array) -> None:
        """The matches of these slots begin anew."""
        self._dice.begin(slots)
        self._rival.forget(slots)

    def state(self) -> dict[str, Any]:
        """Its dice, and the rival's own state."""
        return {"dice": self._dice.state(), "rival": self._rival.state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told."""
        self._dice.set_state(state["dice"])
        self._rival.set_state(state["rival"])


def careless(player: Player, share: float = CARELESS) -> Player:
    """The same player, so much of what it does being random."""
    make = player.make
    if make is None:
        raise ValueError("player is the stock AI, expected one that gives orders")
    ref = ModelRef(f"{player.ref.name}, {share:.0%} random", f"{player.ref.digest}~{share}")
    return Player(ref, lambda seed: Careless(make(seed), share, seed), player.archetype)


def check_order(known: Sequence[Known], scenario: str | Plan, archetype: str, pairs: int, **arguments: Any) -> None:
    """JudgeError unless every weaker one comes out as the weaker, beyond chance."""
    for pair in known:
        found = play(pair.weaker, pair.stronger, scenario, _seeds(pairs), archetype=archetype, **arguments)
        if found.interval[1] >= 0.5:
            low, high = found.interval
            raise JudgeError(
                f"{pair.weaker.ref.name} scored {found.win_rate:.1%} [{low:.1%}, {high:.1%}] against "
                f"{pair.stronger.ref.name}, expected less than half beyond chance; what is "
                "judged here proves nothing; more --pairs may show the order, --unchecked does without it"
            )


def known_order(model: Player) -> list[Known]:
    """What everybody knows: idle < random < stock, and a model below itself when it is careless."""
    idle, random, stock = (player_of(name) for name in ("idle", "random", "stock"))
    known = [Known(idle, random), Known(random, stock)]
    # The stock AI gives no orders of which some could be drawn instead.
    return known if model.make is None else [*known, Known(careless(model), model)]


def gauntlet(
    model: Player, scenario: str | Plan, archetype: str, pairs: int, others: Sequence[Player] = (), **arguments: Any
) -> list[MatchResult]:
    """The model against random orders, every style, the stock AI and `others`, each once, on the same seeds.

    The stock AI, where it is the model, does not meet itself.
    """
    known = [player_of(name) for name in ("random", *STYLES, "stock")]
    each: dict[str, Player] = {}
    for other in (*known, *others):
        each.setdefault(other.ref.digest, other)  # the same pairs twice would be no more evidence
    if model.make is None:
        each.pop(model.ref.digest)
    return [play(model, other, scenario, _seeds(pairs), archetype=archetype, **arguments) for other in each.values()]


def pool_samples(folder: Path, count: int, seed: int = 0) -> list[Player]:
    """So many of the models whose folders lie in a folder, drawn by the seed; all of them where there are no more."""
    if count < 1:
        raise ValueError(f"samples is {count}, expected at least 1")
    if seed < 0:
        raise ValueError(f"seed is {seed}, expected 0 or more")
    paths = {_whole(path) for path in (folder.iterdir() if folder.is_dir() else ())}
    found = sorted(model for path in paths if (model := model_folder(path)))
    if not found:
        raise ValueError(f"pool is {folder}, which holds no model's folder, expected a folder of such folders")
    drawn = np.random.default_rng(seed).permutation(len(found))[:count]
    return [player_of(found[number]) for number in sorted(drawn.tolist())]


def _whole(path: Path) -> Path:
    """The folder itself, where this is what stands beside it while it is written, or after that was cut off."""
    if not path.name.startswith("."):
        return path
    return path.with_name(path.name[1:].removesuffix(".old").removesuffix(".writing"))


def table_of(results: Sequence[MatchResult]) -> Table:
    """A line an opponent: what the model won against it, and how strong it is itself."""
    first = results[0].first
    valid = [result for result in results if len(result.scores)]
    stock = script_digest(STOCK)  # a model may be called so too
    rated = any(result.second.digest == stock for result in valid) and first.digest != stock
    ladder = standings(valid, "").ladder if rated else None
    own = "" if ladder is None else f", Elo {ladder[first.digest]} (the stock AI at 0)"
    made = Table(title=f"{first}{own} in {results[0].scenario}, {results[0].archetype}; 95%, a draw is half")
    for heading in ("against", "its Elo", "pairs", "win rate", "95%", "void"):
        made.add_column(heading, justify="left" if heading == "against" else "right")
    for result in results:
        lost = sum(len(void.seeds) for void in result.void)
        elo = str(ladder[result.second.digest]) if ladder is not None and result.second.digest in ladder else ""
        told = ("no evidence", "")
        if len(result.scores):
            low, high = result.interval
            told = (f"{result.win_rate:.1%}", f"{low:.1%} to {high:.1%}")
        made.add_row(str(result.second), elo, f"{len(result.scores)}", *told, str(lost))
    return made


def _seeds(pairs: int) -> Array:
    check_number("pairs", pairs, 2)
    return GAUNTLETS + np.arange(pairs)
