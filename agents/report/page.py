"""The page: what was found, in one HTML file that needs nothing beside it."""

import json
import time
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from agents.report import words
from agents.report.sections import Findings
from agents.report.sources import Subject
from agents.report.strength import Score, Standing
from mlmonster_env.envs.render import SHAPES

ASSETS = files("agents.report") / "assets"
HASH_SHOWN = 12


def page(found: Findings) -> str:
    """The whole report as HTML."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        percent=words.percent, caution=words.caution, json=as_script, where=_where, behaved=_behaved, rungs=_rungs,
        hash=_hash, seed=_seed,
    )  # fmt: skip
    template = environment.from_string(_asset("report.html"))
    kinds = [section.kind.title for section in found.sections]
    return template.render(
        found=found, title=" and ".join(kinds) if len(kinds) <= 2 else f"{len(kinds)} kinds of models",
        many=len(kinds) > 1, made=time.strftime("%Y-%m-%d"), css=Markup(_asset("page.css")),
        player=Markup(_asset("match.js") + _asset("player.js")), shapes=SHAPES,
    )  # fmt: skip


def as_script(value: Any) -> str:
    """A value as JSON that can stand inside a script element, whatever its texts hold."""
    told = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return told.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _where(score: Score) -> str:
    return words.where(score)


def _behaved(behaviour: Mapping[str, float]) -> list[tuple[str, str]]:
    return [(called, words.behaved(name, behaviour[name])) for name, (called, _) in words.BEHAVIOUR.items()]


def _rungs(standing: Standing) -> list[dict[str, Any]]:
    ladder = standing.ladder
    rows = []
    for rating, lower in zip(ladder.ratings, [*ladder.ratings[1:], None], strict=True):
        half = rating.half
        rows.append(
            {
                "name": standing.names[rating.player],
                "own": rating.player in standing.models,
                "elo": f"{rating.elo:+.0f}",
                "interval": "given" if not half else f"{rating.elo - half:+.0f} to {rating.elo + half:+.0f}",
                "better": "" if lower is None else f"{ladder.better(rating.player, lower.player):.1%}",
                "hash": rating.player[:HASH_SHOWN],
            }
        )
    return rows


def _hash(subject: Subject) -> str:
    return "no model yet" if subject.policy is None else subject.policy.digest()[:HASH_SHOWN]


def _seed(subject: Subject) -> str:
    return str(subject.facts.get("seed", "" if subject.config is None else subject.config.seed))
