"""Methods of estimators, of splitters' look-alikes and of the notebook's own models; knows fits and splits."""

from __future__ import annotations

import ast

from msgspec.structs import replace

from nbprod.leakage.interpret.context import Args, Run, Sink
from nbprod.leakage.interpret.facts import ALL_ROWS, NOTHING, Ahead, Facts
from nbprod.leakage.interpret.learning import spark
from nbprod.leakage.interpret.learning.arguments import features_in, frozen, labels_in, name_in, unwrapped
from nbprod.leakage.interpret.learning.datasets import on_data_set
from nbprod.leakage.interpret.learning.estimators import (
    LEARNING,
    fit_aheads,
    is_predictor,
    learnt,
    learnt_settings,
    with_aheads,
)
from nbprod.leakage.interpret.learning.fitting import fit_noted
from nbprod.leakage.interpret.learning.scores import score
from nbprod.leakage.interpret.learning.splits import on_splitter
from nbprod.leakage.interpret.values import (
    Cells,
    Estimator,
    Function,
    Instance,
    Opaque,
    Ref,
    Seq,
    Splitter,
    Table,
    Value,
)
from nbprod.model import Step

_PREDICTS = frozenset(
    {"predict", "predict_proba", "decision_function", "predict_classes", "predict_log_proba", "score_samples",
     "mahalanobis", "apply"}
)  # fmt: skip


# of state-space models: what is said of a row, of which there may be an uncertainty beside it
_SMOOTHS = {"smooth": True, "rts_smoother": True, "filter": False}


def _smoothed(run: Run, estimator: Estimator, name: str, args: Args, node: ast.AST) -> Value:
    """`kalman.smooth(x)` goes back from the last row; `kalman.filter(x)` reads the rows up to each one."""
    from nbprod.leakage.interpret import moving

    held = run.at(args.places[0])
    facts = replace(run.facts(held), clock=None, derived=True)
    aheads = fit_aheads(run, estimator, estimator.learnt)
    state = Cells(facts=facts.with_ahead(*aheads), rows=run.rows(held), shape="matrix", array=True)
    if _SMOOTHS[name]:
        says = f"`{name}` goes back from the last row"
        state = replace(state, facts=moving.statistic(run, state, node, says=says))
    return Seq((state, state))


def on_estimator(run: Run, owner: Value, estimator: Estimator, name: str, args: Args, node: ast.AST) -> Value:  # noqa: PLR0917
    """A method of an estimator, or of a data set."""
    given = on_data_set(run, owner, estimator, name, args, node) if estimator.role == "data" else None
    return given if given is not None else _of_model(run, owner, estimator, name, args, node)


def _of_model(run: Run, owner: Value, estimator: Estimator, name: str, args: Args, node: ast.AST) -> Value:  # noqa: PLR0917
    match name:
        case "fit" | "partial_fit" | "train" | "fit_generator" | "adapt":
            # `OLS(y, X).fit()`: the data were given where the model was made
            if estimator.fitted is None or args.places or "X" in args.names:
                fit_noted(run, owner, estimator, args, node)
            return owner
        case "fit_transform" | "fit_predict":
            fitted = fit_noted(run, owner, estimator, args, node)
            return _transformed(run, fitted, features_in(args), node)
        case "transform" | "inverse_transform":
            return _given_back(run, owner, estimator, args, node)
        case "fit_resample" | "fit_sample":
            return _resampled(run, owner, estimator, args, node)
        case "score" | "evaluate":
            _scored(run, estimator, owner, args, node)
            return score(run, run.rows(unwrapped(run, features_in(args))), node)
        case "set_params" | "add":
            return _set(run, owner, estimator, args)
        case "set_output" | "compile" | "eval" | "train_mode" | "cuda" | "to" | "build":
            return owner
        case (
            "get_params"
            | "summary"
            | "get_feature_names_out"
            | "get_feature_names"
            | "save"
            | "load"
            | "split"
        ):
            return Opaque()
        case _:
            pass
    return _other_method(run, owner, estimator, name, args, node)


