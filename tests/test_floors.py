"""Imports go down only; one name, one class; nothing in the tree knows the machine it was written on."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GROUND = "mlmonster_env"
PACKAGES = (GROUND, "policies", "rewards", "agents")

# Who may import whom among the packages; scripts and tests may import all.
BELOW: dict[str, set[str]] = {
    GROUND: set(),
    "policies": {GROUND},
    "rewards": {GROUND},
    "agents": {GROUND, "policies", "rewards"},
}
# Inside the ground floor, lowest first; its __init__.py is the front door and stands above them all.
GROUND_FLOORS = (
    "command",
    "contract",
    "data",
    "plans",
    "scenarios",
    "hazards",
    "sim",
    "envs",
    "dataset",
    "store",
    "bridge",
)

FOREIGN = {
    "a path of one machine": re.compile(r"(?<![\w.~}])/(?:work|farm|tmp|root|home)/"),
    "an address of a private network": re.compile(r"\b(?:10\.\d{1,3}|192\.168)\.\d{1,3}\.\d{1,3}\b"),
    "a private host": re.compile(r"\b[\w-]+\.(?:internal|corp|lan)\b"),
    "a package mirror": re.compile(r"--(?:extra-index-url|index-url|find-links)"),
}
NOT_OURS = {"__pycache__", "build", "dist", "runs"}
TEXT = {"", ".py", ".pyi", ".md", ".toml", ".txt", ".yml", ".yaml", ".json", ".sql", ".sh", ".cfg", ".ipynb"}


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(root: Path) -> dict[str, Path]:
    """Every module of the packages below `root`, by dotted name."""
    return {module_name(p, root): p for package in PACKAGES for p in sorted((root / package).rglob("*.py"))}


def imported(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that a file imports, at its top or inside a function."""
    package = module_name(path.parent / "__init__.py", root)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                base = package.split(".")[: len(package.split(".")) - node.level + 1]
                source = ".".join([*base, source] if source else base)
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)


def ground_floor(name: str) -> int:
    parts = name.split(".")
    return GROUND_FLOORS.index(parts[1]) if len(parts) > 1 and parts[1] in GROUND_FLOORS else len(GROUND_FLOORS)


def upward_imports(root: Path) -> list[str]:
    """One sentence for each import that does not go down."""
    found = []
    for name, path in modules(root).items():
        package = name.split(".")[0]
        for line, target in imported(path, root):
            other = target.split(".")[0]
            if other not in (*PACKAGES, "scripts", "tests") or other == package != GROUND:
                continue
            wrong = ground_floor(target) > ground_floor(name) if other == package else other not in BELOW[package]
            if wrong:
                found.append(f"{path.relative_to(root)}:{line}: {name} must not import {target}")
    return found


def import_cycle(root: Path) -> list[str]:
    """Modules that import each other in a ring; empty if there are none."""
    known = modules(root)
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        targets = {t if t in known else t.rpartition(".")[0] for _, t in imported(path, root)}
        graph[name] = (targets & known.keys()) - {name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def repeated_classes(root: Path) -> list[str]:
    """Public class names that more than one module defines."""
    homes = defaultdict(list)
    for name, path in modules(root).items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)
    return [f"{name}: {', '.join(where)}" for name, where in homes.items() if len(where) > 1]


def own_texts(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".") and path.name not in (".ci", ".gitignore")
        if hidden or path.name in NOT_OURS or path.suffix == ".egg-info":
            continue
        if path.is_dir():
            if not (path / "pyvenv.cfg").exists():
                yield from own_texts(path)
        elif path.suffix in TEXT:
            yield path


def foreign_names(root: Path) -> list[str]:
    """One sentence for each line that names a machine, a network or a mirror."""
    return [
        f"{path.relative_to(root)}:{number}: {what}: {match.group()}"
        for path in own_texts(root)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        for what, pattern in FOREIGN.items()
        if (match := pattern.search(line))
    ]


def test_imports_go_down_only():
    assert upward_imports(ROOT) == []


def test_no_modules_import_each_other():
    assert import_cycle(ROOT) == []


def test_no_public_class_is_defined_twice():
    assert repeated_classes(ROOT) == []


def test_nothing_names_a_machine():
    assert foreign_names(ROOT) == []


def test_every_package_is_read():
    assert {name.split(".")[0] for name in modules(ROOT)} == set(PACKAGES)


def plant(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("policies__net", "import agents"),
        ("policies__net", "from rewards.terms import paid"),
        ("rewards__terms", "import policies.net as net"),
        ("mlmonster_env__envs__monster", "from rewards import terms"),
        ("mlmonster_env__sim__arena", "def late():\n    from mlmonster_env.envs import render"),
        ("mlmonster_env__sim__arena", "from ..envs import render"),
        ("mlmonster_env__data__mobs", "from mlmonster_env import sim"),
        ("mlmonster_env__data__mobs", "import mlmonster_env"),
        ("mlmonster_env__contract", "from .data import errors"),
        ("agents__train", "from scripts import bench"),
    ],
)
def test_a_planted_upward_import_is_found(tmp_path, where, text):
    plant(tmp_path, **{where: text})
    assert len(upward_imports(tmp_path)) == 1


def test_downward_imports_are_left_alone(tmp_path):
    plant(
        tmp_path,
        agents__train="import policies.net, rewards.terms\nfrom mlmonster_env.envs import monster",
        policies__net="from . import heads\nfrom mlmonster_env.contract import ARCHETYPES",
        mlmonster_env__envs__render="from mlmonster_env.sim.scene import Scene\nfrom ..data import load",
        mlmonster_env__store__rows="import numpy\nfrom mlmonster_env import dataset",
    )
    assert upward_imports(tmp_path) == []


def test_a_planted_cycle_is_found(tmp_path):
    plant(tmp_path, policies__a="from policies import b", policies__b="def late():\n    from policies.a import x")
    assert {"policies.a", "policies.b"} <= set(import_cycle(tmp_path))


def test_a_planted_second_class_is_found(tmp_path):
    plant(tmp_path, agents__a="class Rating: ...\nclass _Own: ...", policies__b="class Rating: ...\nclass _Own: ...")
    assert repeated_classes(tmp_path) == ["Rating: policies.b, agents.a"]


@pytest.mark.parametrize("pieces", [("/", "home", "/data"), ("192", ".168.7.4"), ("db", ".internal")])
def test_a_planted_machine_is_found(tmp_path, pieces):
    (tmp_path / "notes.md").write_text(f"see {''.join(pieces)}\n")
    assert len(foreign_names(tmp_path)) == 1
