"""What a fit sees: features, labels, folds of a search, rows that stop it early."""

from __future__ import annotations

import ast

from msgspec.structs import replace

from nbprod.leakage.interpret import frames
from nbprod.leakage.interpret.context import Args, Run, Sink
from nbprod.leakage.interpret.learning import spark
from nbprod.leakage.interpret.learning.arguments import features_in, frozen, labels_in, name_in
from nbprod.leakage.interpret.learning.estimators import columns_taken, is_predictor, with_aheads
from nbprod.leakage.interpret.learning.splits import noted_folds
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Estimator,
    Function,
    Instance,
    Method,
    Ref,
    Seq,
    Table,
    Value,
)


def _role(estimator: Estimator, labels: Value | None) -> str:
    if estimator.role == "unknown":
        return "predictor" if labels is not None else "transformer"
    return estimator.role


def fit_noted(run: Run, owner: Value, estimator: Estimator, args: Args, node: ast.AST) -> Estimator:
    features, labels = features_in(args), labels_in(args)
    held = run.at(features)
    if isinstance(held, Estimator) and held.role == "data":
        features, labels = held.parts[0], held.parts[1] if len(held.parts) > 1 else None
    if isinstance(held, Table) and held.library == "pyspark" and is_predictor(estimator):
        features, labels = spark.given(run, estimator, held)
    features = _through(run, estimator, _taken(run, estimator, features), node)
    if estimator.given.aheads:
        features = with_aheads(run, features, estimator.given.aheads)
    span = run.span(node)
    role = _role(estimator, labels)
    rows = run.rows(features)
    facts = run.facts(features)
    if isinstance(held, Table) and spark.is_sparks(held) and not is_predictor(estimator):
        facts = spark.learnt_from(run, estimator, held)
    if estimator.role == "targets" or role in ("predictor", "pipeline", "search"):
        facts = facts | run.facts(labels)
    predicts = role in ("predictor", "pipeline", "search")
    run.record.sinks.append(
        Sink(
            kind="search" if role == "search" else "fit",
            span=span,
            features=frozen(run, features),
            labels=frozen(run, labels) if labels is not None else None,
            model=estimator.name,
            role="model" if predicts else role,
            name=name_in(node),
            rows=rows,
            in_loop=run.is_repeating,
            model_id=owner.place if isinstance(owner, Ref) else None,
        )
    )
    if role == "search":
        noted_folds(run, estimator.settings.get("cv"), features, labels, node, what=estimator.name)
    _noted_stops(run, estimator, args, node)
    fitted = replace(
        estimator,
        role=estimator.role if estimator.role != "unknown" else role,
        fitted=rows,
        learnt=facts,
        fit_span=span,
    )
    if isinstance(owner, Ref):
        run.heap[owner.place] = fitted
    return fitted


def _taken(run: Run, estimator: Estimator, features: Value) -> Value:
    """The columns of the features that reach the model."""
    held, names = run.at(features), columns_taken(run, estimator)
    if not isinstance(held, Table) or names is None:
        return features
    return run.new(frames.projected(run, held, names))


def _through(run: Run, estimator: Estimator, features: Value, node: ast.AST) -> Value:
    """The features after the notebook's own steps of a pipeline, which may do anything to them."""
    first = (
        run.at(estimator.parts[0]) if estimator.role in ("search", "targets") and estimator.parts else None
    )
    if isinstance(first, Estimator):
        return _through(run, first, features, node)
    for part in estimator.parts[:-1] if estimator.role == "pipeline" else ():
        step = run.at(part)
        function: Value | None = None
        if isinstance(step, Instance) and "transform" in step.of.methods:
            fit = step.of.methods.get("fit")
            if isinstance(fit, Function):
                run.call(run, replace(fit, owner=part), Args(places=(features,), node=node), node)
            function = Method(part, "transform")
        elif isinstance(step, Estimator) and step.name == "FunctionTransformer":
            function = step.settings.get("func")
        if function is None:
            continue
        made = run.call(run, function, Args(places=(_apart(run, features),), node=node), node)
        features = made if isinstance(run.at(made), Table | Cells) else features
    return features


def _apart(run: Run, value: Value) -> Value:
    """The value at a place of its own, so that a step's changes stay within the pipeline."""
    held = run.at(value)
    return run.new(held) if isinstance(held, Table) else value


def _noted_stops(run: Run, estimator: Estimator, args: Args, node: ast.AST) -> None:
    """Rows given to a fit to stop it early, or to pick the best round."""
    for name in ("eval_set", "validation_data", "eval_sets", "evals", "valid_sets", "watchlist", "X_val"):
        given = args.names.get(name)
        if given is None:
            continue
        pairs = _pairs(run, given)
        stops = _stops_early(run, estimator, args)
        for features, labels in pairs:
            run.record.sinks.append(
                Sink(
                    kind="stop" if stops else "watch",
                    span=run.span(node),
                    features=frozen(run, features),
                    labels=frozen(run, labels) if labels is not None else None,
                    model=estimator.name,
                    rows=run.rows(features),
                    name=_text_of(node, name),
                )
            )


def _text_of(node: ast.AST, name: str) -> str:
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg == name:
                return ast.unparse(keyword.value)
    return ""


def _stops_early(run: Run, estimator: Estimator, args: Args) -> bool:
    given = {**estimator.settings, **args.names}
    for name in ("early_stopping_rounds", "early_stopping", "use_best_model"):
        value = run.at(given.get(name))
        if name in given and not (isinstance(value, Const) and value.value in (None, False)):
            return True
    callbacks = given.get("callbacks")
    return callbacks is not None


def _pairs(run: Run, value: Value) -> list[tuple[Value, Value | None]]:
    held = run.at(value)
    if isinstance(held, Estimator) and held.role == "data":
        return [(held.parts[0], held.parts[1] if len(held.parts) > 1 else None)]
    if not isinstance(held, Seq) or held.items is None:
        return [(held, None)]
    items = [run.at(item) for item in held.items]
    if items and isinstance(items[0], Seq):
        return [pair for item in items for pair in _pairs(run, item)]
    if len(items) >= 2 and not isinstance(items[1], Const):
        return [(items[0], items[1])]
    if items and isinstance(items[0], Estimator) and items[0].role == "data":
        return [(items[0].parts[0], items[0].parts[1] if len(items[0].parts) > 1 else None)]
    return [(item, None) for item in items[:1]]
