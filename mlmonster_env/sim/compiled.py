"""The one way to compile a simulator function, with a cache that cannot run stale rules.

Numba links the whole of a callee into each of its callers and optimises it there again, level by level: a simulator of
two hundred functions would take minutes. So a `kernel` is compiled by itself and called like a function of another
object file; only a `small` one is linked into its callers, to be inlined there. An `entry` is what Python calls: it
makes ready all kernels that it needs, from the cache or by compiling them once. A `program` is an entry that has all
kernels which it reaches linked into itself and optimised once more as one: seconds to compile, and a quarter faster.

Numba also notices edits only in the file that holds a function, not in its callees. So the cache lives in a directory
named by a hash of every source file that kernels are made of and of where they lie, of numba's version and of the
processor.
"""

import errno
import fcntl
import gc
import hashlib
import importlib
import json
import os
import platform
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import llvmlite.binding
import numba
from llvmlite.binding import Linkage
from numba.core import config, types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, Flags
from numba.core.sigutils import normalize_signature
from numba.core.types.misc import unliteral

from mlmonster_env import contract
from mlmonster_env.data.cache import cache_root

F = TypeVar("F", bound=Callable[..., Any])

PACKAGE = Path(__file__).resolve().parent
OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


def sources() -> list[Path]:
    """Every file that decides what the kernels do."""
    return [Path(contract.__file__), *sorted(PACKAGE.rglob("*.py")), *sorted(PACKAGE.rglob("*.yml"))]


