"""Whether an exported model still reaches what the trained one does: the same matches, played by either."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import torch

from agents.bundle.parity import Outcomes
from agents.bundle.policy import OnnxPolicy
from agents.bundle.ports import STYLES
from agents.evaluation import minds_of
from agents.judge.gates import error_a_slot
from agents.judge.mirror import MirrorScore, judge_mirror
from agents.judge.patterns import FRAMES, Shown, Teller, score, show, teller
from mlmonster_env.envs.battle import Array
from mlmonster_env.scenarios import USUAL
from policies.acting import Acting
from policies.actors import STRATEGY
from policies.pattern import PatternNetwork
from policies.policy import Policy

PAIRS = 100
SEED = 3  # of judge_mirror; evaluations of runs have 0 and 1
AGAINST_STOCK, STYLES_NAMED = "wins against stock", "styles named rightly"
AT_ONCE = 256


@dataclass(frozen=True)
class Judged:
    """What the trained model reached, and how to let another try the same."""

    what: str
    scenario: str
    reference: MirrorScore
    other: Callable[[OnnxPolicy], MirrorScore]

    def beside(self, exported: OnnxPolicy) -> Outcomes:
        """Pair by pair."""
        found = self.other(exported)
        off = found.pairs.mean(1) - self.reference.pairs.mean(1)
        error = float(off.std(ddof=1) / math.sqrt(len(off))) if len(off) > 1 else 0.0
        half = NormalDist().inv_cdf(1.0 - error_a_slot() / 2) * error
        middle = float(off.mean())
        return Outcomes(
            what=self.what, scenario=self.scenario, pairs=len(off), reference=self.reference.win_rate,
            reference_interval=self.reference.interval, found=found.win_rate, difference=middle,
            difference_interval=(middle - half, middle + half), changed=int((off != 0).sum()),
        )  # fmt: skip


def judged(policy: Policy, pairs: int = PAIRS) -> Judged:
    """Let the trained model play, to be compared with; it is played once for all that is exported from it."""
    if pairs < 2:
        raise ValueError(f"pairs is {pairs}, expected at least 2")
    if policy.card.kind == STRATEGY:
        assert isinstance(policy.actor, PatternNetwork)
        shown = show(policy.card.archetype, 2 * pairs, seed=SEED)
        own = _named(teller(policy.actor), shown)
        return Judged(STYLES_NAMED, USUAL, own, lambda exported: _named(_teller(exported), shown))
    return Judged(AGAINST_STOCK, USUAL, _matches(policy, pairs), lambda exported: _matches(exported, pairs))


def _matches(policy: Acting, pairs: int) -> MirrorScore:
    mind, control, blocks = minds_of(policy)
    return judge_mirror(mind, control, blocks, USUAL, policy.card.archetype, pairs, seed=SEED)


def _named(tell: Teller, shown: Shown) -> MirrorScore:
    return score(tell, shown.tape.after(FRAMES[0]), f"{FRAMES[0]} frames")


def _teller(exported: OnnxPolicy) -> Teller:
    def tell(histories: Array) -> Array:
        parts = [
            exported.network({"history": histories[first : first + AT_ONCE]})[STYLES]
            for first in range(0, len(histories), AT_ONCE)
        ]
        return torch.softmax(torch.from_numpy(np.concatenate(parts)), -1).numpy()

    return tell
