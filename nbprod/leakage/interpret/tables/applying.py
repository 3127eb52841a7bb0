"""A frame given to a function whole, row by row or column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import frames
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.values import (
    Cells,
    Class,
    Const,
    Function,
    Mapped,
    Opaque,
    Position,
    Seq,
    Symbol,
    Table,
    Value,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.leakage.interpret.facts import Facts


def _apply(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    function = run.at(args.get(0, "func"))
    axis = args.constant(None, "axis", args.constant(1, "axis", 0))
    if not isinstance(function, Function | Symbol | Class):
        return run.new(table)
    extra = run.at(args.get(None, "args"))
    more = extra.items if isinstance(extra, Seq) and extra.items is not None else ()
    names = {
        k: v
        for k, v in args.names.items()
        if k not in ("func", "axis", "args", "raw", "result_type", "by_row")
    }
    if axis in (1, "columns"):
        row = run.new(table.mapped(lambda f: f))
        held = run.at(row)
        assert isinstance(held, Table)  # noqa: S101 - asked just before
        run.heap[row.place] = replace(held, guessed=False)
        element = _row_of(run, table)
        result = run.call(run, function, Args(places=(element, *more), names=names, node=node), node)
        return Cells(
            facts=replace(run.facts(result), derived=True), rows=table.rows, order=table.order, shape="column"
        )

    def change(name: str, facts: Facts) -> Facts:
        cells = Cells(facts=facts, rows=table.rows, order=table.order, name=name, width=1)
        return run.facts(run.call(run, function, Args(places=(cells, *more), names=names, node=node), node))

    columns = {name: change(name, facts) for name, facts in table.columns.items()}
    rest = change("*", frames.known_facts(run, table)) if table.rest is not None else None
    if rest is not None and table.rest is not None:
        rest = replace(rest, reads=table.rest.reads)
    return run.new(replace(table, columns=columns, rest=rest))


def _row_of(run: Run, table: Table) -> Value:
    """A frame's row in `apply(axis=1)`: columns by name, each an element."""
    items = {
        name: Cells(facts=facts, shape="element", rows=table.rows, order=table.order)
        for name, facts in table.columns.items()
    }
    anything = frames.row_of(run, table)
    return Mapped(dict(items), anything) if table.rest is None else anything


def _pipe(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    function = args.places[0] if args.places else Opaque()
    held = run.at(function)
    me = run.new(table)
    if isinstance(held, Seq) and held.items:
        function = held.items[0]
    return run.call(run, function, Args(places=(me, *args.places[1:]), names=args.names, node=node), node)


def _rows_iterated(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    return Seq(None, any_item=Seq((Position(), _row_of(run, table))))


def _tuples_iterated(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    return Seq(None, any_item=frames.row_of(run, table))


def _columns_iterated(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    if table.rest is None:
        return Seq(tuple(Seq((Const(name), frames.column(run, table, name))) for name in table.columns))
    cells = Cells(facts=frames.known_facts(run, table), rows=table.rows, order=table.order)
    return Seq(None, any_item=Seq((Opaque(hint="any column"), cells)))


METHODS: dict[str, Callable[[Run, Table, Args, ast.AST], Value]] = {
    "apply": _apply, "transform": _apply, "pipe": _pipe, "iterrows": _rows_iterated,
    "itertuples": _tuples_iterated, "iter_rows": _tuples_iterated, "items": _columns_iterated,
}  # fmt: skip
