"""Series of forecasting libraries made of frames, and features that are chosen by the labels of all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.leakage.interpret import frames, learning
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.values import Cells, Estimator, Opaque, Table, Value

if TYPE_CHECKING:
    import ast
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


FUNCTIONS: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    **{f"darts.TimeSeries.from_{kind}": _series_of for kind in ("series", "dataframe", "values", "group_dataframe")},
    **{f"darts.timeseries.TimeSeries.from_{kind}": _series_of for kind in ("series", "dataframe", "values")},
    "tsfresh.select_features": _selected, "tsfresh.feature_selection.select_features": _selected,
}  # fmt: skip
