"""Looking from where one stands: enemies are ahead, nothing is lost, and moves are told back rightly."""

import numpy as np
import pytest
import torch

from agents.catalog import TYPES
from agents.learners.build import make_card
from mlmonster_env.contract import GRID_CELLS, GRID_CHANNELS, MOVES, STATE_SIZE, STAY
from policies.actors import actor_of, build_policy
from policies.extractors import JointExtractor
from policies.facing import (
    ALLIES,
    CELLS,
    ENEMIES,
    FACINGS,
    MIRROR_X,
    MIRROR_Y,
    PULL,
    SWAP,
    ahead,
    facing_of,
    told_back,
    turned,
)
from policies.masks import MASK
from policies.sb3.actor_critic import MaskedActorCriticPolicy
from policies.sizes import TINY
from tests.policies.models import sights, tensors

HALF = GRID_CELLS // 2
WALLS = GRID_CHANNELS.index("walls")


def grids_with(*places: tuple[int, int], channel: int = ENEMIES) -> torch.Tensor:
    """One grid, somebody on each of some cells, told from the monster."""
    grid = torch.zeros(1, len(GRID_CHANNELS), GRID_CELLS, GRID_CELLS)
    for dx, dy in places:
        grid[0, channel, HALF + dy, HALF + dx] = 0.7
    return grid


def strewn(rows: int = 64, seed: int = 0) -> torch.Tensor:
    """Grids with something on a few cells of every channel."""
    random = np.random.default_rng(seed)
    grid = random.random((rows, len(GRID_CHANNELS), GRID_CELLS, GRID_CELLS)) < 0.01
    grid[:, :, HALF, HALF] = False
    grid[:, :, 0] = grid[:, :, :, 0] = False
    return torch.tensor(grid.astype(np.float32))


def image_of(grid: torch.Tensor, facing: int) -> torch.Tensor:
    """What the world looks like mirrored and swapped, by coordinates rather than by a table."""
    made = torch.zeros_like(grid)
    for row, channel, y, x in grid.nonzero().tolist():
        dx, dy = x - HALF, y - HALF
        dx, dy = (-dx if facing & MIRROR_X else dx), (-dy if facing & MIRROR_Y else dy)
        dx, dy = (dy, dx) if facing & SWAP else (dx, dy)
        made[row, channel, HALF + dy, HALF + dx] = grid[row, channel, y, x]
    return made


@pytest.mark.parametrize("facing", range(FACINGS))
def test_turning_mirrors_about_the_monster(facing):
    grid = strewn(8)
    assert torch.equal(turned(grid, torch.full((8,), facing)), image_of(grid, facing))
    assert sorted(CELLS[facing].tolist()) == list(range(GRID_CELLS**2))


@pytest.mark.parametrize(
    "place", [(3, 1), (-3, 1), (3, -1), (-3, -1), (1, 3), (-1, 3), (1, -3), (-1, -3), (5, 5), (-4, 0)]
)
def test_the_nearest_enemy_is_ahead(place):
    grid = grids_with(place, (-place[0] * 2, -place[1] * 2))
    seen = turned(grid, facing_of(grid))[0, ENEMIES].nonzero() - HALF
    north, east = seen[seen.abs().max(1).values.argmin()].tolist()
    assert 0 <= north <= east == max(map(abs, place))


def test_a_lone_enemy_on_any_cell_is_ahead():
    places = [(x, y) for x in range(1 - HALF, HALF) for y in range(1 - HALF, HALF) if (x, y) != (0, 0)]
    grids = torch.cat([grids_with(place) for place in places])
    seen = turned(grids, facing_of(grids))[:, ENEMIES].nonzero()[:, 1:] - HALF
    north, east = seen.unbind(1)
    assert ((north >= 0) & (north <= east)).all()
    assert torch.equal(east, torch.tensor(places).abs().amax(1))


def test_sums_of_what_draws_the_look_are_exact():
    assert torch.equal(PULL, PULL.round()) and PULL.clamp(min=0).sum(1).max() < 2**24


def test_between_enemies_that_draw_alike_an_ally_decides():
    grid = grids_with((5, 0), (-5, 0)) + grids_with((-3, 4), channel=ALLIES)
    north, east = (turned(grid, facing_of(grid))[0, ALLIES].nonzero()[0] - HALF).tolist()
    assert (east, north) == (4, 3)


def test_without_enemies_an_ally_is_ahead_and_alone_nothing_turns():
    grid = grids_with((-2, -5), channel=ALLIES)
    assert turned(grid, facing_of(grid))[0, ALLIES, HALF + 2, HALF + 5] > 0
    assert facing_of(grids_with((-2, -5), channel=WALLS)).item() == 0
    both = grid + grids_with((3, 1))
    assert facing_of(both).item() == 0  # who is an enemy goes first