def source_fingerprint() -> str:
    """Hash of everything that decides what machine code the simulator runs."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    for fact in (str(PACKAGE), numba.__version__, llvmlite.binding.get_host_cpu_name(), platform.machine()):
        digest.update(fact.encode())
    return digest.hexdigest()[:16]


CACHE_DIRECTORY = cache_root() / "kernels" / source_fingerprint()
LOOPS = cache_root() / "loops"
MANIFEST = CACHE_DIRECTORY / "kernels.json"
LOCK = threading.RLock()

# Kernels and their kinds of arguments in the order in which they were compiled: callees first.
_finished: list[tuple[str, str]] = []
_compiling = False


class SeparateCompiler(Compiler):  # type: ignore[misc]
    """Compiles a function as an object file of its own: callers get its name, not its code."""

    def _compile_core(self) -> Any:
        result = super()._compile_core()
        library = result.library
        library._shared_module = llvmlite.binding.parse_assembly(
            str(library._codegen._create_empty_module(library.name))
        )
        function = self.state.func_id.func
        _finished.append((f"{function.__module__}:{function.__qualname__}", str(self.state.args)))
        _bitcode_of(result.fndesc.llvm_func_name).write_bytes(library._final_module.as_bitcode())
        return result


class ProgramLibrary(JITCodeLibrary):  # type: ignore[misc]
    """Machine code of an entry and of all that it calls, optimised as one program."""

    def _optimize_final_module(self) -> None:
        module = self._final_module
        shown = {f.name for f in module.functions if not f.is_declaration and f.linkage == Linkage.external}
        linked: set[Path] = set()
        while wanted := _kernels_missing_in(module) - linked:
            for path in wanted:
                module.link_in(llvmlite.binding.parse_bitcode(path.read_bytes()))
            linked |= wanted
        for function in module.functions:
            if not function.is_declaration and function.name not in shown:
                function.linkage = "internal"
                # The engine finds internal functions by name too, and these no longer take what callers elsewhere pass.
                function.name = f"{self.name}:{function.name}"
        super()._optimize_final_module()


class ProgramCompiler(Compiler):  # type: ignore[misc]
    """Compiles a function with the kernels that it reaches as one program."""

    def _compile_core(self) -> Any:
        self.state.library = ProgramLibrary(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        self.state.library.enable_object_caching()
        return super()._compile_core()


def _kernels_missing_in(module: Any) -> set[Path]:
    """Bitcode of the kernels that a module calls and does not hold."""
    paths = {_bitcode_of(function.name) for function in module.functions if function.is_declaration}
    return {path for path in paths if path.exists()}


def _bitcode_of(llvm_name: str) -> Path:
    """Where the cache keeps a kernel in the form that programs are linked from."""
    return CACHE_DIRECTORY / f"{hashlib.sha256(llvm_name.encode()).hexdigest()[:32]}.bc"


def _wide(argument: Any) -> Any:
    """Whole numbers and truths are 64 bits between kernels, so that each is compiled for one kind of arguments."""
    argument = unliteral(argument)
    if isinstance(argument, types.Boolean | types.Integer) and argument not in types.unsigned_domain:
        return types.int64
    return argument


class SharedFlags(Flags):  # type: ignore[misc]
    """Options of a compilation, one object for all that have the same.

    Numba asks at every operation whose types it infers whether it has met them under equal options, and compares all.
    """

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    def copy(self) -> Flags:
        """Options that may be changed, to be told apart by what they say."""
        return Flags(self)


_flags: dict[str, SharedFlags] = {}


def _shared(flags: Flags) -> SharedFlags:
    return _flags.setdefault(flags.summary(), SharedFlags(flags))


def _compiled(function: F, **options: Any) -> F:
    compiled = numba.njit(function, **OPTIONS, **options)
    compiled._compiler._customize_flags = _shared
    compile_as_is = compiled.compile

    def compile_wide(signature: Any) -> Any:
        wide = tuple(_wide(kind) for kind in normalize_signature(signature)[0])
        # Numba asks at every call whose arguments had to be widened.
        known = compiled.overloads.get(wide)
        return _compile(compile_as_is, wide) if known is None else known.entry_point

    compiled.compile = compile_wide
    return compiled  # type: ignore[no-any-return]


def _cached(function: F, **options: Any) -> F:
    with _kept_in(CACHE_DIRECTORY):
        return _compiled(function, cache=True, **options)


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """Machine code of what is decorated meanwhile is kept in a folder."""
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        yield
    except RuntimeError as error:  # numba found no folder at all that it may write
        raise _no_place(folder, errno.EACCES) from error
    finally:
        config.CACHE_DIR = before


def _no_place(folder: Path, number: int | None) -> OSError:
    why = os.strerror(number or errno.EACCES)
    told = f"{folder} cannot be written ({why}), expected a place for compiled code"
    return OSError(number, f"{told}; MLMONSTER_CACHE names another")


def loop(function: F) -> F:
    """Compile a function that knows nothing of the simulator; numba sees by itself when its file has changed."""
    with _kept_in(LOOPS):
        return numba.njit(function, cache=True, nogil=True)  # type: ignore[no-any-return]


def kernel(function: F) -> F:
    """Compile a function that only other kernels call."""
    return _not_for_python(_cached(function, pipeline_class=SeparateCompiler, no_cpython_wrapper=True))


def small(function: F) -> F:
    """Compile a function short enough to be inlined into the kernels that call it."""
    return _not_for_python(_compiled(function, no_cpython_wrapper=True))


def _not_for_python(function: F) -> F:
    """Let calls by Python fail: what takes its numbers and arrays apart would have to be compiled for each."""
    compiled: Any = function
    compile_wide = compiled.compile
    name = f"{function.__module__}.{function.__name__}"

    def refuse(*arguments: Any) -> None:
        raise TypeError(f"{name} was called by Python, expected a call by an entry: only compiled code can call it")

    def add_overload(result: Any) -> None:
        compiled.overloads[tuple(result.signature.args)] = result

    def compile_for_kernels(signature: Any) -> Any:
        compile_wide(signature)
        return refuse

    compiled.compile, compiled.add_overload = compile_for_kernels, add_overload
    return function


def entry(function: F) -> F:
    """Compile a function that Python calls, with all kernels that it calls."""
    return _cached(function)


def program(function: F) -> F:
    """Compile a function that Python calls and that takes most of the time, as one with all that it calls."""
    return _cached(function, pipeline_class=ProgramCompiler)


def _compile(compile_as_is: Callable[[tuple[Any, ...]], Any], signature: tuple[Any, ...]) -> Any:
    """Compile what is called first, and within that whatever it calls, while the cache is this process's own."""
    global _compiling
    with LOCK:
        if _compiling:
            return compile_as_is(signature)
        _compiling = True
        try:
            with _locked_cache(), _plain_loops(), _nothing_collected():
                whole = _make_ready()
                result = compile_as_is(signature)
                if whole:
                    _write_manifest()
                return result
        finally:
            _compiling = False


