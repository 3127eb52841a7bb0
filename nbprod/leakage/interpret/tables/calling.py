"""A method of a frame, found in the room that answers it; knows all rooms of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.leakage.interpret import frames
from nbprod.leakage.interpret.tables import (
    applying,
    columns,
    duckdb,
    everywhere,
    grouping,
    handing,
    joins,
    ordering,
    rows,
    spark,
)
from nbprod.leakage.interpret.tables.everywhere import every_column
from nbprod.leakage.interpret.values import NONE, Opaque, Ref, Table, Value

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Args, Run

_METHODS: dict[str, Callable[[Run, Table, Args, ast.AST], Value]] = {
    **columns.METHODS, **rows.METHODS, **ordering.METHODS, **everywhere.METHODS, **grouping.METHODS, **applying.METHODS,
    **joins.METHODS, **handing.METHODS, **spark.METHODS,
}  # fmt: skip


def call(run: Run, owner: Value, table: Table, name: str, args: Args, node: ast.AST) -> Value:  # noqa: PLR0917
    """A method of a frame."""
    if name in ("insert", "pop", "update") and isinstance(owner, Ref):
        return _in_place(run, owner, table, name, args, node)
    if table.library == "duckdb" and (made := duckdb.called(run, table, name, args, node)) is not None:
        return made
    handler = _METHODS.get(name)
    if handler is not None:
        result = handler(run, table, args, node)
    else:
        result = every_column(run, table, name, args, node)
    if args.constant(None, "inplace") is True and isinstance(owner, Ref):
        held = run.at(result)
        if isinstance(held, Table):
            run.heap[owner.place] = held
        return NONE
    return result


def _in_place(run: Run, owner: Ref, table: Table, name: str, args: Args, node: ast.AST) -> Value:  # noqa: PLR0917
    if name == "insert":
        label = frames.columns_named(run, table, args.get(1, "column") or Opaque())
        value = args.get(2, "value")
        if label and value is not None:
            run.heap[owner.place] = frames.stored_column(run, table, label[0], value, node)
        return NONE
    if name == "pop":
        names = frames.columns_named(run, table, args.get(0, "item") or Opaque())
        if names:
            column = frames.column(run, table, names[0])
            run.heap[owner.place] = frames.dropped(table, names)
            return column
    return NONE
