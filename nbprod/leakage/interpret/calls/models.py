"""Models whose libraries fit them by a function, and scores."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import (
    frames,
    learning,
)
from nbprod.leakage.interpret.context import Args, Run, Sink
from nbprod.leakage.interpret.values import (
    Estimator,
    Opaque,
    Table,
    Value,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.libraries.moves import Models, Scores


def metric(run: Run, move: Scores, args: Args, node: ast.AST) -> Value:
    truth = args.get(move.parameters.index(move.truth), move.truth) or Opaque()
    guess = args.get(move.parameters.index(move.guess), move.guess) or Opaque()
    rows = run.rows(truth) if run.rows(truth).bounds else run.rows(guess)
    run.record.scored.append(
        Sink(kind="metric", span=run.span(node), features=run.at(guess), labels=run.at(truth), rows=rows,
             in_loop=run.is_repeating)
    )  # fmt: skip
    return learning.score(run, rows, node)


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


def given_data(run: Run, move: Models, name: str, args: Args, node: ast.AST) -> Value:
    """`OLS(y, X)`, `ols("y ~ x", data=frame)`, `ARIMA(series)`: what is fitted is said where the model is made."""
    labels, features = args.get(0, move.labels), args.get(1, move.features)
    if move.formula:
        labels, features = _named_in_formula(run, args.constant(0, move.formula), args.get(1, "data"))
    estimator = Estimator(name=name, role="predictor")
    owner = run.new(estimator)
    if labels is not None and features is not None and run.facts(features).reads:
        learning.on_estimator(run, owner, estimator, "fit", Args(places=(features, labels), node=node), node)
    elif labels is not None:
        learnt, span = run.facts(labels), run.span(node)
        run.heap[owner.place] = replace(estimator, fitted=run.rows(labels), learnt=learnt, fit_span=span)
    return owner


_FORMULA_WORD = re.compile(r"\b([A-Za-z_]\w*)\b(?!\s*[(.])")


def _named_in_formula(run: Run, formula: object, data: Value | None) -> tuple[Value | None, Value | None]:
    """The labels and the features of `y ~ a + C(b)`."""
    table = run.at(data)
    if not isinstance(formula, str) or not isinstance(table, Table) or "~" not in formula:
        return data, data
    left, _, right = formula.partition("~")
    label, names = _FORMULA_WORD.findall(left), tuple(dict.fromkeys(_FORMULA_WORD.findall(right)))
    features = frames.projected(run, table, names) if names else None
    return frames.column(run, table, label[0]) if label else None, features


FUNCTIONS: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    "xgboost.DMatrix": learning.data_set, "lightgbm.Dataset": learning.data_set, "catboost.Pool": learning.data_set,
    "tensorflow.data.Dataset.from_tensor_slices": learning.slices, "torch.utils.data.DataLoader": learning.batches,
    "xgboost.train": _booster, "lightgbm.train": _booster,
}  # fmt: skip