def _set(run: Run, owner: Value, estimator: Estimator, args: Args) -> Value:
    """`model.set_params(**best)`, `model.add(layer)`: settings and layers may have been learnt before."""
    learnt_before = learnt_settings(run, args, args.places)
    if learnt_before.aheads and isinstance(owner, Ref):
        run.heap[owner.place] = replace(estimator, given=estimator.given | learnt_before)
    return owner


def _given_back(run: Run, owner: Value, estimator: Estimator, args: Args, node: ast.AST) -> Value:
    """What `transform` gives; a model of Spark adds its predictions to the table that it is given."""
    if is_predictor(estimator) and spark.is_sparks(run.at(features_in(args))):
        _predicted(run, owner, estimator, args, node)
    return _transformed(run, estimator, features_in(args), node)


def _other_method(  # noqa: PLR0917
    run: Run, owner: Value, estimator: Estimator, name: str, args: Args, node: ast.AST
) -> Value:
    if name == "get_support" and estimator.fitted is not None:
        return Cells(facts=learnt(run, estimator), shape="scalar", rows=estimator.fitted, array=True)
    if name in _PREDICTS:
        return _predicted(run, owner, estimator, args, node)
    if name in ("groupby", "get_booster", "booster"):
        return owner
    if name in _SMOOTHS and args.places:
        return _smoothed(run, estimator, name, args, node)
    facts = estimator.learnt if estimator.fitted is not None else NOTHING
    for value in args.every:
        facts = facts | run.facts(value)
    if args.every:
        facts = facts.with_ahead(*fit_aheads(run, estimator, estimator.learnt))
    return Opaque(facts=replace(facts, proved=False), rows=next((run.rows(v) for v in args.every), ALL_ROWS))


def _transformed(run: Run, estimator: Estimator, value: Value, node: ast.AST) -> Value:
    held = run.at(value)
    aheads: tuple[Ahead, ...] = ()
    facts = run.facts(held)
    if estimator.fitted is not None and (estimator.learnt.reads or facts.reads):
        over = estimator.learnt if estimator.learnt.reads else facts
        aheads = fit_aheads(run, estimator, over)
        if estimator.role in ("pipeline-transformer", "columns"):
            aheads = fit_aheads(run, estimator, over) if _learns(run, estimator) else ()
    step = Step(span=run.span(node), says=f"`{estimator.name}` transforms it")
    aheads = tuple(ahead.then(step) if ahead.span != step.span else ahead for ahead in aheads)
    if isinstance(held, Table) and spark.is_sparks(held):
        return run.new(spark.with_outputs(run, estimator, held, aheads))
    if isinstance(held, Table):
        library_table = replace(
            held,
            columns={
                n: replace(f, derived=True, clock=None).with_ahead(*aheads) for n, f in held.columns.items()
            },
        )
        rest = held.rest.with_ahead(*aheads) if held.rest is not None and aheads else held.rest
        single = len(held.columns) == 1 and held.rest is None
        return Cells(
            facts=joined_table(replace(library_table, rest=rest)),
            shape="matrix",
            rows=held.rows,
            order=held.order,
            array=True,
            library="numpy",
            name=next(iter(held.columns)) if single else None,
        )
    if isinstance(held, Cells):
        return replace(held, facts=replace(facts, derived=True, clock=None).with_ahead(*aheads), array=True, conditions=(),
                       shape="matrix" if held.shape == "column" else held.shape)  # fmt: skip
    return Cells(facts=facts.with_ahead(*aheads), shape="matrix", rows=run.rows(held), array=True)


def joined_table(table: Table) -> Facts:
    """All columns of a frame as one array's facts."""
    facts = table.all_facts
    if table.rest is not None and table.root:
        facts = facts | Facts(reads={f"{table.root}.*": 0.0})
    return facts


def _learns(run: Run, estimator: Estimator) -> bool:
    parts = [run.at(part) for part in estimator.parts]
    return not parts or any(
        isinstance(p, Estimator) and p.role not in ("stateless", "encoder") for p in parts
    )


