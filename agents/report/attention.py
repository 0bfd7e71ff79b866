"""What the transformers among the models look at, in matches that were judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from agents.judge.patterns import FRAMES, show
from agents.report.charts import Chart, heat, lines
from agents.report.replayed import Moment, moments
from agents.report.sources import Subject
from agents.report.tape import ShownMatch
from mlmonster_env.contract import ENTITY_KIND_ROWS, GRID_CELLS, HISTORY
from mlmonster_env.envs.battle import Array
from policies.extractors.entities import PRESENT, EntityEncoder
from policies.extractors.vision import ACROSS, PATCH, PATCHES, VisionExtractor
from policies.facing import ENEMIES, ahead
from policies.memory import TransformerXLCore
from policies.pattern import FRAMES_A_TOKEN, TOKENS, PatternNetwork
from policies.policy import Policy

LONGEST = 400  # decisions of one picture
STYLED = 16  # matches that a model of patterns is watched in
BUSY = 2  # enemies in sight, at least, of a moment that is shown
SHOWN_MOMENTS = 3
EXTENT = (-GRID_CELLS / 2, GRID_CELLS / 2, -GRID_CELLS / 2, GRID_CELLS / 2)
ROWS = [
    *(f"enemy {number + 1}" for number in range(ENTITY_KIND_ROWS)),
    *(f"ally {number + 1}" for number in range(ENTITY_KIND_ROWS)),
]
WHICH_WAY = {
    False: "north is up",
    True: "turned and mirrored so that enemies are to the right or the upper right",
}
UNITS = {False: ("cells east", "cells north"), True: ("cells ahead", "cells aside")}


@dataclass(frozen=True)
class Pictures:
    """What was found, and how it is to be read."""

    charts: tuple[Chart, ...]
    told: str


Looking = Callable[[Subject, Sequence[ShownMatch]], Pictures | None]


def pictures_of(subject: Subject, shown: Sequence[ShownMatch]) -> Pictures | None:
    """Pictures of a model's attention in the matches shown; None of a model that attends to nothing."""
    policy = subject.policy
    if policy is None:
        return None
    if isinstance(policy.actor, PatternNetwork):
        return _of_patterns(subject, policy, policy.actor)
    if not shown:
        return None
    if isinstance(core := getattr(policy.actor, "core", None), TransformerXLCore) and core.span:
        return _of_memory(subject, policy, core, shown[0])
    if (vision := _part(policy.actor, VisionExtractor)) is not None:
        return _of_vision(subject, policy, vision, shown)
    if (encoder := _part(policy.actor, EntityEncoder)) is not None:
        return _of_entities(subject, policy, encoder, shown)
    return None


def _part(network: nn.Module, wanted: type[Any]) -> Any:
    return next((part for part in network.modules() if isinstance(part, wanted)), None)


def _of_memory(subject: Subject, policy: Policy, core: TransformerXLCore, shown: ShownMatch) -> Pictures:
    """Which past decisions the memory attends to, over one match and on the whole."""
    rows: list[Array] = []
    actor: Any = policy.actor
    longest_lived: list[Array] = []
    for moment in moments(policy, shown.recording, shown.side):
        with torch.inference_mode():
            features = actor.extractor(_tensors(policy, moment))
            weights = core.attention(features, torch.as_tensor(moment.memory)).numpy()
        rows.append(weights[..., ::-1])  # this decision first, then those before
        longest_lived.append(moment.alive)
    member = int(np.stack(longest_lived).sum(0).argmax())
    alive = np.stack(longest_lived)[:, member]
    told = np.stack([row[member] for row in rows])[alive][:LONGEST]  # [decisions, layers, heads, span + 1]
    step = subject.decision_s
    ago = np.arange(core.span + 1) * step
    whole = told.mean((1, 2))
    known = np.arange(core.span + 1)[None] <= np.arange(len(whole))[:, None]
    extent = (0.0, len(whole) * step, -step / 2, (core.span + 0.5) * step)
    late = told[core.span :] if len(told) > core.span else told
    by_layer = [late[:, number].mean((0, 1)) for number in range(told.shape[1])]
    back = float((late.mean((0, 1, 2)) * ago).sum())
    here = float(late.mean((0, 1, 2))[0])
    return Pictures(
        (
            Chart(
                "One monster's memory over a match",
                heat(f"memory-{subject.name}", np.where(known, whole, np.nan).T, extent=extent,
                     unit=("seconds since the match began", "seconds ago"), told="share of attention"),
                f"Attention of one monster over {len(whole)} decisions, by how long ago what it attends to was.",
                f"{shown.title}; mean of all layers and heads. Above the diagonal nothing had happened yet.",
            ),
            Chart(
                "How far back it looks",
                lines(f"memory-back-{subject.name}", ago, by_layer, ("seconds ago", "share of attention"),
                      even=1 / (core.span + 1)),
                f"Mean share of attention by age; {here:.0%} goes to the present decision.",
                f"Mean over heads once the memory is full; the dashed line is attention to all alike. On average it "
                f"looks {back:.1f} seconds back, of {core.span * step:.1f} at most.",
                _layers(len(by_layer)),
            ),
        ),
        "The memory holds what each layer took in during the last moments; at every decision the model weighs them.",
    )  # fmt: skip


