"""What a name stands for: a variable, a library by its usual name, a builtin, or data from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.leakage.interpret import frames
from nbprod.leakage.interpret.values import (
    THE_TABLE,
    Opaque,
    Ref,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Run


_ALIASES = {
    "pd": "pandas",
    "np": "numpy",
    "pl": "polars",
    "ibis": "ibis",
    "plt": "matplotlib.pyplot",
    "sns": "seaborn",
    "sk": "sklearn",
    "xgb": "xgboost",
    "lgb": "lightgbm",
    "duckdb": "duckdb",
    "sm": "statsmodels.api",
    "px": "plotly.express",
    "tf": "tensorflow",
    "spark": "pyspark.session",
    "scipy": "scipy",
    "sp": "scipy",
}


def _counted(run: Run, name: str, value: Value) -> None:
    counts = run.record.shown if run.showing else run.record.used
    counts[name] = counts.get(name, 0) + 1
    if isinstance(value, Ref):
        here = f"{name}@{value.place}"
        counts[here] = counts.get(here, 0) + 1


def name_of(run: Run, node: ast.Name) -> Value:
    """What a name stands for; a free one is a library, a builtin, or data from outside."""
    name = node.id
    for names in (run.env, run.top if run.depth else run.frees, run.frees):
        if name in names:
            run.watch.name(name, names[name])
            _counted(run, name, names[name])
            return names[name]
    run.watch.name(name, None)
    if name in _ALIASES:
        return Symbol(_ALIASES[name])
    if name in _BUILTINS:
        return Symbol(f"builtins.{name}")
    if name == "_" and run.libraries.get("ibis"):
        return THE_TABLE
    if name[:1].isupper() and name.isidentifier() and len(name) > 2 and frames.is_class_name(name):
        return Symbol(name)
    if frames.is_library_function(name):
        return Symbol(name)
    if name.isupper() and len(name) > 1:
        return Opaque(hint=name)
    return frames.free(run, name)


_BUILTINS = frozenset(
    [
        "abs",
        "all",
        "any",
        "bool",
        "dict",
        "enumerate",
        "filter",
        "float",
        "frozenset",
        "getattr",
        "hasattr",
        "int",
        "isinstance",
        "iter",
        "len",
        "list",
        "map",
        "max",
        "min",
        "next",
        "object",
        "open",
        "pow",
        "print",
        "range",
        "repr",
        "reversed",
        "round",
        "set",
        "setattr",
        "slice",
        "sorted",
        "str",
        "sum",
        "super",
        "tuple",
        "type",
        "zip",
        "divmod",
        "vars",
        "callable",
        "input",
        "format",
        "ValueError",
        "Exception",
        "KeyError",
        "display",
        "hash",
        "id",
        "chr",
        "ord",
        "bytes",
        "staticmethod",
        "classmethod",
        "property",
        "globals",
        "locals",
        "eval",
        "exec",
    ]
)
