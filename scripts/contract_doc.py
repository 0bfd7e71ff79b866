"""Write docs/contract.md from mlmonster_env.contract: `python -m scripts.contract_doc`."""

import argparse
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlmonster_env import contract as c
from mlmonster_env.command import end_with

PAGE = Path(__file__).resolve().parents[1] / "docs" / "contract.md"


def main() -> None:
    argparse.ArgumentParser(prog="python -m scripts.contract_doc", description=__doc__).parse_args()
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield f"# The contract, version {c.VERSION}"
    yield ""
    yield "Generated from `mlmonster_env/contract.py` by `python -m scripts.contract_doc`; a test keeps the two alike."
    yield ""
    yield (
        f"Every number of a block is float32 in [0, 1], but for `latent`. Sight is {c.SIGHT} cells. A share or mean of "
        "nothing is 0."
    )
    yield ""
    yield "## State: 64 numbers"
    yield ""
    yield from _table(("index", "slice", "name", "from", "formula, clipped to [0, 1]"), _state_rows())
    yield ""
    yield "`share(part, whole)` is their quotient, 0 where the whole is 0."
    yield ""
    yield "## Orders"
    for title, names in (
        ("Combat", c.COMBAT_ACTIONS),
        ("Movement (y grows northwards)", c.MOVE_NAMES),
        ("Skill", [*(f"slot {slot + 1}" for slot in range(c.SKILL_SLOTS)), "none"]),
        ("Pack", c.SIGNALS),
    ):
        yield ""
        yield f"{title}: " + ", ".join(f"{number} {name}" for number, name in enumerate(names)) + "."
    yield ""
    yield f"Continuous: {', '.join(c.CONTINUOUS)}, each in [-1, 1]. {c.USE_STOCK_AI} stands for the stock AI."
    yield ""
    yield "## Blocks beside the state"
    yield ""
    yield from _table(("block", "shape"), [(name, " x ".join(map(str, shape))) for name, shape in c.BLOCKS.items()])
    yield ""
    yield (
        "`action_mask`: one number an action, 1 if legal; one at least is, and models refuse a mask that allows "
        f"nothing. `history`: the last {c.HISTORY} states, the newest last."
    )
    yield ""
    yield (
        f"`latent`: {c.LATENT} numbers of any range, beyond [0, 1] too: what a pattern encoder says of the enemies "
        "that were seen, zeros where there is none. No environment builds it; `agents.reading` does, above them."
    )
    yield ""
    yield _listed("`grid` channels", c.GRID_CHANNELS)
    yield (
        "A channel's rows go from south to north, its columns from west to east; the monster is at "
        f"[{c.GRID_CELLS // 2}, {c.GRID_CELLS // 2}]. Walls: 1 where nobody can walk, beyond the map too. Allies, "
        "itself among them, and enemies: 0.2 + 0.8 x hp share. Threat: the square of each enemy's attack range, 1 if "
        "the enemy is after the monster, else 0.5. Hazards: 1 on burning ground and under enemy ground skills, 0.5 "
        "where the cast of an enemy may fall. Own ground, items, target: 1 where there are ground skills of its side, "
        "an item that nobody holds, its target."
    )
    yield ""
    yield _listed(
        f"`entities` columns (rows: {c.ENTITY_KIND_ROWS} nearest enemies, then as many allies)", c.ENTITY_FEATURES
    )
    yield "dx is to the east, dy to the north; nobody beyond sight has a row, and what is only true or false is 1 or 0."
    yield ""
    yield _listed("`skills` columns (a row for each slot)", c.SKILL_FEATURES)
    yield "Slots are the first rows of its list that are for fights; a later one that is on offer takes the last."
    yield ""
    yield "## Events of a step"
    yield ""
    yield from _table(("name", "what"), [*c.EVENTS.items(), *c.MEASURES.items()])
    yield ""
    yield (
        "Each is an array over [matches, units]; a reward is shown the members' alone. So are `over`, `won`, `lost` "
        "and `drawn`, true in the step that ended the match, and what tells units apart: `side` (0 or 1), `archetype` "
        "(a number, in the order below) and `member` (false of those who were called in)."
    )
    yield ""
    yield "## Archetypes"
    yield ""
    columns = c.Temperament._fields
    yield from _table(("archetype", *columns), [(name, *map(str, nature)) for name, nature in c.TEMPERAMENTS.items()])


def _state_rows() -> Iterator[Sequence[str]]:
    for index in range(c.STATE_SIZE):
        entry = c.STATE.get(index)
        group = next(name for name, first, end in c.GROUPS if first <= index < end)
        if entry is None or entry.formula is None:
            yield (str(index), group, "reserved", "", "0")
            continue
        arguments = ", ".join(name.replace("_", " ") for name in inspect.signature(entry.formula).parameters)
        yield (str(index), group, entry.name, arguments, f"`{_formula(entry)}`")


def _formula(entry: c.StateEntry) -> str:
    """The formula as it is written."""
    assert entry.formula is not None
    source = inspect.getsource(entry.formula)
    return source.partition("return ")[2].strip()


def _listed(title: str, names: Sequence[str]) -> str:
    return f"{title}: " + ", ".join(f"{number} {name}" for number, name in enumerate(names)) + "."


def _table(head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


if __name__ == "__main__":
    end_with(main)