def _predicted(run: Run, owner: Value, estimator: Estimator, args: Args, node: ast.AST) -> Value:
    features = unwrapped(run, features_in(args))
    held = run.at(features)
    run.record.sinks.append(
        Sink(
            kind="predict",
            span=run.span(node),
            features=frozen(run, features),
            model=estimator.name,
            role="model"
            if estimator.role in ("predictor", "pipeline", "search", "unknown")
            else estimator.role,
            name=name_in(node),
            rows=run.rows(features),
            in_loop=run.is_repeating,
            model_id=owner.place if isinstance(owner, Ref) else None,
        )
    )
    facts = run.facts(held)
    aheads = fit_aheads(run, estimator, estimator.learnt)
    order = held.order if isinstance(held, Table | Cells) else Cells().order
    return Cells(
        facts=replace(facts, derived=True, clock=None).with_ahead(*aheads),
        rows=run.rows(held),
        order=order,
        shape="column",
        array=True,
    )


def _resampled(run: Run, owner: Value, estimator: Estimator, args: Args, node: ast.AST) -> Value:
    features, labels = features_in(args), labels_in(args)
    fitted = replace(estimator, fitted=run.rows(features), learnt=run.facts(features), fit_span=run.span(node),
                     role="sampler")  # fmt: skip
    if isinstance(owner, Ref):
        run.heap[owner.place] = fitted
    aheads = fit_aheads(run, fitted, fitted.learnt)
    return Seq(tuple(with_aheads(run, value, aheads) for value in (features, labels) if value is not None))


def _scored(run: Run, estimator: Estimator, owner: Value, args: Args, node: ast.AST) -> None:
    features = unwrapped(run, features_in(args))
    sink = Sink(
        kind="score",
        span=run.span(node),
        features=frozen(run, features),
        labels=labels_in(args),
        model=estimator.name,
        rows=run.rows(features),
        in_loop=run.is_repeating,
        name=name_in(node),
        model_id=owner.place if isinstance(owner, Ref) else None,
    )
    run.record.scored.append(sink)
    if is_predictor(estimator):
        # what is scored is predicted first
        run.record.sinks.append(replace(sink, kind="predict", role="model", labels=None))


def on_unknown(run: Run, held: Value, name: str, args: Args, node: ast.AST) -> Value:
    """`something.fit(X, y)`: an object that nobody knows is taken for what its methods say."""
    estimator = Estimator(name=getattr(held, "hint", "") or "the model", role="unknown")
    if name == "split" and args.places and isinstance(run.at(args.places[0]), Table | Cells):
        return on_splitter(run, Splitter(name="unknown", in_time=True), name, args, node)
    if name == "split":
        return Opaque(facts=run.facts(held), rows=run.rows(held))
    owner = run.new(estimator)
    target = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
    if name in ("fit", "fit_transform", "fit_predict", "partial_fit") and isinstance(target, ast.Name):
        if not run.facts(held).reads:
            run.env[target.id] = owner
    elif run.facts(held).reads and not isinstance(run.at(features_in(args)), Table | Cells):
        return held
    return on_estimator(run, owner, estimator, name, args, node)


def on_instance(run: Run, owner: Value, instance: Instance, name: str, args: Args, node: ast.AST) -> Value:  # noqa: PLR0917
    """A method of the notebook's own object; what it inherits from a library does what its name says."""
    method = instance.of.methods.get(name)
    if isinstance(method, Function):
        return run.call(run, replace(method, owner=owner), args, node)
    fit, transform = instance.of.methods.get("fit"), instance.of.methods.get("transform")
    if name == "fit_transform" and isinstance(fit, Function) and isinstance(transform, Function):
        run.call(run, replace(fit, owner=owner), args, node)
        return run.call(run, replace(transform, owner=owner), Args(places=args.places[:1], node=node), node)
    if name in LEARNING:
        return on_estimator(
            run, run.new(Opaque()), Estimator(name=instance.of.node.name, role="unknown"), name, args, node
        )
    return Opaque(facts=run.facts(Seq(tuple(args.every))))
