"""Methods of a column that change its name or its shape only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.facts import Clock, Facts
from nbprod.leakage.interpret.values import GIVEN_KINDS, Cells, Opaque, Table, Value

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable


def _framed(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    name = args.constant(0, "name", default=cells.name)
    _ = node
    label = name if isinstance(name, str) else "0"
    table = Table(
        columns={label: cells.facts}, rows=cells.rows, order=cells.order, keyed=cells.keyed, within=cells.within,
        index=(cells.index,) if cells.index else (),
    )  # fmt: skip
    return run.new(table)


def _index_reset(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    if args.constant(None, "drop") is True:
        # numbered anew: a value's place counts, not the row that it is of
        return replace(cells, array=cells.array or bool(cells.offset))
    made = run.at(_framed(run, cells, Args(names={k: v for k, v in args.names.items() if k == "name"}), node))
    assert isinstance(made, Table)  # noqa: S101 - asked just before
    keys = {key.name: replace(key.facts, derived=True) for key in cells.keyed}
    if not keys and cells.index:
        keys = {cells.index: Facts(clock=Clock(), derived=True)}
    return run.new(replace(made, columns={**keys, **made.columns}, index=()))


def _renamed(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    _ = node, run
    name = args.constant(0, "index") or args.constant(None, "name")
    return replace(cells, name=name) if isinstance(name, str) else cells


def _at_frequency(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    """`series.asfreq("h", method="bfill")`: new rows between, filled as said."""
    if args.constant(1, "method") not in ("bfill", "backfill") or not cells.facts.reads:
        return cells
    from nbprod.leakage.interpret import tables

    return replace(cells, facts=tables.filled_from_later(run, cells, node, cells.facts))


def _as_array(_run: Run, cells: Cells, _args: Args, _node: ast.AST) -> Value:
    return replace(cells, array=True)


def _same(_run: Run, cells: Cells, _args: Args, _node: ast.AST) -> Value:
    return cells


def _shown(_run: Run, _cells: Cells, _args: Args, _node: ast.AST) -> Value:
    return Opaque()


def _resized(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    _ = args, run, node
    return replace(cells, shape="matrix" if cells.shape == "column" else cells.shape, conditions=())


def _descending(_run: Run, cells: Cells, _args: Args, _node: ast.AST) -> Value:
    return Opaque(hint=f"desc:{cells.name}")


def _cast(run: Run, cells: Cells, args: Args, _node: ast.AST) -> Value:
    """`column.astype(kind)`: of the same rows; of categories that are given, where a kind says so."""
    kind = run.at(args.get(0, "dtype"))
    given = isinstance(kind, Opaque) and kind.hint == GIVEN_KINDS
    facts = replace(cells.facts, derived=True, kinds=given or cells.facts.kinds)
    return replace(cells, facts=facts, conditions=())


METHODS: dict[str, Callable[[Run, Cells, Args, ast.AST], Value]] = {
    "to_frame": _framed, "reset_index": _index_reset, "rename": _renamed, "to_numpy": _as_array,
    "to_list": _as_array, "tolist": _as_array, "to_dict": _same, "copy": _same, "clone": _same,
    "ravel": _same, "flatten": _same, "squeeze": _same, "to_series": _same, "asfreq": _at_frequency,
    "reshape": _resized, "unique": _same, "drop_duplicates": _same, "plot": _shown, "hist": _shown,
    "desc": _descending, "astype": _cast, "cast": _cast,
}  # fmt: skip
