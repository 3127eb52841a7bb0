"""A method that does the same to every column; knows what the method does to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import deferred, frames, groups, knowledge, moving
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.facts import Facts
from nbprod.leakage.interpret.values import BY_COLUMN, Cells, Grouped, Opaque, Table, Value, Windowed
from nbprod.libraries.moves import Reduces, Rolls, Shows

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable


def every_column(run: Run, table: Table, name: str, args: Args, node: ast.AST) -> Value:
    """A call that does the same to every column."""
    from nbprod.leakage.interpret.methods import on_cells

    move = knowledge.method(table.library, name)
    if isinstance(move, Shows):
        return Opaque()
    if isinstance(move, Rolls) and not move.finished:
        return rolling(run, table, move, args, node)
    axis = args.constant(None, "axis", default=0)
    if isinstance(move, Reduces) and axis in (1, "columns"):
        facts = replace(frames.known_facts(run, table), derived=True)
        return Cells(facts=facts, rows=table.rows, order=table.order)

    def change(column: str, facts: Facts) -> Facts:
        cells = Cells(
            facts=facts,
            rows=table.rows,
            order=table.order,
            name=column,
            within=table.within,
            library=table.library,
        )
        return run.facts(on_cells(run, cells, cells, name, _without_inplace(args), node))

    columns = {column: change(column, _declared(run, table, column)) for column in table.columns}
    rest = None
    if table.rest is not None:
        known = table.rest | Facts(reads={f"{table.root}.*": 0.0}) if table.root else table.rest
        rest = change("*", known)
        rest = replace(rest, reads=table.rest.reads) if not isinstance(move, Reduces) else rest
    kept = replace(table, columns=columns, rest=rest)
    if isinstance(move, Reduces):
        return run.new(replace(kept, keyed=BY_COLUMN))
    return run.new(kept)


def _declared(run: Run, table: Table, name: str) -> Facts:
    facts = table.columns[name]
    if table.root:
        run.saw_column(table.root, name)
    return facts


def _without_inplace(args: Args) -> Args:
    return replace(args, names={name: value for name, value in args.names.items() if name != "inplace"})


def rolling(run: Run, table: Table, move: Rolls, args: Args, node: ast.AST) -> Value:
    cells = Cells(
        facts=frames.known_facts(run, table), rows=table.rows, order=table.order, within=table.within
    )
    made = moving.windowed(run, move, cells, args, node)
    if isinstance(args.constant(None, "on"), str):
        run.saw_column(table.root, str(args.constant(None, "on")))
    return replace(made, base=table)


def _expanding(run: Run, table: Table, _args: Args, node: ast.AST) -> Value:
    cells = Cells(
        facts=frames.known_facts(run, table), rows=table.rows, order=table.order, within=table.within
    )
    return Windowed(base=table, kind="expanding", aheads=moving.expanding_aheads(run, cells, node))


def _agg(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """An aggregate of all rows."""
    if table.library in ("ibis", "polars", "pyspark"):
        by = args.get(None, "by")
        keys = deferred.keys_of(run, table, [by]) if by is not None else ()
        rest = replace(args, names={n: v for n, v in args.names.items() if n != "by"})
        return groups.on_grouped(run, Grouped(base=table, keys=keys, as_index=False), "agg", rest, node)
    return every_column(run, table, "sum", Args(node=node), node)


def _count(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    if table.library == "ibis":
        made = deferred.counted(run, node, "ibis")
        return replace(made, table=table)
    return every_column(run, table, "count", args, node)


METHODS: dict[str, Callable[[Run, Table, Args, ast.AST], Value]] = {
    "expanding": _expanding, "ewm": _expanding, "agg": _agg, "aggregate": _agg, "count": _count,
}  # fmt: skip
