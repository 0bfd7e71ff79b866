"""The kernel cache never runs stale rules, and no damage to it shows.

Most tests compile a package of two small modules around the simulator's own compiled.py, which takes a second.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import llvmlite.binding
import numba
import pytest

from mlmonster_env import contract
from mlmonster_env.sim import compiled

ROOT = Path(__file__).resolve().parents[2]
COMPILING = "compiling the simulator"

RULES = """
from tiny.compiled import kernel, small

FACTOR = 3


@small
def bonus(x):
    return x + 1


@kernel
def strike(x):
    return bonus(x) * FACTOR
"""
CLOCK = """
from tiny.compiled import entry, kernel, program
from tiny.rules import strike


@kernel
def turn(x):
    return strike(x) + strike(x + 1)


@entry
def run(x):
    return turn(x)


@entry
def rest(x):
    return strike(x) - 1


@program
def whole(x):
    return turn(x) + strike(x)
"""
RUN = "from tiny.clock import run; print(run(5))"
RUN_WHOLE = "from tiny.clock import whole; print(whole(5))"
RUN_BOTH = "from tiny.clock import rest, run; print(run(5), rest(5))"
COUNT_CALLS = """
from tiny.clock import run, whole
for function in (run, whole):
    function(5)
    (made,) = function.overloads.values()
    print(sum("tiny" in f.name and f.is_declaration for f in made.library._final_module.functions))
"""
NAMES_OF_COPIES = """
from tiny.clock import rest, run, whole
print(whole(5), run(5), rest(5))
def names(function):
    (made,) = function.overloads.values()
    return {f.name for f in made.library._final_module.functions if not f.is_declaration and "tiny" in f.name}
print(names(whole) & (names(run) | names(rest)))
"""
DIE_BEFORE_THE_END = """
import os
from tiny import clock, compiled
compiled._write_manifest = lambda: os._exit(3)
clock.run(5)
"""
SKIRMISH = """
from mlmonster_env.sim import Arena
arena = Arena(64, "skirmish-3v3", seed=1)
arena.run(300)
print(hash(tuple(arena.digest())))
"""


class Package:
    """A package in a folder of its own, run in processes of their own, with a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"

    def start(self, program: str) -> subprocess.Popen[str]:
        path = os.pathsep.join([str(self.folder), str(ROOT)])
        env = {**os.environ, "MLMONSTER_CACHE": str(self.cache), "PYTHONPATH": path, "PYTHONHASHSEED": "0"}
        command = [sys.executable, "-c", program]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=env, stdout=pipe, stderr=pipe, text=True)

    def run(self, program: str = RUN) -> tuple[str, bool]:
        """What a program prints, and whether it said that it compiled."""
        process = self.start(program)
        printed, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
        return printed.strip(), COMPILING in said

    def edit(self, file: str, before: str, after: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert text.count(before) == 1
        path.write_text(text.replace(before, after))

    def files(self, pattern: str) -> list[Path]:
        """What the cache holds of a kind."""
        return sorted(self.cache.rglob(pattern))

    def machine_code(self) -> dict[Path, int]:
        """The cache's compiled functions, and when each was written."""
        return {path: path.stat().st_mtime_ns for path in self.files("*.nb[ic]")}


def make_tiny(folder: Path) -> Package:
    inner = folder / "tiny"
    inner.mkdir(parents=True)
    shutil.copy(compiled.__file__, inner / "compiled.py")
    (inner / "__init__.py").touch()
    (inner / "rules.py").write_text(RULES)
    (inner / "clock.py").write_text(CLOCK)
    (inner / "table.yml").write_text("numbers: 1\n")
    return Package(folder)


@pytest.fixture
def tiny(tmp_path: Path) -> Package:
    return make_tiny(tmp_path)


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Package:
    package = make_tiny(tmp_path_factory.mktemp("once"))
    assert package.run() == ("39", True)
    shutil.copytree(package.cache, package.folder / "whole")
    return package


@pytest.fixture
def filled(compiled_once: Package) -> Iterator[Package]:
    """A package whose cache is whole, whatever the test before did to it."""
    shutil.rmtree(compiled_once.cache)
    shutil.copytree(compiled_once.folder / "whole", compiled_once.cache)
    yield compiled_once


def test_the_second_run_is_served_from_the_cache(filled):
    written = filled.machine_code()
    assert filled.run() == ("39", False)
    assert filled.machine_code() == written


def test_what_is_first_needed_later_joins_the_cache(filled):
    assert filled.run(RUN_BOTH) == ("39 17", False)
    written = filled.machine_code()
    assert filled.run(RUN_BOTH) == ("39 17", False)
    assert filled.run(RUN) == ("39", False)
    assert filled.machine_code() == written


def test_a_program_is_linked_from_kernels_of_the_cache_and_then_served_from_it(filled):
    assert filled.run(RUN_WHOLE) == ("57", False)
    written = filled.machine_code()
    assert filled.run(RUN_WHOLE) == ("57", False)
    assert filled.machine_code() == written


def test_a_program_sees_an_edited_callee(tiny):
    assert tiny.run(RUN_WHOLE) == ("57", True)
    tiny.edit("tiny/rules.py", "FACTOR = 3", "FACTOR = 5")
    assert tiny.run(RUN_WHOLE) == ("95", True)
    assert tiny.run(RUN_WHOLE) == ("95", False)


def test_a_program_holds_all_that_it_calls(tiny):
    assert tiny.run(COUNT_CALLS) == ("1\n0", True)


def test_entries_compiled_after_a_program_call_the_kernels_and_not_the_programs_copies(tiny):
    assert tiny.run(NAMES_OF_COPIES) == ("57 39 17\nset()", True)


@pytest.mark.parametrize(("module", "name"), [("clock", "turn"), ("rules", "bonus")])
def test_a_kernel_that_python_calls_says_so(filled, module, name):
    call = (
        f"from tiny.{module} import {name} as called\ntry:\n    called(5)\nexcept TypeError as error:\n    print(error)"
    )
    said = f"tiny.{module}.{name} was called by Python, expected a call by an entry: only compiled code can call it"
    assert filled.run(call) == (said, False)


@pytest.mark.parametrize(
    ("before", "after", "result"), [("FACTOR = 3", "FACTOR = 5", "65"), ("return x + 1", "return x + 2", "45")]
)
def test_an_edited_callee_is_seen(tiny, before, after, result):
    assert tiny.run() == ("39", True)
    tiny.edit("tiny/rules.py", before, after)
    assert tiny.run() == (result, True)
    assert tiny.run() == (result, False)
    tiny.edit("tiny/rules.py", after, before)
    assert tiny.run()[0] == "39"


def test_an_edit_that_keeps_size_and_time_is_seen(tiny):
    assert tiny.run() == ("39", True)
    rules = tiny.folder / "tiny" / "rules.py"
    stat = rules.stat()
    tiny.edit("tiny/rules.py", "FACTOR = 3", "FACTOR = 7")
    os.utime(rules, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    # Python's own cache of byte code goes by size and time.
    shutil.rmtree(tiny.folder / "tiny" / "__pycache__", ignore_errors=True)
    assert tiny.run() == ("91", True)


def test_an_edited_table_is_seen(tiny):
    assert tiny.run() == ("39", True)
    tiny.edit("tiny/table.yml", "numbers: 1", "numbers: 2")
    assert tiny.run() == ("39", True)


def remove(path: Path) -> None:
    path.unlink()


def halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def scramble(path: Path) -> None:
    path.write_bytes(b"\x00scrambled" * 20)


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        ("*rules.strike*.nbi", remove),
        ("*rules.strike*.nbc", remove),
        ("*clock.turn*.nbi", halve),
        ("*clock.turn*.nbc", halve),
        ("*clock.run*.nbi", scramble),
        ("*clock.run*.nbc", scramble),
        ("*.bc", remove),
        ("*.bc", halve),
        ("kernels.json", remove),
        ("kernels.json", halve),
    ],
)
def test_a_damaged_cache_is_rebuilt(filled, pattern, damage):
    path, *others = filled.files(pattern)
    assert not others or pattern == "*.bc"  # one for each kernel
    damage(path)
    assert filled.run() == ("39", True)
    assert filled.run() == ("39", False)


