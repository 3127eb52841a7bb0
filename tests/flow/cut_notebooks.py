"""The oracle of the dataflow: a notebook run whole against its stages run apart, each in a namespace of its own.

Between stages everything that a stage gives goes through one bundle, as it may in a plan.
"""

# ruff: noqa: NPY002, S102, S301, PTH109, PLR0124 - running code in a process whose state is put back is what this is for

from __future__ import annotations

import builtins
import copy
import functools
import itertools
import json
import os
import pickle
import random
import sys
import types
import warnings

import numpy as np
from msgspec import Struct

from nbprod.artifacts import bundle
from nbprod.flow import every_cell, flow_of, flow_with
from nbprod.flow.ipython import python_text
from nbprod.model import Flow, Notebook, Severity, Stage
from nbprod.notebook import body_of, parse


def notebook_of(*sources: str, tags: dict[int, str] | None = None) -> Notebook:
    """A notebook of these code cells; `tags` maps a cell to a tag."""
    cells = [
        {
            "cell_type": "code",
            "id": f"c{index}",
            "metadata": {"tags": [tags[index]] if tags and index in tags else []},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for index, source in enumerate(sources)
    ]
    return parse(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}), name="case.ipynb"
    )


class Process:
    """What a process has that stages must not share: its main module, generators, environment, module state."""

    def __init__(self) -> None:
        self._generators = random.getstate(), np.random.get_state()
        self._environment = dict(os.environ)
        self._folder = os.getcwd()
        self._options = _module_state()

    def fresh(self) -> dict[str, object]:
        """A new namespace in a process as it was at the start, but for random state, which is never the same."""
        os.environ.clear()
        os.environ.update(self._environment)
        os.chdir(self._folder)
        random.seed(os.urandom(8))
        np.random.seed(int.from_bytes(os.urandom(4), "big"))
        _set_module_state(self._options)
        main = types.ModuleType("__main__")
        main.__dict__.update(display=lambda *_: None, get_ipython=_Shell)
        warnings.filters[:] = [("ignore", None, Warning, None, 0)]
        sys.modules["__main__"] = main
        return main.__dict__

    def restore(self, main: types.ModuleType) -> None:
        self.fresh()
        warnings.filters[:] = self._options["filters"]
        random.setstate(self._generators[0])
        np.random.set_state(self._generators[1])
        sys.modules["__main__"] = main


class _Shell:
    """Stands for IPython, whose magics do nothing here."""

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def _module_state() -> dict[str, object]:
    import pandas as pd

    return {
        "rows": pd.get_option("display.max_rows"),
        "print": np.get_printoptions(),
        "filters": warnings.filters[:],
    }


def _set_module_state(state: dict[str, object]) -> None:
    import pandas as pd

    pd.set_option("display.max_rows", state["rows"])
    np.set_printoptions(**{key: value for key, value in state["print"].items() if key != "override_repr"})


_STATES = {
    "random.state": (random.getstate, random.setstate),
    "numpy.random.state": (np.random.get_state, np.random.set_state),
    "os.environ": (lambda: dict(os.environ), os.environ.update),
    "os.getcwd": (os.getcwd, os.chdir),
}


class Outcome(Struct, frozen=True):
    """What became of the comparison: `wrong` names differ, `refused` says why nothing ran."""

    flow: Flow
    wrong: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    compared: int = 0


def outcome_of(notebook: Notebook, *, every: bool = True) -> Outcome:
    """Run the notebook whole and in stages, and compare what each stage gives with what it was at that time."""
    flow, findings = flow_with(notebook, every_cell(notebook)) if every else flow_of(notebook)
    errors = tuple(f"{one.rule}: {one.message}" for one in findings if one.severity is Severity.ERROR)
    if errors:
        return Outcome(flow=flow, refused=errors)
    main = sys.modules["__main__"]
    process = Process()
    try:
        whole = _run_whole(notebook, flow, process)
        apart = _run_apart(notebook, flow, process)
    finally:
        process.restore(main)
    wrong = [
        f"{key}: {apart[key]!r} is not {whole[key]!r}" for key in whole if not same(whole[key], apart[key])
    ]
    return Outcome(flow=flow, wrong=tuple(wrong), compared=len(whole))


def _run(source: str, names: dict[str, object]) -> None:
    with _Quiet():
        exec(compile(source, "<cell>", "exec"), names)


class _Quiet:
    def __enter__(self) -> None:
        self._print = builtins.print
        builtins.print = lambda *_, **__: None

    def __exit__(self, *_: object) -> None:
        builtins.print = self._print


