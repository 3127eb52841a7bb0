"""The vocabulary of `CALLS`: what a call of a library does to its arguments, to state and to files.

A library's `CALLS` table is keyed by dotted path: `pandas.read_csv` is a function, `pandas.DataFrame.insert` a
method of what calls say they give as `pandas.DataFrame` (one name stands for a library's whole family of frames,
columns and groups). `.*` at the end stands for all others of that name, `.<class>` for those written as classes.
What no table names may change whatever it can get at.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.libraries.brought import brought

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Role(StrEnum):
    """What a call is for, as far as its name tells what its stage is for."""

    LOAD = "load"
    CLEAN = "clean"
    FEATURES = "features"
    SPLIT = "split"
    FIT = "fit"
    PREDICT = "predict"
    EVALUATE = "evaluate"
    PLOT = "plot"
    SHOW = "show"
    SAVE = "save"


class Result(StrEnum):
    """How the result hangs together with the receiver and the arguments."""

    FRESH = "fresh"  # an object of its own
    SELF = "self"  # the receiver itself
    PART = "part"  # the receiver, or something in it
    VIEW = "view"  # may share memory with the receiver or the first argument
    HOLDS = "holds"  # a new object that goes on holding the receiver and the arguments
    PLAIN = "plain"  # something that cannot change: a number, a text
    SEVERAL = "several"  # a fresh collection of fresh objects
    PAIRS = "pairs"  # a new series of tuples that hold parts of the arguments


class Call(Struct, frozen=True, kw_only=True):
    """What one call does. `changes` names arguments by position ("0"), by keyword, or "self"; `gives` is a type.

    `keeps` says that the receiver goes on holding the arguments. `draws` is the hidden generator that moves
    unless the call brings a seed of its own, `seeds` one that is set, `sets` module state that later code sees.
    `stays` says why the result cannot leave its process. `cheap` calls give equal results each time at no cost
    and touch nothing, so that their statement may be copied; a `literal` one is as good as a constant.
    """

    gives: str = ""
    result: Result = Result.FRESH
    changes: tuple[str, ...] = ()
    keeps: bool = False
    draws: str = ""
    seeds: str = ""
    sets: str = ""
    reads_file: bool = False
    writes_file: bool = False
    stays: str = ""
    cheap: bool = False
    literal: bool = False
    role: Role | None = None


Table = dict[str, Call]

RANDOM = "random.state"
NUMPY_RANDOM = "numpy.random.state"
TORCH_RANDOM = "torch.random.state"
ENVIRONMENT = "os.environ"
WORKING_FOLDER = "os.getcwd"

# Hidden values: state that no name holds, saved and put back at a stage's boundary under these names.
CARRIED_STATES = (RANDOM, NUMPY_RANDOM, TORCH_RANDOM, ENVIRONMENT, WORKING_FOLDER)
GENERATORS = (RANDOM, NUMPY_RANDOM, TORCH_RANDOM)

_HOMES = (
    "language", "standard", "pandas", "numpy", "polars", "ibis", "sklearn", "matplotlib", "statsmodels", "scipy",
    "boosting", "imblearn", "category_encoders", "neural",
)  # fmt: skip


def named(prefix: str, names: Iterable[str], call: Call) -> Table:
    """The same call under several names."""
    return {f"{prefix}.{name}": call for name in names}


@cache
def known_calls() -> Mapping[str, Call]:
    """All libraries' tables in one, those of installed packages (entry points `nbprod.libraries`) included."""
    known: Table = {}
    for home in _HOMES:
        known |= getattr(import_module(f"nbprod.libraries.{home}"), "CALLS", {})
    for module in brought():
        known |= getattr(module, "CALLS", {})
    return known


@cache
def call_of(path: str) -> Call | None:
    """What is known of the call at a dotted path, by its own name or the nearest `.*` above it; None if nothing."""
    known = known_calls()
    if path in known:
        return known[path]
    above, _, name = path.rpartition(".")
    is_class = name[:1].isupper()
    while above:
        if is_class and f"{above}.<class>" in known:
            return known[f"{above}.<class>"]
        if f"{above}.*" in known:
            return known[f"{above}.*"]
        above = above.rpartition(".")[0]
    return None


@cache
def harmless_names() -> frozenset[str]:
    """Method names that no table knows to change anything, of types that some table knows one by one."""
    changing = {path.rpartition(".")[2] for path, call in known_calls().items() if call.changes or call.keeps}
    pure = {
        path.rpartition(".")[2] for path, call in known_calls().items() if not call.changes and not call.keeps
    }
    return frozenset(pure - changing)