@contextmanager
def _plain_loops() -> Iterator[None]:
    """No vector instructions for loops meanwhile: nearly all are over a handful of units, whose fields lie apart."""
    before = config.LOOP_VECTORIZE
    config.LOOP_VECTORIZE = 0
    try:
        yield
    finally:
        config.LOOP_VECTORIZE = before


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """No garbage collection meanwhile: an eighth of all time, for some 200 MB that come free afterwards."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@contextmanager
def _locked_cache() -> Iterator[None]:
    """Other processes wait meanwhile: they neither load a half-written cache nor empty one that is being filled."""
    try:
        CACHE_DIRECTORY.mkdir(parents=True, exist_ok=True)
        lock = (CACHE_DIRECTORY.parent / f"{CACHE_DIRECTORY.name}.lock").open("w")
    except OSError as error:
        raise _no_place(CACHE_DIRECTORY, error.errno) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make_ready() -> bool:
    """Load every kernel that the cache holds and this process does not, or empty the cache where it is not whole.

    False where it is not whole and this process cannot fill it: it holds kernels that it will not compile again.
    """
    kernels = _read_manifest()
    if kernels is not None:
        _load([kernel for kernel in kernels if kernel not in _finished])
        return True
    if _finished:
        return False
    # Folders stay: another process that is just starting may be looking for its own in here.
    for path in (MANIFEST, *_written()):
        path.unlink(missing_ok=True)
    print("mlmonster: compiling the simulator, once (about a minute) ...", file=sys.stderr, flush=True)
    return True


def _stamps() -> dict[str, list[int]]:
    """What numba goes by to call a function's machine code stale."""
    return {str(path): [path.stat().st_mtime_ns, path.stat().st_size] for path in sources()}


def _written() -> list[Path]:
    """All that was compiled: indices and machine code as numba writes them, and what programs are linked from."""
    return [*CACHE_DIRECTORY.rglob("*.nb[ic]"), *CACHE_DIRECTORY.glob("*.bc")]


def _files() -> dict[str, str]:
    """What the cache holds: numba loads damaged files without a look, and callers without their callees."""
    return {
        str(path.relative_to(CACHE_DIRECTORY)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(_written())
    }


def _read_manifest() -> list[tuple[str, str]] | None:
    try:
        manifest = json.loads(MANIFEST.read_text())
        whole = manifest["stamps"] == _stamps() and manifest["files"] == _files()
        return [(name, arguments) for name, arguments in manifest["kernels"]] if whole else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _write_manifest() -> None:
    written = MANIFEST.with_suffix(f".{os.getpid()}")
    manifest = {"kernels": list(dict.fromkeys(_finished)), "stamps": _stamps(), "files": _files()}
    written.write_text(json.dumps(manifest))
    written.replace(MANIFEST)


def _load(kernels: list[tuple[str, str]]) -> None:
    """Load machine code, callees before callers: an object file needs all the names that it calls."""
    for name, arguments in kernels:
        module, function = name.split(":")
        compiled = getattr(importlib.import_module(module), function)
        for signature, *_ in compiled._cache._cache_file._load_index():
            if str(signature) == arguments:
                compiled.compile(signature)
        _finished.append((name, arguments))
