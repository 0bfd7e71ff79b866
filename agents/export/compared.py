"""An exported model beside the trained one: state by state, batch by batch, step by step."""

import numpy as np

from agents.bundle.agreement import Agreement, compare
from agents.bundle.parity import BATCH_ROWS, ROLLOUT_STEPS, Recall
from agents.bundle.policy import OnnxPolicy
from agents.bundle.ports import ACTION, LATER, MEMORY, OWN_LATENT, SCORES, STYLES
from agents.export.graph import classes_of
from agents.export.sights import Sights, rollout_play
from mlmonster_env.envs.battle import Array
from policies.actors import BOX, STRATEGY, THREAT
from policies.policy import Policy

AT_ONCE = 250  # rows in one batch, which is none that anything was traced with
ROLLOUT_MATCHES = 4
EDGE = 100  # steps at the beginning and the end of a rollout that are told apart


def reference(policy: Policy, given: dict[str, Array]) -> dict[str, Array]:
    """What the trained model says, by output of the exported one."""
    told, later = policy.numbers(given, given.get(MEMORY))
    kind = policy.card.kind
    if kind == STRATEGY:
        classes = classes_of(policy)
        found = {STYLES: told[:, :classes], OWN_LATENT: told[:, classes:]}
    elif kind in (BOX, THREAT):
        found = {ACTION if kind == BOX else THREAT: told}
    else:
        found = {SCORES: told, ACTION: told.argmax(-1)}
    return {**found, LATER: later} if policy.memory_size else found


def by_state(policy: Policy, exported: OnnxPolicy, sights: Sights, tolerance: float) -> Agreement:
    """Every row, in batches."""
    whole = Agreement()
    for first in range(0, len(sights), AT_ONCE):
        given = sights.rows(slice(first, first + AT_ONCE))
        whole += compare(given, reference(policy, given), exported.network(given), policy.card.kind, tolerance)
    return whole


def by_batch(exported: OnnxPolicy, sights: Sights, tolerance: float) -> Agreement:
    """The exported model with itself: rows one at a time against the same rows in one batch."""
    given = sights.rows(np.linspace(0, len(sights) - 1, BATCH_ROWS).astype(int))
    together = exported.network(given)
    whole = Agreement()
    for row in range(BATCH_ROWS):
        alone = {name: rows[row : row + 1] for name, rows in given.items()}
        expected = {name: rows[row : row + 1] for name, rows in together.items()}
        whole += compare(alone, expected, exported.network(alone), exported.card.kind, tolerance)
    return whole


def by_rollout(policy: Policy, exported: OnnxPolicy, tolerance: float, seed: int = 0) -> Recall:
    """Both see what the trained model's play brings about; each goes on from its own memory, which is never cleared."""
    play = rollout_play(policy, seed, ROLLOUT_MATCHES)
    own = play.memory.copy()
    whole, worst = Agreement(), np.zeros(ROLLOUT_STEPS)
    for step in range(ROLLOUT_STEPS):
        seen = play.seen()
        told = exported.network({**seen, MEMORY: own})
        one = compare(seen, reference(policy, seen), told, policy.card.kind, tolerance)
        whole, worst[step] = whole + one, one.worst
        own = told[LATER]
        play.step(seen, forget=False)
    return Recall(
        steps=ROLLOUT_STEPS, monsters=len(own), agreement=whole, worst_early=float(worst[:EDGE].max()),
        worst_late=float(worst[-EDGE:].max()),
    )  # fmt: skip