def _run_whole(notebook: Notebook, flow: Flow, process: Process) -> dict[str, object]:
    names = process.fresh()
    ends: dict[int, list] = {}
    for stage in flow.stages:
        ends.setdefault(max(stage.cells), []).append(stage)
    seen: dict[str, object] = {}
    for cell in notebook.code:
        _run(python_text(body_of(cell)), names)
        for stage in ends.get(cell.position, ()):
            for name in stage.gives:
                seen[f"{stage.name}.{name}"] = _copy(names[name]) if name in names else _STATES[name][0]()
    lying_apart = {one.name for one in flow.stages if not _is_run(one, flow)}
    return {
        key: value
        for key, value in seen.items()
        if not _is_environment(key) and key.partition(".")[0] not in lying_apart
    }


def _is_run(stage: Stage, flow: Flow) -> bool:
    """Whether no other stage's cells lie between the stage's own: else its end is no one time of the notebook."""
    others = {cell for other in flow.stages if other is not stage for cell in other.cells}
    return not others & set(range(min(stage.cells), max(stage.cells)))


def _is_environment(key: str) -> bool:
    return key.endswith("os.environ")


def _copy(value: object) -> object:
    if type(value).__module__.partition(".")[0] == "pandas":
        return pickle.loads(pickle.dumps(value))  # its own copies share what its cells hold
    try:
        return copy.deepcopy(value)
    except TypeError:
        return value


def _run_apart(notebook: Notebook, flow: Flow, process: Process) -> dict[str, object]:
    stored: dict[str, _Stored] = {}
    seen: dict[str, object] = {}
    for stage in flow.stages:
        names = process.fresh()
        for parameter in flow.parameters:
            if parameter.name in stage.reads:
                names[parameter.name] = copy.deepcopy(parameter.default)
        _run(python_text("\n".join(snippet.code for snippet in stage.preamble)), names)
        for giver in dict.fromkeys(need.giver for need in stage.needs):
            values = stored[giver].loaded()
            for need in stage.needs:
                if need.giver != giver:
                    continue
                if need.name in _STATES:
                    _STATES[need.name][1](values[need.name])
                else:
                    names[need.name] = values[need.name]
        for position in stage.cells:
            _run(python_text(body_of(notebook.code[position])), names)
        given = {name: _STATES[name][0]() if name in _STATES else names[name] for name in stage.gives}
        seen |= {f"{stage.name}.{name}": _copy(value) for name, value in given.items()}
        stored[stage.name] = _Stored(given)
    return {key: value for key, value in seen.items() if not _is_environment(key)}


class _Stored:
    """What a stage gives, as plans store it: one bundle, and beside it the arrays that several views look at."""

    def __init__(self, values: dict[str, object]) -> None:
        self._parts: list[bytes] = []
        self._data = bundle.dumped(values, tables={}, part=self._part)

    def _part(self, value: object) -> int:
        self._parts.append(pickle.dumps(value))
        return len(self._parts) - 1

    def loaded(self) -> dict[str, object]:
        return bundle.loaded(self._data, named=_no_table, part=lambda at: pickle.loads(self._parts[at]))


def _no_table(name: str) -> object:
    raise KeyError(name)


def same(  # noqa: C901, PLR0912 - one case for each kind of value
    left: object, right: object, within: tuple[int, ...] = ()
) -> bool:
    """Whether two values are equal to the bit, by what they hold."""
    import pandas as pd

    if id(left) in within:
        return True
    within = (*within, id(left))
    if type(left).__name__ != type(right).__name__:
        return False
    match left:
        case pd.DataFrame() | pd.Series() | pd.Index():
            return left.equals(right)
        case np.ndarray():
            return left.dtype == right.dtype and left.tobytes() == right.tobytes()
        case dict():
            return list(left) == list(right) and all(same(left[key], right[key], within) for key in left)
        case list() | tuple():
            return len(left) == len(right) and all(
                same(a, b, within) for a, b in zip(left, right, strict=True)
            )
        case float():
            return left == right or (left != left and right != right)
        case str() | int() | bytes() | set() | frozenset() | None:
            return left == right
        case functools.partial():
            return same(
                (left.func, left.args, left.keywords), (right.func, right.args, right.keywords), within
            )
        case types.ModuleType():
            return left is right
        case types.FunctionType():
            return left.__code__.co_code == right.__code__.co_code
        case np.random.Generator():
            return left.bit_generator.state == right.bit_generator.state
        case np.random.RandomState():
            return same(left.get_state(), right.get_state(), within)
        case random.Random():
            return left.getstate() == right.getstate()
        case _ if type(left).__name__ == "list_iterator":
            return list(copy.copy(left)) == list(copy.copy(right))
        case enumerate() | zip() | itertools.cycle():
            return pickle.dumps(left) == pickle.dumps(right)
        case _ if type(left).__module__.startswith("polars."):
            return left.equals(right)
        case types.BuiltinMethodType():
            return left.__name__ == right.__name__ and same(left.__self__, right.__self__, within)
        case _ if hasattr(left, "__dict__") and not isinstance(left, type):
            return same(left.__dict__, right.__dict__, within)
        case _:
            return repr(left) == repr(right) or left == right
