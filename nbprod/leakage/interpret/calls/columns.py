"""Times, categories and counts of columns, and the objects that say how to group or window them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import (
    knowledge,
    moving,
)
from nbprod.leakage.interpret.calls.row_by_row import on_data
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.facts import ALL_ROWS, NOTHING, Clock, Facts
from nbprod.leakage.interpret.values import GIVEN_KINDS, Cells, Const, Deferred, Opaque, Table, Value

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable


def _to_datetime(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "arg"))
    _ = node
    if isinstance(held, Cells):
        run.saw_time(held.facts, exact=True)
        return replace(held, facts=replace(held.facts, clock=held.facts.clock or Clock()), conditions=())
    if isinstance(held, Table):
        return Cells(facts=replace(held.all_facts, clock=Clock()), rows=held.rows)
    return held if isinstance(held, Const | Deferred) else Opaque()


def _date_range(run: Run, args: Args, node: ast.AST) -> Value:
    name = args.constant(None, "name")
    _ = run, node
    return Cells(facts=Facts(clock=Clock()), name=name if isinstance(name, str) else None, array=True)


def _grouper(run: Run, args: Args, node: ast.AST) -> Value:
    _ = run, node
    key, frequency = args.constant(0, "key"), args.constant(None, "freq", args.constant(2, "freq"))
    if frequency is None:
        return Const(key) if isinstance(key, str) else Opaque()
    return Opaque(hint=f"grouper:{key or ''}:{frequency}")


def _named_aggregate(run: Run, args: Args, node: ast.AST) -> Value:
    _ = run, node
    return Opaque(hint=f"named-agg:{args.constant(0, 'column')}:{args.constant(1, 'aggfunc')}")


def forward_indexer(run: Run, args: Args, node: ast.AST) -> Value:
    _ = run, node
    size = args.constant(0, "window_size")
    return Opaque(hint=f"forward-window:{size if isinstance(size, int) else 2}")


def _categorical(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "values"))
    given = args.get(1, "categories") or args.get(3, "dtype")
    if isinstance(held, Cells) and given is not None:
        return replace(held, facts=replace(held.facts, kinds=True))
    if isinstance(held, Cells):
        facts = moving.statistic(
            run, held, node, says="category codes number the values of all rows", rule="codes"
        )
        return replace(held, facts=facts)
    return held


def _kinds(run: Run, args: Args, node: ast.AST) -> Value:
    """`pd.CategoricalDtype([...])`: categories that are given, whatever the rows hold."""
    _ = node
    given = args.get(0, "categories")
    return Opaque(hint=GIVEN_KINDS) if given is not None and not run.facts(given).reads else Opaque()


def _dummies(run: Run, args: Args, node: ast.AST) -> Value:
    move = knowledge.function("pandas.get_dummies")
    assert move is not None  # noqa: S101 - asked just before
    held = run.at(args.get(0, "data"))
    if isinstance(held, Cells) and held.facts.kinds:
        return _of_each_kind(held)
    if isinstance(held, Table):
        # columns other than the categories stay as they are: a level seen late only adds a column
        return run.new(replace(held, columns={**held.columns}))
    made = on_data(run, move, held, Args(node=node), node, called="get_dummies")
    return _of_each_kind(made) if isinstance(made, Cells) and made.name else made


def _of_each_kind(cells: Cells) -> Cells:
    return replace(cells, name=f"<{cells.name} of each kind>")


def _cross_table(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "index"))
    if not isinstance(held, Cells):
        return Opaque(facts=NOTHING, rows=run.rows(held) if args.places else ALL_ROWS)
    says = "the rows of each kind are counted"
    return Opaque(facts=moving.statistic(run, held, node, says=says), rows=held.rows, hint="columns")


FUNCTIONS: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    "pandas.to_datetime": _to_datetime, "pandas.DatetimeIndex": _to_datetime,
    "pandas.date_range": _date_range, "pandas.bdate_range": _date_range, "pandas.period_range": _date_range,
    "polars.date_range": _date_range, "polars.datetime_range": _date_range, "pandas.Grouper": _grouper,
    "pandas.NamedAgg": _named_aggregate, "pandas.api.indexers.FixedForwardWindowIndexer": forward_indexer,
    "pandas.Categorical": _categorical, "pandas.CategoricalDtype": _kinds, "pandas.api.types.CategoricalDtype": _kinds,
    "polars.Enum": _kinds,
     "pandas.get_dummies": _dummies, "pandas.crosstab": _cross_table,
}  # fmt: skip
