"""Series of forecasting libraries made of frames, and features that are chosen by the labels of all rows."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import frames, knowledge, learning, moving
from nbprod.leakage.interpret.calls.row_by_row import on_data
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.facts import NOTHING, Clock, Facts
from nbprod.leakage.interpret.values import Cells, Class, Estimator, Instance, Key, Opaque, Table, Value

if TYPE_CHECKING:
    from collections.abc import Callable


def _series_of(run: Run, args: Args, node: ast.AST) -> Value:
    """`TimeSeries.from_dataframe(frame, "ts", "load")`: its values, in the order of time."""
    held = run.at(args.places[0]) if args.places else Opaque()
    _ = node
    if isinstance(held, Table):
        for name in frames.columns_named(run, held, args.get(1, "time_col") or Opaque()) or ():
            run.saw_column(held.root, name)
        names = frames.columns_named(run, held, args.get(2, "value_cols") or Opaque())
        held = frames.as_matrix(run, frames.projected(run, held, names) if names else held)
    if isinstance(held, Cells):
        run.record.sequences |= {source.partition(".")[0] for source in held.facts.reads}
    return held


def _selected(run: Run, args: Args, node: ast.AST) -> Value:
    """`tsfresh.select_features(X, y)`: the columns that tell the labels apart in all rows given."""
    chooser = Estimator(name="select_features", role="targets")
    given = Args(
        places=args.places[:2], names={k: v for k, v in args.names.items() if k in ("X", "y")}, node=node
    )
    return learning.on_estimator(run, run.new(chooser), chooser, "fit_transform", given, node)


_RESULT = Class(
    node=ast.ClassDef(name="DecomposeResult", bases=[], keywords=[], body=[], decorator_list=[]), methods={}
)


def _decomposed(run: Run, args: Args, node: ast.AST) -> Value:
    """`seasonal_decompose(x)`: around each row, but for a trend that is asked to be one-sided."""
    move = knowledge.function("statsmodels.tsa.seasonal.seasonal_decompose")
    assert move is not None  # noqa: S101 - the table of statsmodels has it
    whole = on_data(run, move, args.places[0] if args.places else Opaque(), Args(node=node), node,
                    called="seasonal_decompose")  # fmt: skip
    held = run.at(args.get(0, "x"))
    if args.constant(4, "two_sided", default=True) is not False or not isinstance(held, Cells):
        return whole
    trend = replace(held.facts, clock=None, derived=True)
    parts = dict.fromkeys(("seasonal", "resid"), whole)
    return run.new(
        Instance(of=_RESULT, fields={**parts, "trend": replace(held, facts=trend), "observed": held})
    )


def _described(run: Run, args: Args, node: ast.AST) -> Value:
    """`tsfresh.extract_features(frame, column_id=...)`: statistics of all rows of each series."""
    held = run.at(args.get(0, "timeseries_container"))
    label = args.constant(None, "column_id", args.constant(2, "column_id"))
    if not isinstance(held, Table) or not isinstance(label, str):
        return Opaque(facts=run.facts(held), rows=run.rows(held))
    key = Key(name=label, facts=held.facts(label) or NOTHING, is_time=label in held.index)
    cells = Cells(facts=frames.known_facts(run, held), rows=held.rows, within=(key,))
    facts = moving.statistic(run, cells, node, says="features of each whole series are taken")
    if key.is_time:
        facts = replace(cells.facts, derived=True)
    return run.new(
        Table(columns={label: key.facts}, rest=facts, rows=held.rows, index=(label,), keyed=(key,))
    )


def _rolled(run: Run, args: Args, node: ast.AST) -> Value:
    """`tsfresh.roll_time_series(frame, ...)`: for each row, the rows up to it as a series of their own."""
    held = run.at(args.get(0, "df_or_dict"))
    _ = node
    if not isinstance(held, Table):
        return Opaque(facts=run.facts(held), rows=run.rows(held))
    steps = args.constant(None, "rolling_direction", 1)
    if isinstance(steps, int) and steps < 0:
        return run.new(held)
    return run.new(replace(held, columns={**held.columns, "id": Facts(clock=Clock())}, index=("id",)))


_DECOMPOSE = ("statsmodels.tsa.seasonal", "statsmodels.api.tsa", "statsmodels.tsa.api")

FUNCTIONS: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    **{f"{home}.seasonal_decompose": _decomposed for home in _DECOMPOSE},
    **{f"darts.TimeSeries.from_{kind}": _series_of for kind in ("series", "dataframe", "values", "group_dataframe")},
    **{f"darts.timeseries.TimeSeries.from_{kind}": _series_of for kind in ("series", "dataframe", "values")},
    "tsfresh.extract_features": _described, "tsfresh.feature_extraction.extract_features": _described,
    "tsfresh.utilities.dataframe_functions.roll_time_series": _rolled,
    "tsfresh.select_features": _selected, "tsfresh.feature_selection.select_features": _selected,
}  # fmt: skip