@pytest.mark.parametrize("text", ["{}", "null", '{"kernels": []}'])
def test_a_manifest_of_another_shape_is_not_believed(filled, text):
    (path,) = filled.files("kernels.json")
    path.write_text(text)
    assert filled.run() == ("39", True)


def test_a_cache_that_was_being_written_is_rebuilt(tiny):
    process = tiny.start(DIE_BEFORE_THE_END)
    process.communicate(timeout=300)
    assert process.returncode == 3
    assert tiny.files("*.nbc")
    assert tiny.run() == ("39", True)
    assert tiny.run() == ("39", False)


@pytest.mark.parametrize("delay", [0, 0.1, 0.2, 0.4])
def test_processes_that_start_together_on_an_empty_cache(tiny, delay):
    started = []
    for program, result in ((RUN, "39"), (RUN_BOTH, "39 17"), (RUN, "39")):
        started.append((tiny.start(program), result))
        time.sleep(delay)
    for process, result in started:
        printed, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
        assert printed.strip() == result
    assert tiny.run(RUN_BOTH) == ("39 17", False)


def test_the_fingerprint_knows_numba_and_the_processor(monkeypatch):
    before = compiled.source_fingerprint()
    assert compiled.source_fingerprint() == before
    with monkeypatch.context() as patch:
        patch.setattr(numba, "__version__", "0.0.1")
        assert compiled.source_fingerprint() != before
    with monkeypatch.context() as patch:
        patch.setattr(llvmlite.binding, "get_host_cpu_name", lambda: "another")
        assert compiled.source_fingerprint() != before
    assert compiled.source_fingerprint() == before


def test_the_fingerprint_reads_every_file_of_the_simulator():
    folder = Path(compiled.__file__).parent
    held = {path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert set(compiled.sources()) == held | {Path(contract.__file__)}


def test_kernels_use_nothing_that_the_fingerprint_leaves_out():
    decorated = re.compile(r"^@(kernel|small|entry|program|intrinsic)\b", re.MULTILINE)
    for path in compiled.sources():
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py" and decorated.search(text):
            imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
            names = {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
            ours = {name for name in names if name.startswith("mlmonster_env.")}
            read = ("mlmonster_env.sim", "mlmonster_env.contract")
            assert all(name.startswith(read) for name in ours), (path.name, ours)


@pytest.mark.slow
def test_the_simulator_itself_sees_an_edited_callee(tmp_path):
    shutil.copytree(ROOT / "mlmonster_env", tmp_path / "mlmonster_env", ignore=shutil.ignore_patterns("__pycache__"))
    copy = Package(tmp_path)
    before, compiling = copy.run(SKIRMISH)
    assert compiling
    assert copy.run(SKIRMISH) == (before, False)
    copy.edit("mlmonster_env/sim/damage.py", "LEAST_HIT = 5", "LEAST_HIT = 95")
    after, compiling = copy.run(SKIRMISH)
    assert compiling
    assert after != before
    assert copy.run(SKIRMISH) == (after, False)
    copy.edit("mlmonster_env/sim/damage.py", "LEAST_HIT = 95", "LEAST_HIT = 5")
    assert copy.run(SKIRMISH)[0] == before
