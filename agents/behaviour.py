"""How a side behaves in its matches: damage given and taken, knock-outs, survival, pick-ups, how it uses its orders."""

from typing import Any

import numpy as np

from mlmonster_env.contract import CONTROLS
from mlmonster_env.envs.battle import Array, Battle

COLUMNS = ("damage_ratio", "knock_outs", "survival", "pick_ups", "attack_rate", "action_entropy")
SUMMED = ("damage_dealt", "damage_taken", "kills", "knock_outs", "items_picked", "attack_orders")


class Behaviour:
    """Keeps account of every match of a battle, from its beginning."""

    def __init__(self, battle: Battle) -> None:
        self._battle = battle
        matches = battle.num_matches
        self._actions = max(CONTROLS[battle.control], 1)
        self.sums = {name: np.zeros(matches) for name in SUMMED}
        self.choices = np.zeros((matches, self._actions))
        self.lived = np.zeros(matches)
        self._closed: list[dict[str, Array]] = []

    def note(self, actions: Array, legal: Array | None, going: Array | None = None) -> None:
        """A step was played: what the slots did, which actions were legal for them, and which matches count."""
        battle = self._battle
        events = battle.arena.events
        counts = np.ones(battle.num_matches) if going is None else going.astype(float)
        for name in SUMMED:
            self.sums[name] += events[name][:, battle.members].sum(1) * counts
        self.lived += events["alive_before"][:, battle.members].sum(1) * counts
        if CONTROLS[battle.control]:
            chosen = np.ones(len(actions), np.bool_) if legal is None else np.asarray(legal).sum(1) > 1
            rows = chosen & (counts[battle.matches] > 0)
            np.add.at(self.choices, (battle.matches[rows], actions[rows]), 1.0)

    def close(self, ended: Array) -> list[dict[str, float]]:
        """Matches are over: what each was like, by `COLUMNS`; their accounts begin anew."""
        which = np.flatnonzero(ended)
        if not len(which):
            return []
        alive = self._battle.alive.reshape(self._battle.num_matches, -1)
        sums = {name: values[which] for name, values in self.sums.items()}
        dealt, taken = sums["damage_dealt"], sums["damage_taken"]
        share = self.choices[which] / np.maximum(self.choices[which].sum(1, keepdims=True), 1)
        entropy = -(share * np.log(np.where(share > 0, share, 1))).sum(1) / max(np.log(self._actions), 1e-9)
        told = {
            "damage_ratio": dealt / np.maximum(dealt + taken, 1),
            "knock_outs": sums["kills"] + sums["knock_outs"],
            "survival": alive[which].mean(1),
            "pick_ups": sums["items_picked"],
            "attack_rate": sums["attack_orders"] / np.maximum(self.lived[which], 1),
            "action_entropy": entropy,
        }
        self._closed.append(told)
        self.forget(which)
        return [{name: float(values[i]) for name, values in told.items()} for i in range(len(which))]

    def forget(self, which: Array) -> None:
        """Begin the accounts of matches anew."""
        for values in (*self.sums.values(), self.choices, self.lived):
            values[which] = 0.0

    def means(self) -> dict[str, float]:
        """Over all matches closed so far."""
        return {name: float(np.mean(np.concatenate([told[name] for told in self._closed]))) for name in COLUMNS}

    def state(self) -> dict[str, Any]:
        """The accounts of matches that are not over."""
        return {"sums": {k: v.copy() for k, v in self.sums.items()}, "choices": self.choices, "lived": self.lived}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told."""
        for name, values in state["sums"].items():
            self.sums[name][:] = values
        self.choices[:] = state["choices"]
        self.lived[:] = state["lived"]
