"""Models whose libraries fit them by a function, and scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.leakage.interpret import (
    learning,
)
from nbprod.leakage.interpret.context import Args, Run, Sink
from nbprod.leakage.interpret.values import (
    Estimator,
    Opaque,
    Value,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable


def metric(run: Run, args: Args, node: ast.AST) -> Value:
    truth = args.get(0, "y_true") or Opaque()
    guess = args.get(1, "y_pred") or Opaque()
    rows = run.rows(truth) if run.rows(truth).bounds else run.rows(guess)
    run.record.scored.append(
        Sink(kind="metric", span=run.span(node), features=run.at(guess), labels=run.at(truth), rows=rows,
             in_loop=bool(run.loops))
    )  # fmt: skip
    return Opaque(hint="score", rows=rows)


def data_matrix(run: Run, args: Args, node: ast.AST) -> Value:
    _ = node
    features = args.get(0, "data") or Opaque()
    labels = args.get(1, "label")
    parts = (features, labels) if labels is not None else (features,)
    return run.new(Estimator(name="data", role="data", parts=parts))


def _booster(run: Run, args: Args, node: ast.AST) -> Value:
    """`xgb.train(params, data, ...)`, `lgb.train`: a fit by another name."""
    estimator = Estimator(name="train", role="predictor", settings=dict(args.names))
    owner = run.new(estimator)
    data = args.get(1, "dtrain") or args.get(1, "train_set") or Opaque()
    fit_args = Args(
        places=(data,),
        names={k: v for k, v in args.names.items() if k not in ("dtrain", "train_set")},
        node=node,
    )
    learning.on_estimator(run, owner, estimator, "fit", fit_args, node)
    return owner


def _regression(run: Run, args: Args, node: ast.AST) -> Value:
    """Statsmodels names the labels first: `OLS(y, X).fit()`."""
    labels, features = args.get(0, "endog"), args.get(1, "exog")
    estimator = Estimator(name="OLS", role="predictor")
    owner = run.new(estimator)
    if features is not None and labels is not None:
        learning.on_estimator(run, owner, estimator, "fit", Args(places=(features, labels), node=node), node)
    return owner


FUNCTIONS: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    "xgboost.DMatrix": data_matrix, "lightgbm.Dataset": data_matrix, "catboost.Pool": data_matrix,
    "xgboost.train": _booster, "lightgbm.train": _booster, "statsmodels.api.OLS": _regression,
    "statsmodels.api.WLS": _regression, "statsmodels.api.GLM": _regression,
    "statsmodels.api.Logit": _regression,
}  # fmt: skip
