"""Frames and arrays brought together: beside each other, one after the other, or by keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import (
    learning,
    tables,
)
from nbprod.leakage.interpret.calls.row_by_row import joined
from nbprod.leakage.interpret.values import (
    Cells,
    Mapped,
    Opaque,
    Seq,
    Table,
    Value,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Args, Run


def _concat(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "objs"))
    sideways = args.constant(None, "axis", args.constant(1, "axis", 0)) in (1, "columns") or str(
        args.constant(None, "how", "")
    ).startswith("horizontal")
    values: tuple[Value, ...] = ()
    if isinstance(held, Seq):
        values = (
            held.items if held.items is not None else ((held.any_item,) if held.any_item is not None else ())
        )
    elif isinstance(held, Mapped):
        values = tuple(_keyed(run, key, value) for key, value in held.items.items())
    if not values:
        return Opaque(facts=run.facts(held), rows=run.rows(held))
    if sideways:
        return learning.beside(run, values)
    if len(values) == 1:
        only = run.at(values[0])
        return run.new(only) if isinstance(only, Table) else only
    return learning.concatenated(run, values, node)


def _keyed(run: Run, key: object, value: Value) -> Value:
    """A column under the key that `pd.concat` gives it."""
    held = run.at(value)
    return replace(held, name=str(key)) if isinstance(held, Cells) else value


def _merge(run: Run, args: Args, node: ast.AST) -> Value:
    left = args.get(0, "left") or Opaque()
    held = run.at(left)
    rest = replace(args, places=args.places[1:], names={k: v for k, v in args.names.items() if k != "left"})
    if isinstance(held, Table):
        return tables.call(run, left, held, "merge", rest, node)
    return joined(run, args)


def _merge_asof(run: Run, args: Args, node: ast.AST) -> Value:
    left, right = run.at(args.get(0, "left")), run.at(args.get(1, "right"))
    if isinstance(left, Table) and isinstance(right, Table):
        return run.new(tables.as_of_call(run, left, right, args, node))
    return joined(run, args)


def _stacked(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "tup"))
    _ = node
    values = held.items if isinstance(held, Seq) and held.items is not None else (held,)
    return learning.beside(run, tuple(_as_array(run.at(value)) for value in values))


def _as_array(value: Value) -> Value:
    return replace(value, array=True) if isinstance(value, Cells) else value


def _concatenated(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "arrays"))
    values = held.items if isinstance(held, Seq) and held.items is not None else (held,)
    if args.constant(None, "axis", args.constant(1, "axis", 0)) in (1, -1):
        return learning.beside(run, tuple(values))
    return learning.concatenated(run, tuple(values), node)


def _appended(run: Run, args: Args, node: ast.AST) -> Value:
    several = args.get(0, "arr") or Opaque(), args.get(1, "values") or Opaque()
    if args.constant(2, "axis") in (1, -1):
        return learning.beside(run, several)
    return learning.concatenated(run, several, node)


def _inserted(run: Run, args: Args, node: ast.AST) -> Value:
    """`np.insert(a, 0, v)`: a value before the first one, or anywhere else."""
    array, value = args.get(0, "arr") or Opaque(), args.get(2, "values") or Opaque()
    if args.constant(1, "obj") == 0:
        return learning.concatenated(run, (value, array), node)
    return learning.concatenated(run, (array, value), node)


FUNCTIONS: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    "pandas.concat": _concat, "polars.concat": _concat, "pandas.merge": _merge,
    "pandas.merge_ordered": _merge, "pandas.merge_asof": _merge_asof, "numpy.column_stack": _stacked,
    "numpy.hstack": _stacked, "numpy.dstack": _stacked, "numpy.stack": _stacked,
    "numpy.concatenate": _concatenated, "numpy.vstack": _concatenated,
    "numpy.append": _appended,
    "numpy.insert": _inserted,
}  # fmt: skip
