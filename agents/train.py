"""Train a model: `python -m agents.train --archetype mage`.

Without more it trains the archetype's combat_dqn by the standard preset against the stock AI, judges it in
mirror pairs (the same pack under the stock AI, sides swapped), and keeps everything in a folder of its own below runs/.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agents.catalog import CATALOG, TYPES
from agents.config.read import ConfigError, as_yaml, option, resolve
from agents.config.tree import Config
from agents.ending import RunError, Stopped
from agents.opponents import STYLES
from agents.run import CONFIG, Run, TakenError, kept_of
from mlmonster_env.command import end_with
from mlmonster_env.contract import ARCHETYPES
from policies.policy import FINAL
from policies.storage import MANIFEST, DamagedError

RUNS = Path("runs")
WIDE = 150  # characters of a table
FLAGS = (
    "archetype", "model_type", "algo", "size", "steps", "seed", "scenario", "opponents", "reward", "skills", "preset",
    "device", "wandb", "compile",
)  # fmt: skip
EXAMPLES = """examples:
  python -m agents.train --archetype mage                          the flagship, by Double DQN
  python -m agents.train --archetype tank --algo ppo               the same by PPO, which did best
  python -m agents.train --archetype mage --preset test            a minute, to see that everything works
  python -m agents.train --archetype mage --algo ppo --opponents pool    against its own past selves
  python -m agents.train --archetype mage --set learn.gamma=0.99   any option of --print-config
  python -m agents.train --resume runs/mage-combat_dqn-0           go on, to the bit
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m agents.train", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    made.add_argument("options", nargs="*", metavar="PATH=VALUE", help="the same as --set PATH=VALUE")
    what = made.add_argument_group("what is trained")
    what.add_argument("--archetype", help=f"{', '.join(ARCHETYPES)}")
    what.add_argument("--model-type", help=f"{', '.join(TYPES)} (default combat_dqn)")
    what.add_argument("--algo", help="how it learns; the model type's own by default, such as ddqn, qrdqn, ppo, sac")
    what.add_argument("--size", help="tiny for tests, small (default) for CPUs, full for GPU hosts")
    how = made.add_argument_group("how")
    how.add_argument("--preset", help="test, standard (default), long: they differ in budget and cadence alone")
    how.add_argument("--steps", type=int, help="environment decisions, instead of the preset's")
    how.add_argument("--seed", type=int, help="of everything that is drawn (default 0)")
    how.add_argument(
        "--scenario", help="such as mirror-v1:train (default), mirror-v1:train:contact, raid-6v3, a .yml file"
    )
    how.add_argument(
        "--opponents",
        help=f"who is played against: stock (default), random, idle, {', '.join(STYLES)}; styles: all of these, one "
        "in each match; pool: past selves; a run; package.module:maker; mix:pool=4,stock=1: some, and how often",
    )
    how.add_argument("--reward", help="archetype (default): its row of docs/rewards.md; another's; win: winning alone")
    how.add_argument("--skills", help="fair (default): dice and order as the server has them; free: for experiments")
    how.add_argument("--device", help="auto (default), cpu, cuda, cuda:1")
    how.add_argument("--compile", action="store_const", const=True, help="torch.compile the network; pays on GPUs")
    how.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="any option by its path")
    how.add_argument(
        "--config", action="append", default=[], type=Path, metavar="FILE", help="options from a YAML file"
    )
    where = made.add_argument_group("where")
    where.add_argument("--out", type=Path, help="the run's folder (default runs/ARCHETYPE-MODEL_TYPE-SEED)")
    where.add_argument("--resume", type=Path, metavar="RUN", help="go on with a run as if it had never stopped")
    where.add_argument("--wandb", action="store_const", const=True, help="to Weights & Biases too")
    show = made.add_argument_group("only look")
    show.add_argument("--list", action="store_true", help="all 54 models, and which of them were trained here")
    show.add_argument("--print-config", action="store_true", help="the resolved configuration, and nothing else")
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; the exit status: 0 trained, 1 failed, 2 nothing begun, 128 + signal when stopped."""
    command = parser()
    given = command.parse_intermixed_args(words)
    if given.list:
        Console(width=WIDE).print(catalog_table(given.out or RUNS))
        return 0
    try:
        if given.print_config:
            print(as_yaml(_asked(given)), end="")
            return 0
        run = _run(given)
        print(f"the run is in {run.folder}", flush=True)
    except (ConfigError, RunError, DamagedError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        run.go()
    except Stopped as stop:
        print(stop, file=sys.stderr)
        return 128 + stop.by
    except (RunError, DamagedError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1 if (run.folder / CONFIG).exists() else 2  # what could not even be built holds no run
    return 0


def _asked(given: argparse.Namespace) -> Config:
    """The configuration that is asked for."""
    told = options(given)
    if given.resume is not None:
        if told or given.config or given.out:
            raise ConfigError("--resume goes on by the options that the run was begun with, expected no others")
        return kept_of(given.resume)[0]
    if "archetype" not in told and not given.config and not given.print_config:
        raise ConfigError(f"--archetype is missing, expected one of {', '.join(ARCHETYPES)}")
    return resolve(told, tuple(given.config))


def _run(given: argparse.Namespace) -> Run:
    """The run that is asked for: a new one, or one to go on with."""
    config = _asked(given)
    if given.resume is not None:
        return Run.resume(given.resume)
    return Run.begin(given.out, config) if given.out else begun(config)


def options(given: argparse.Namespace) -> dict[str, Any]:
    """What the flags say, by dotted path."""
    told = {name: getattr(given, name) for name in FLAGS if getattr(given, name) is not None}
    return {**told, **dict(option(text) for text in [*given.options, *given.set])}


def begun(config: Config) -> Run:
    """A new run in a folder that nobody named; where another one takes it at the same moment, in the next."""
    while True:
        with suppress(TakenError):
            return Run.begin(default_folder(config), config)


def default_folder(config: Config) -> Path:
    """A folder of the run's own; the time is in its name if the plain one is taken."""
    plain = RUNS / f"{config.archetype}-{config.model_type}-{config.seed}"
    return plain if not (plain / CONFIG).exists() else plain.with_name(f"{plain.name}-{time.strftime('%Y%m%d-%H%M%S')}")


def catalog_table(runs: Path) -> Table:
    """The 54 models and their state."""
    made = Table(title=f"{len(TYPES)} model types x {len(ARCHETYPES)} archetypes: {', '.join(ARCHETYPES)}")
    for heading in ("model type", "sees", "does", "learns with", "full, MB", "trained here"):
        made.add_column(heading)
    trained = trained_models(runs)
    for kind in TYPES.values():
        done = [archetype for archetype in ARCHETYPES if f"{archetype}/{kind.name}" in trained]
        state = ", ".join(done) or "none yet"
        learns = ", ".join(kind.algos)
        made.add_row(kind.name, ", ".join(kind.sees), kind.does, learns, f"{kind.megabytes:g}", state)
    return made


def trained_models(runs: Path) -> set[str]:
    """Names of the catalogue's models of which there is a finished one below a folder."""
    names = {entry.name for entry in CATALOG}
    found = set()
    for manifest in runs.glob(f"*/{FINAL}/{MANIFEST}") if runs.is_dir() else ():
        config = manifest.parents[1] / CONFIG
        if config.is_file():
            lines = dict(
                line.split(": ", 1)
                for line in config.read_text(encoding="utf-8", errors="replace").splitlines()
                if ": " in line
            )
            found.add(f"{lines.get('archetype')}/{lines.get('model_type')}")
    return found & names


if __name__ == "__main__":
    end_with(main)