def test_how_hurt_somebody_is_turns_nobody():
    grid = grids_with((4, 1), (-4, -1), (2, -6))
    assert torch.equal(facing_of(grid), facing_of(grid * 0.3))


@pytest.mark.parametrize("move", range(STAY))
def test_a_move_leads_where_it_was_seen_to_lead(move):
    grid = strewn()
    facing = facing_of(grid)
    assert len(facing.unique()) == FACINGS
    dx, dy = MOVES[move]
    grid[:, WALLS] = 0
    grid[:, WALLS, HALF + dy, HALF + dx] = 1  # a mark in the world, next to the monster
    around = turned(grid, facing)[:, WALLS]
    scores = torch.stack([around[:, HALF + y, HALF + x] for x, y in MOVES], 1)
    assert (told_back(scores, facing).argmax(1) == move).all()
    stay = torch.nn.functional.one_hot(torch.full((len(grid),), STAY), len(MOVES)).float()
    assert torch.equal(told_back(stay, facing), stay)


def policy_that(turns: bool, grid: str) -> MaskedActorCriticPolicy:
    torch.manual_seed(0)
    arguments = {
        "features_extractor_class": JointExtractor, "features_extractor_kwargs": {"widths": TINY, "grid": grid},
        "turns": turns,
    }  # fmt: skip
    policy: MaskedActorCriticPolicy = build_policy(
        MaskedActorCriticPolicy, ("grid", "state", MASK), "movement", arguments
    )
    torch.nn.init.normal_(policy.get_parameter("action_net.weight"))  # or all moves are alike
    return policy.eval()


def inverse(facing: int) -> int:
    """What undoes a facing: mirrors trade places where axes are swapped."""
    if not facing & SWAP:
        return facing
    return SWAP | (MIRROR_Y if facing & MIRROR_X else 0) | (MIRROR_X if facing & MIRROR_Y else 0)


@pytest.mark.parametrize("grid", ["around", "patches"])
def test_a_mirrored_world_is_met_by_mirrored_moves(grid):
    policy = policy_that(True, grid)
    rows = strewn()
    state, mask = torch.rand(len(rows), STATE_SIZE), torch.ones(len(rows), len(MOVES))
    facings = torch.stack([facing_of(image_of(rows, facing)) for facing in range(FACINGS)])
    rows = rows[clear := (facings.sort(0).values == torch.arange(FACINGS)[:, None]).all(0)]  # none on an axis
    assert len(rows) > 30
    with torch.no_grad():
        logits, values = policy.logits_and_values({"grid": rows, "state": state[clear], MASK: mask[clear]})
        for facing in range(1, FACINGS):
            seen = {"grid": image_of(rows, facing), "state": state[clear], MASK: mask[clear]}
            same, worth = policy.logits_and_values(seen)
            torch.testing.assert_close(worth, values)
            back = torch.full((len(rows),), inverse(facing))
            torch.testing.assert_close(same, told_back(logits, back))


def test_every_way_to_ask_a_policy_turns_alike():
    policy = policy_that(True, "around")
    seen = tensors(sights(("grid", "state", MASK), "movement", 32))
    plain = policy_that(False, "around")
    plain.load_state_dict(policy.state_dict())
    with torch.no_grad():
        logits, values = policy.logits_and_values(seen)
        told = actor_of(policy)(seen)
        torch.testing.assert_close(told, logits)
        torch.testing.assert_close(policy.predict_values(seen).flatten(), values)
        assert torch.equal(policy.get_distribution(seen).mode(), logits.argmax(1))
        assert not torch.allclose(plain.logits_and_values(seen)[0], logits)
        shown, facing = ahead(seen, True)
        assert facing is not None
        torch.testing.assert_close(plain.predict_values(shown).flatten(), values)
        assert torch.equal(shown["grid"], turned(seen["grid"], facing)) and shown[MASK] is seen[MASK]
    assert ahead(seen, False) == (seen, None) and told_back(logits, None) is logits


@pytest.mark.parametrize(("blocks", "control"), [(("state", MASK), "movement"), (("grid", "state", MASK), "combat")])
def test_only_who_sees_a_grid_and_moves_can_turn(blocks, control):
    arguments = {"features_extractor_class": JointExtractor, "features_extractor_kwargs": {"widths": TINY}}
    with pytest.raises(ValueError, match="turns is True"):
        build_policy(MaskedActorCriticPolicy, blocks, control, {**arguments, "turns": True})


def test_walkers_that_see_turn_and_tell_so_in_their_card():
    for name in ("movement_ppo", "spatial_vit"):
        assert make_card(TYPES[name], "mage", "tiny", "ppo").policy_arguments["turns"] is True
        assert "turns" not in make_card(TYPES[name].without(("grid",)), "mage", "tiny", "ppo").policy_arguments
    assert "turns" not in make_card(TYPES["combat_dqn"].by("ppo"), "mage", "tiny", "ppo").policy_arguments