def _of_vision(subject: Subject, policy: Policy, vision: VisionExtractor, shown: Sequence[ShownMatch]) -> Pictures:
    """What the class token attends to of the ground around a monster."""
    patches, grids = [], []
    turns = bool(getattr(policy.actor, "turns", False))
    for one in shown:
        for moment in moments(policy, one.recording, one.side):
            with torch.inference_mode():
                seen_so, _ = ahead(_tensors(policy, moment), turns)
                weights = vision.attention(seen_so).numpy()
            patches.append(weights[moment.alive, -1].mean(1))  # the last layer, over heads: [members, patches]
            grids.append(seen_so["grid"].numpy()[moment.alive])
    looked, seen = np.concatenate(patches), np.concatenate(grids)
    enemies = seen[:, ENEMIES].reshape(len(seen), ACROSS, PATCH, ACROSS, PATCH).max((2, 4)).reshape(len(seen), -1) > 0
    there, elsewhere = looked[enemies], looked[~enemies & enemies.any(1, keepdims=True)]
    ratio = float(there.mean() / elsewhere.mean()) if len(there) and len(elsewhere) else float("nan")
    charts = [
        Chart(
            "Where it looks on the whole",
            _ground(f"vision-{subject.name}", looked.mean(0), turns),
            f"Mean attention to each of {ACROSS} by {ACROSS} patches of the ground around a monster.",
            f"Mean over {len(looked):,} decisions, last layer; {WHICH_WAY[turns]}, the monster in the middle.",
        )
    ]
    busy = np.flatnonzero((seen[:, ENEMIES] > 0).sum((1, 2)) >= BUSY)
    for number, at in enumerate(busy[np.linspace(0, len(busy) - 1, SHOWN_MOMENTS).astype(int)] if len(busy) else []):
        marks = np.argwhere(seen[at, ENEMIES] > 0)
        charts.append(
            Chart(
                f"One moment, {number + 1} of {SHOWN_MOMENTS}",
                _ground(f"vision-{subject.name}-{number}", looked[at], turns, marks),
                f"Attention at one decision with {len(marks)} enemies in sight.",
                "Crosses are enemies.",
            )
        )
    told = f"At each decision a class token asks {PATCHES} patches of {PATCH} by {PATCH} cells what matters."
    if np.isfinite(ratio):
        told += f" A patch with an enemy in it gets {ratio:.2f} times the attention of one without, when there is one."
    return Pictures(tuple(charts), told)


def _of_entities(
    subject: Subject, policy: Policy, encoder: EntityEncoder, shown: Sequence[ShownMatch]
) -> Pictures | None:
    """Who among those in sight attends to whom."""
    sums, counts = np.zeros((len(ROWS), len(ROWS))), np.zeros((len(ROWS), len(ROWS)))
    for one in shown:
        for moment in moments(policy, one.recording, one.side):
            rows = moment.seen["entities"][moment.alive]
            with torch.inference_mode():
                weights = encoder.attention(torch.as_tensor(rows).float())[:, -1].mean(1).numpy()
            here = rows[..., PRESENT] > 0.5
            both = here[:, :, None] & here[:, None, :]
            sums += (weights * both).sum(0)
            counts += both.sum(0)
    if not counts.any():
        return None
    used = np.flatnonzero(counts.any(1))
    shares = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)[np.ix_(used, used)]
    size = len(used)
    svg = heat(
        f"entities-{subject.name}", shares, extent=(0.5, size + 0.5, 0.5, size + 0.5),
        unit=("whom it attends to", "who asks"), told="share of attention", equal=True,
        ticks=[ROWS[number] for number in used],
    )  # fmt: skip
    chart = Chart(
        "Who attends to whom",
        svg,
        f"Mean attention among the {size} rows of those in sight.",
        "Nearest first; mean over decisions at which both were in sight, last layer.",
    )
    return Pictures((chart,), "Those in sight are rows that attend to each other before anything is decided.")


def _of_patterns(subject: Subject, policy: Policy, network: PatternNetwork) -> Pictures:
    """Which of the frames that were seen the others attend to."""
    windows = show(policy.card.archetype, STYLED, seed=1).tape.after(FRAMES[-1])
    frames = torch.as_tensor(windows.history).float()
    with torch.inference_mode():
        weights = network.attention(frames).mean((2, 3)).numpy()  # over heads and who asks: [windows, layers, tokens]
    ago = (TOKENS - 1 - np.arange(TOKENS)) * FRAMES_A_TOKEN * subject.decision_s
    by_layer = [weights[:, number].mean(0) for number in range(weights.shape[1])]
    svg = lines(f"frames-{subject.name}", ago, by_layer, ("seconds ago", "share of attention"), even=1 / TOKENS)
    chart = Chart(
        "Which frames matter",
        svg,
        f"Mean share of attention that each stretch of {FRAMES_A_TOKEN} frames gets, by age.",
        f"Mean over {len(windows):,} monsters watched for {HISTORY} frames; the dashed line is attention to all alike.",
    )
    return Pictures(
        (chart,), f"{HISTORY} frames of a monster are read as {TOKENS} stretches that attend to each other."
    )


def _layers(count: int) -> tuple[str, ...]:
    return tuple(f"layer {number + 1}" for number in range(count)) if count > 1 else ()


def _ground(name: str, patches: Array, turns: bool, marks: Array | None = None) -> str:
    places = None if marks is None else marks[:, ::-1] - GRID_CELLS / 2 + 0.5
    return heat(
        name, patches.reshape(ACROSS, ACROSS) * PATCHES, extent=EXTENT, unit=UNITS[turns],
        told="attention, 1 being even", equal=True, most=2.0, marks=places,
    )  # fmt: skip


def _tensors(policy: Policy, moment: Moment) -> dict[str, torch.Tensor]:
    return {name: torch.as_tensor(moment.seen[name]).float() for name in policy.card.blocks}
