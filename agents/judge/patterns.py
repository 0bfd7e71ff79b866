"""How often a model names the style rightly, by how many frames it has seen: in matches that nothing was learnt of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from agents.behaviour import COLUMNS
from agents.judge.mirror import MirrorScore
from agents.learners.pattern_data import SCENARIOS, Tape, Windows, styled_shards, watch_shards
from agents.learners.styled import MakeMix, every_style
from agents.seeds import A_SEED, EVALUATIONS
from mlmonster_env.envs.battle import Array
from mlmonster_env.plans import Plan
from policies.pattern import PatternNetwork

Teller = Callable[[Array], Array]  # histories [n, HISTORY, 64] to the probability of each style [n, styles]
FRAMES = (30, 60, 90)
STEPS = 150  # decisions that are watched: a match that begins in the first third can still show 90 frames
AT_ONCE = 256


@dataclass(frozen=True)
class Shown:
    """Monsters of known style in held-out matches, each from its match's beginning, and how these matches went."""

    tape: Tape
    behaviour: dict[str, float] = field(default_factory=dict)


def teller(network: PatternNetwork) -> Teller:
    """A network's probabilities, calibrated as it is deployed."""

    def tell(histories: Array) -> Array:
        device = next(network.parameters()).device
        parts = []
        with torch.inference_mode():
            for first in range(0, len(histories), AT_ONCE):
                rows = torch.as_tensor(histories[first : first + AT_ONCE]).float().to(device)
                parts.append(torch.softmax(network({"history": rows})[:, : network.classes], -1).cpu().numpy())
        return np.concatenate(parts) if parts else np.zeros((0, network.classes), np.float32)

    return tell


def show(
    archetype: str,
    matches: int,
    *,
    make_mix: MakeMix = every_style,
    scenarios: Sequence[str | Plan] = SCENARIOS,
    split: str = "train",
    seed: int = 0,
    **arguments: Any,
) -> Shown:
    """Let styles play about so many matches, spread over the scenarios, from seeds that no training reaches.

    Other arguments are those of `Battle`, such as `decision_ms`.
    """
    if matches < 1:
        raise ValueError(f"matches is {matches}, expected at least 1")
    first = EVALUATIONS + seed * A_SEED
    env = styled_shards(
        archetype, max(matches, len(scenarios)), first, scenarios=scenarios, split=split, make_mix=make_mix,
        **arguments,
    )  # fmt: skip
    tape, _ = watch_shards(env, env.reset(), STEPS, 2)
    shards: list[Any] = list(env.shards)
    told = [match.behaviour for shard in shards for match in shard.finished]
    behaviour = {name: float(np.mean([one[name] for one in told])) if told else 0.0 for name in COLUMNS}
    return Shown(tape, behaviour)


def score(tell: Teller, windows: Windows, name: str, behaviour: dict[str, float] | None = None) -> MirrorScore:
    """Of each pack, the share of its members whose style is named rightly; the pack is what statistics count.

    Where there is no window at all the accuracy is 0 and its interval everything.
    """
    right = (tell(windows.history).argmax(1) == windows.style).astype(float)
    _, pack = np.unique(windows.pack, return_inverse=True)
    shares = np.bincount(pack, right) / np.maximum(np.bincount(pack), 1)
    return MirrorScore(name, shares[:, None] if len(shares) else np.zeros((1, 1)), behaviour or {})


def evaluate_patterns(
    tell: Teller,
    archetype: str,
    matches: int,
    *,
    make_mix: MakeMix = every_style,
    scenarios: Sequence[str | Plan] = SCENARIOS,
    split: str = "train",
    seed: int = 0,
    **arguments: Any,
) -> dict[str, MirrorScore]:
    """Accuracies after 30, 60 and 90 frames of a match, each as a score: its `win_rate` is the accuracy."""
    shown = show(archetype, matches, make_mix=make_mix, scenarios=scenarios, split=split, seed=seed, **arguments)
    return {
        f"{frames} frames": score(tell, shown.tape.after(frames), f"{frames} frames", shown.behaviour)
        for frames in FRAMES
    }
