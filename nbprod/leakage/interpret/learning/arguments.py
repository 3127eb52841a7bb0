"""What a method of a model is given: its features and labels, by whatever name."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbprod.leakage.interpret.values import (
    Cells,
    Estimator,
    Mapped,
    Opaque,
    Seq,
    Value,
)

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Args, Run

_LABEL_NAMES = ("y", "labels", "label", "target", "y_train", "Y")


def features_in(args: Args) -> Value:
    for name in ("X", "x", "X_train", "data", "df", "raw_documents", "train_set", "dtrain"):
        if name in args.names and not args.places:
            return args.names[name]
    return args.places[0] if args.places else Opaque()


def unwrapped(run: Run, features: Value) -> Value:
    """The features themselves, where a library wraps them with their labels: `DMatrix`, `Dataset`, `Pool`."""
    held = run.at(features)
    return held.parts[0] if isinstance(held, Estimator) and held.role == "data" and held.parts else features


def labels_in(args: Args) -> Value | None:
    for name in _LABEL_NAMES:
        if name in args.names:
            return args.names[name]
    return args.places[1] if len(args.places) > 1 else None


def name_in(node: ast.AST) -> str:
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name):
        return node.args[0].id
    return ""


def frozen(run: Run, value: Value) -> Value:
    """The value as it is now: what stands on the heap may change later."""
    held = run.at(value)
    if isinstance(held, Seq) and held.any_item is not None:
        inner = run.at(held.any_item)
        return Cells(facts=run.facts(inner), rows=run.rows(inner), shape="matrix", array=True)
    if isinstance(held, Seq | Mapped):
        return Cells(facts=run.facts(held), rows=run.rows(held), shape="matrix", array=True)
    return held
