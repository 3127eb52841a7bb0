"""Estimators, splitters and what is fitted, predicted and scored on which rows."""

from __future__ import annotations

import ast
from dataclasses import replace

from nbprod.leakage.interpret import knowledge
from nbprod.leakage.interpret.context import Args, Run, Sink, Split
from nbprod.leakage.interpret.values import (
    ALL_ROWS,
    NONE,
    NOTHING,
    WHOLE_REACH,
    Ahead,
    Bound,
    Cells,
    Const,
    Estimator,
    Facts,
    Folds,
    Function,
    Instance,
    Mapped,
    Opaque,
    Picks,
    Ref,
    Rows,
    Seq,
    Splitter,
    Table,
    Value,
)
from nbprod.libraries.moves import Learns, Splits, Validates
from nbprod.model import Span, Step

LEARNING = frozenset(
    [
        "fit",
        "fit_transform",
        "fit_predict",
        "partial_fit",
        "transform",
        "predict",
        "predict_proba",
        "decision_function",
        "score",
        "evaluate",
        "fit_resample",
        "fit_sample",
        "inverse_transform",
        "train",
        "fit_generator",
        "predict_classes",
        "predict_log_proba",
        "split",
        "adapt",
    ]
)
_PREDICTS = frozenset(
    {"predict", "predict_proba", "decision_function", "predict_classes", "predict_log_proba"}
)
_LABEL_NAMES = ("y", "labels", "label", "target", "y_train", "Y")


def made(run: Run, move: Learns, name: str, args: Args, node: ast.AST) -> Value:
    """An estimator as its class's call makes it."""
    parts: tuple[Value, ...] = ()
    if move.role in ("pipeline", "columns", "search", "targets", "predictor"):
        parts = _parts(run, (*args.places, *args.names.values()))
    role = move.role
    if role == "pipeline" and parts:
        last = run.at(parts[-1])
        role = "pipeline" if isinstance(last, Estimator) and _is_predictor(last) else "pipeline-transformer"
    _ = node
    return run.new(Estimator(name=name, role=role, parts=parts, settings=dict(args.names)))


def _is_predictor(estimator: Estimator) -> bool:
    return estimator.role in ("predictor", "search", "pipeline", "unknown")


def _parts(run: Run, values: tuple[Value, ...], *, depth: int = 0) -> tuple[Value, ...]:
    found: list[Value] = []
    for value in values:
        held = run.at(value)
        if isinstance(held, Estimator | Instance):
            found.append(value)
        elif isinstance(held, Seq) and held.items is not None and depth < 4:
            found.extend(_parts(run, held.items, depth=depth + 1))
        elif isinstance(held, Mapped) and depth < 4:
            found.extend(_parts(run, tuple(held.items.values()), depth=depth + 1))
    return tuple(found)


def learnt(run: Run, estimator: Estimator) -> Facts:
    """What a fitted attribute holds: a statistic of the rows it was fitted on."""
    if estimator.fitted is None:
        return NOTHING
    aheads = _fit_aheads(run, estimator, estimator.learnt)
    return replace(estimator.learnt, reads={}, derived=True).with_ahead(*aheads)


def _fit_aheads(run: Run, estimator: Estimator, over: Facts) -> tuple[Ahead, ...]:
    if (
        estimator.fitted is None
        or estimator.fit_span is None
        or estimator.role == "stateless"
        or not over.reads
    ):
        return ()
    rule = {"encoder": "codes", "sampler": "resample-before-split"}.get(estimator.role, "fit-before-split")
    if estimator.fitted.side == "test":
        rule = "fitted-on-test" if rule == "fit-before-split" else rule
    says = f"`{estimator.name}` is fitted here" + (
        " on the test rows" if estimator.fitted.side == "test" else ""
    )
    _ = run
    return (
        Ahead(
            rule=rule,
            reach=WHOLE_REACH,
            span=estimator.fit_span,
            says=says,
            steps=(Step(span=estimator.fit_span, says=says),),
            over=estimator.fitted,
            sources=over.sources,
            detail=estimator.name,
        ),
    )


def on_estimator(run: Run, owner: Value, estimator: Estimator, name: str, args: Args, node: ast.AST) -> Value:  # noqa: C901, PLR0917
    """A method of an estimator."""
    match name:
        case "fit" | "partial_fit" | "train" | "fit_generator" | "adapt":
            _fit(run, owner, estimator, args, node)
            return owner
        case "fit_transform" | "fit_predict":
            fitted = _fit(run, owner, estimator, args, node)
            return _transformed(run, fitted, _first(args), node)
        case "transform" | "inverse_transform":
            return _transformed(run, estimator, _first(args), node)
        case "fit_resample" | "fit_sample":
            return _resampled(run, owner, estimator, args, node)
        case "score" | "evaluate":
            _scored(run, estimator, owner, args, node)
            return Opaque(hint="score", facts=NOTHING, rows=run.rows(_first(args)))
        case (
            "set_params" | "set_output" | "compile" | "eval" | "train_mode" | "add" | "cuda" | "to" | "build"
        ):
            return owner
        case "get_params" | "summary" | "get_feature_names_out" | "get_feature_names" | "save" | "load":
            return Opaque()
        case "split":
            return Opaque()
        case _:
            pass
    if name in _PREDICTS:
        return _predicted(run, owner, estimator, args, node)
    if name in ("groupby", "get_booster", "booster"):
        return owner
    facts = estimator.learnt if estimator.fitted is not None else NOTHING
    for value in args.every:
        facts = facts | run.facts(value)
    return Opaque(facts=replace(facts, proved=False), rows=next((run.rows(v) for v in args.every), ALL_ROWS))


def _first(args: Args) -> Value:
    for name in ("X", "x", "X_train", "data", "df", "raw_documents", "train_set", "dtrain"):
        if name in args.names and not args.places:
            return args.names[name]
    return args.places[0] if args.places else Opaque()


def _unwrapped(run: Run, features: Value) -> Value:
    """The features themselves, where a library wraps them with their labels: `DMatrix`, `Dataset`, `Pool`."""
    held = run.at(features)
    return held.parts[0] if isinstance(held, Estimator) and held.role == "data" and held.parts else features


def _labels(args: Args) -> Value | None:
    for name in _LABEL_NAMES:
        if name in args.names:
            return args.names[name]
    return args.places[1] if len(args.places) > 1 else None


def _role(run: Run, estimator: Estimator, labels: Value | None, features: Value | None = None) -> str:
    if estimator.role == "unknown":
        return "predictor" if labels is not None else "transformer"
    if estimator.role == "search":
        return "search"
    _ = run, features
    return estimator.role


def _fit(run: Run, owner: Value, estimator: Estimator, args: Args, node: ast.AST) -> Estimator:
    features, labels = _first(args), _labels(args)
    held = run.at(features)
    if isinstance(held, Estimator) and held.role == "data":
        features, labels = held.parts[0], held.parts[1] if len(held.parts) > 1 else None
    span = run.span(node)
    role = _role(run, estimator, labels)
    rows = _rows_for_fit(run, features)
    facts = run.facts(features)
    if estimator.role == "targets" or role in ("predictor", "pipeline", "search"):
        facts = facts | run.facts(labels)
    predicts = role in ("predictor", "pipeline", "search")
    run.record.sinks.append(
        Sink(
            kind="search" if role == "search" else "fit",
            span=span,
            features=_frozen(run, features),
            labels=_frozen(run, labels) if labels is not None else None,
            model=estimator.name,
            role="model" if predicts else role,
            name=_named(node),
            rows=rows,
            in_loop=bool(run.loops),
            model_id=owner.place if isinstance(owner, Ref) else None,
        )
    )
    if role == "search":
        _noted_folds(run, estimator.settings.get("cv"), features, labels, node, what=estimator.name)
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


def _rows_for_fit(run: Run, value: Value) -> Rows:
    return run.rows(value)


def _named(node: ast.AST) -> str:
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name):
        return node.args[0].id
    return ""


def _frozen(run: Run, value: Value) -> Value:
    """The value as it is now: what stands on the heap may change later."""
    held = run.at(value)
    if isinstance(held, Seq) and held.any_item is not None:
        inner = run.at(held.any_item)
        return Cells(facts=run.facts(inner), rows=run.rows(inner), shape="matrix", array=True)
    if isinstance(held, Seq | Mapped):
        return Cells(facts=run.facts(held), rows=run.rows(held), shape="matrix", array=True)
    return held


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
                    features=_frozen(run, features),
                    labels=_frozen(run, labels) if labels is not None else None,
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


def _transformed(run: Run, estimator: Estimator, value: Value, node: ast.AST) -> Value:
    held = run.at(value)
    aheads: tuple[Ahead, ...] = ()
    facts = run.facts(held)
    if estimator.fitted is not None and (estimator.learnt.reads or facts.reads):
        over = estimator.learnt if estimator.learnt.reads else facts
        aheads = _fit_aheads(run, estimator, over)
        if estimator.role in ("pipeline-transformer", "columns"):
            aheads = _fit_aheads(run, estimator, over) if _learns(run, estimator) else ()
    step = Step(span=run.span(node), says=f"`{estimator.name}` transforms it")
    aheads = tuple(ahead.then(step) if ahead.span != step.span else ahead for ahead in aheads)
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
    features = _unwrapped(run, _first(args))
    held = run.at(features)
    run.record.sinks.append(
        Sink(
            kind="predict",
            span=run.span(node),
            features=_frozen(run, features),
            model=estimator.name,
            role="model"
            if estimator.role in ("predictor", "pipeline", "search", "unknown")
            else estimator.role,
            name=_named(node),
            rows=run.rows(features),
            in_loop=bool(run.loops),
            model_id=owner.place if isinstance(owner, Ref) else None,
        )
    )
    facts = run.facts(held)
    aheads = _fit_aheads(run, estimator, estimator.learnt)
    order = held.order if isinstance(held, Table | Cells) else Cells().order
    return Cells(
        facts=replace(facts, derived=True, clock=None).with_ahead(*aheads),
        rows=run.rows(held),
        order=order,
        shape="column",
        array=True,
    )


def _resampled(run: Run, owner: Value, estimator: Estimator, args: Args, node: ast.AST) -> Value:
    features, labels = _first(args), _labels(args)
    fitted = replace(estimator, fitted=run.rows(features), learnt=run.facts(features), fit_span=run.span(node),
                     role="sampler")  # fmt: skip
    if isinstance(owner, Ref):
        run.heap[owner.place] = fitted
    aheads = _fit_aheads(run, fitted, fitted.learnt)
    return Seq(tuple(_with_aheads(run, value, aheads) for value in (features, labels) if value is not None))


def _with_aheads(run: Run, value: Value, aheads: tuple[Ahead, ...]) -> Value:
    held = run.at(value)
    match held:
        case Table():
            return run.new(held.mapped(lambda facts: facts.with_ahead(*aheads)))
        case Cells() | Opaque():
            return replace(held, facts=held.facts.with_ahead(*aheads))
        case _:
            pass
    return held


def _scored(run: Run, estimator: Estimator, owner: Value, args: Args, node: ast.AST) -> None:
    features = _unwrapped(run, _first(args))
    sink = Sink(
        kind="score",
        span=run.span(node),
        features=_frozen(run, features),
        labels=_labels(args),
        model=estimator.name,
        rows=run.rows(features),
        in_loop=bool(run.loops),
        name=_named(node),
        model_id=owner.place if isinstance(owner, Ref) else None,
    )
    run.record.scored.append(sink)
    if _is_predictor(estimator):
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
    elif run.facts(held).reads and not isinstance(run.at(_first(args)), Table | Cells):
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


# Splits


def split_id(run: Run, node: ast.AST, what: str) -> str:
    """An id of a split: where it stands, and in which call."""
    span = run.span(node)
    return f"{what}@{span.cell}:{span.line}:{span.column}"


def train_test_split(run: Run, args: Args, node: ast.AST) -> Value:
    """Parts of each array: train, test, train, test."""
    arrays = args.places
    shuffle = args.constant(None, "shuffle", default=True)
    id_ = split_id(run, node, "split")
    first = arrays[0] if arrays else Opaque()
    labels = arrays[1] if len(arrays) > 1 else None
    span = run.span(node)
    from nbprod.leakage.interpret import edits

    how = "ordered" if shuffle is False else "shuffled"
    run.record.splits[id_] = Split(
        id=id_,
        how=how,
        span=span,
        facts=run.facts(first),
        rows=run.rows(first),
        what="train_test_split",
        edits=edits.keyword_value(run, node, "shuffle", "False") if how == "shuffled" else (),
        columns=_columns(run, first),
        labels=run.facts(labels) if labels is not None else None,
    )
    run.record.sinks.append(
        Sink(
            kind="split",
            span=span,
            features=_frozen(run, first),
            labels=_frozen(run, labels) if labels is not None else None,
            rows=run.rows(first),
            name=_named(node),
        )
    )
    train = Bound(kind="part", subject=id_, side="train", span=span)
    test = Bound(kind="part", subject=id_, side="test", span=span)
    parts: list[Value] = []
    for array in arrays:
        parts += [_part(run, array, train), _part(run, array, test)]
    return Seq(tuple(parts))


def noted_draw(run: Run, bound: Bound, value: Value) -> None:
    """A division of rows by random numbers, noted where it first meets rows."""
    if bound.span is None:
        return
    run.record.splits.setdefault(
        bound.subject,
        Split(
            id=bound.subject,
            how="shuffled",
            span=bound.span,
            facts=run.facts(value),
            rows=run.rows(value),
            what="a draw of random numbers",
        ),
    )


def drawn_positions(run: Run, value: Value, node: ast.AST) -> Value | None:
    """`np.random.permutation(len(df))`: every row's position in random order; None where no rows are meant."""
    held = run.at(value)
    hint = held.hint if isinstance(held, Opaque) else held.name if isinstance(held, Cells) else None
    if hint is None or not hint.startswith("len("):
        return None
    rows = Rows(tables=frozenset({hint[4:-1]}))
    return Picks(Bound(kind="drawn", subject=split_id(run, node, "random"), span=run.span(node)), rows=rows)


def drawn_part(run: Run, drawn: Picks, *, is_first: bool) -> Picks:
    """A stretch of positions in random order: the first one trains."""
    bound = replace(drawn.bound, kind="part", side="train" if is_first else "test")
    noted_draw(run, bound, Cells(rows=drawn.rows))
    return Picks(bound, rows=drawn.rows)


def _part(run: Run, value: Value, bound: Bound) -> Value:
    held = run.at(value)
    match held:
        case Table():
            return run.new(replace(held, rows=held.rows.narrowed(bound)))
        case Cells() | Opaque():
            return replace(held, rows=held.rows.narrowed(bound))
        case Picks():
            return Picks(bound, rows=held.rows)
        case _:
            pass
    facts = run.facts(held)
    if isinstance(held, Seq | Const) and not facts.reads:
        return Picks(bound)
    return Cells(facts=facts, rows=run.rows(held).narrowed(bound), shape="matrix", array=True)


def _columns(run: Run, value: Value) -> tuple[str, ...]:
    held = run.at(value)
    return tuple(held.columns) if isinstance(held, Table) else ()


def splitter(move: Splits, name: str, args: Args, run: Run, node: ast.AST) -> Splitter:
    """A splitter as its class's call makes it."""
    return Splitter(
        name=name,
        shuffles=move.shuffles or args.constant(None, "shuffle") is True,
        in_time=move.in_time,
        grouped=move.grouped,
        gap=args.get(None, "gap")
        or args.get(None, "purge")
        or args.get(None, "embargo")
        or args.get(None, "purge_gap"),
        span=run.span(node),
    )


def on_splitter(run: Run, made_: Splitter, name: str, args: Args, node: ast.AST) -> Value:
    """`splitter.split(X, y, groups)`: folds."""
    if name == "get_n_splits":
        return Opaque()
    if name != "split":
        return Opaque()
    id_ = split_id(run, node, "folds")
    first = _first(args)
    _note_split(run, made_, id_, first, _labels(args), node)
    return Folds(splitter=made_, id=id_, rows=run.rows(first))


def _note_split(  # noqa: PLR0917
    run: Run, made_: Splitter, id_: str, first: Value, labels: Value | None, node: ast.AST
) -> None:
    how = "time-folds" if made_.in_time else "folds"
    from nbprod.leakage.interpret.frames import index_of

    _ = index_of
    run.record.splits[id_] = Split(
        id=id_,
        how=how,
        span=run.span(node),
        facts=run.facts(first),
        rows=run.rows(first),
        what=made_.name,
        gap=made_.gap,
        grouped=made_.grouped,
        columns=_columns(run, first),
        labels=run.facts(labels) if labels is not None else None,
        shape="shuffled" if made_.shuffles else "",
    )


def folds_of(run: Run, folds: Folds) -> Value:
    """One turn of a loop over folds: positions of the training and of the test rows."""
    _ = run
    train = Bound(kind="fold", subject=folds.id, side="train", span=folds.splitter.span)
    test = Bound(kind="fold", subject=folds.id, side="test", span=folds.splitter.span)
    return Seq((Picks(train, rows=folds.rows), Picks(test, rows=folds.rows)))


def _noted_folds(
    run: Run, cv: Value | None, features: Value, labels: Value | None, node: ast.AST, *, what: str
) -> None:
    """The folds that a validation or a search makes by itself."""
    held = run.at(cv) if cv is not None else NONE
    id_ = split_id(run, node, "folds")
    match held:
        case Splitter():
            _note_split(run, held, id_, features, labels, node)
        case Const(None) | Const(int()):
            made_ = Splitter(name=f"{what} with an integer cv", span=run.span(node))
            _note_split(run, made_, id_, features, labels, node)
        case Folds():
            return
        case _:
            pass


def validated(run: Run, move: Validates, name: str, args: Args, node: ast.AST) -> Value:
    """`cross_val_score` and its like: a model fitted and scored on folds of the rows."""
    features = args.get(move.parameters.index("X"), "X") or Opaque()
    labels = args.get(move.parameters.index("y"), "y")
    model = run.at(args.get(0, "estimator"))
    _noted_folds(
        run,
        args.get(None, move.cv) or args.get(3, move.cv),
        features,
        labels,
        node,
        what=name,
    )
    run.record.sinks.append(
        Sink(
            kind="validate",
            span=run.span(node),
            features=_frozen(run, features),
            labels=_frozen(run, labels) if labels is not None else None,
            model=model.name if isinstance(model, Estimator) else name,
            role="model",
            rows=run.rows(features),
            in_loop=bool(run.loops),
        )
    )
    if name == "cross_val_predict":
        held = run.at(features)
        return Cells(facts=replace(run.facts(held), derived=True), rows=run.rows(held), array=True)
    return Opaque(hint="score")


def checked_cv(run: Run, args: Args, node: ast.AST) -> Value:
    """`check_cv(5, ...)`: folds that mix the order."""
    held = run.at(args.get(0, "cv"))
    if isinstance(held, Splitter):
        return held
    return Splitter(name="an integer cv", span=run.span(node))


def concatenated(run: Run, values: tuple[Value, ...], node: ast.AST) -> Value:
    """Rows of several frames, one after the other."""
    held = [run.at(value) for value in values]
    tables = [value for value in held if isinstance(value, Table)]
    _ = node
    if not tables:
        return _rows_of_arrays(run, held)
    first = tables[0]
    names = list(dict.fromkeys(name for table in tables for name in table.columns))
    columns = {}
    for name in names:
        total = NOTHING
        for each in [table.facts(name) for table in tables]:
            total = total | each if each is not None else total
        columns[name] = replace(total, clock=first.columns[name].clock if name in first.columns else None)
    rest = None
    if any(table.rest is not None for table in tables):
        rest = NOTHING
        for table in tables:
            rest = rest | table.rest if table.rest is not None else rest
    roots = {table.root for table in tables}
    shared = _shared_rows([table.rows for table in tables])
    presence = tuple(a for table in tables for a in table.presence)
    made_ = replace(first, columns=columns, rest=rest, rows=shared, presence=presence)
    if len(roots) > 1 and rest is not None:
        made_ = replace(made_, root=first.root)
    return run.new(made_)


def _rows_of_arrays(run: Run, held: list[Value]) -> Cells:
    data = [value for value in held if isinstance(value, Cells) and value.facts.reads]
    head = _length_before(run, held)
    offset = data[0].offset - head if len(data) == 1 and head is not None else 0
    return Cells(
        facts=run.facts(Seq(tuple(held))),
        rows=_shared_rows([run.rows(value) for value in (data or held)]),
        order=data[0].order if len(data) == 1 else Cells().order,
        shape="matrix" if any(each.shape == "matrix" for each in data) else "column",
        array=True,
        offset=offset,
    )


def _length_before(run: Run, held: list[Value]) -> int | None:
    """How many values without data stand before the first array with some; None where it isn't known."""
    total = 0
    for value in held:
        if run.facts(value).reads:
            return total
        match value:
            case Const(list() | tuple() as given):
                total += len(given)
            case Const():
                total += 1
            case Seq(items=items) if items is not None:
                total += len(items)
            case Cells(width=int(width)):
                total += width
            case _:
                return None
    return total


def _shared_rows(rows: list[Rows]) -> Rows:
    if not rows:
        return ALL_ROWS
    tables = frozenset().union(*(each.tables for each in rows))
    bounds = tuple(b for b in rows[0].bounds if all(b in other.bounds for other in rows[1:]))
    return Rows(tables=tables, bounds=bounds)


def beside(run: Run, values: tuple[Value, ...]) -> Value:
    """Columns of several frames or arrays side by side."""
    held = [run.at(value) for value in values]
    tables = [value for value in held if isinstance(value, Table)]
    if not tables:
        if any(isinstance(value, Cells) and value.name for value in held) and all(
            isinstance(v, Cells) and not v.array for v in held
        ):
            columns: dict[str, Facts] = {}
            for place, value in enumerate(held):
                assert isinstance(value, Cells)  # noqa: S101 - asked just before
                name = value.name or str(place)
                columns[name] = columns.get(name, NOTHING) | value.facts
            cells = next(value for value in held if isinstance(value, Cells))
            return run.new(Table(columns=columns, rows=cells.rows, order=cells.order))
        facts = run.facts(Seq(tuple(held)))
        rows = max((run.rows(v) for v in held), key=lambda r: len(r.bounds), default=ALL_ROWS)
        return Cells(facts=facts, rows=rows, shape="matrix", array=True)
    made_ = tables[0]
    for value in held:
        if value is made_:
            continue
        if isinstance(value, Table):
            rest = (
                made_.rest
                if value.rest is None
                else (value.rest if made_.rest is None else made_.rest | value.rest)
            )
            made_ = replace(made_, columns={**made_.columns, **value.columns}, rest=rest)
        elif isinstance(value, Cells):
            made_ = made_.with_column(value.name or "0", value.facts)
    return run.new(made_)


def noted_choice(run: Run, node: ast.If) -> None:
    """`if score > best:`: a choice made by a score, on the rows it was scored on."""
    if not run.loops or not isinstance(node.test, ast.Compare):
        return
    names = {each.id.lower() for each in ast.walk(node.test) if isinstance(each, ast.Name)}
    if any(name.startswith(("best", "max_", "min_", "top")) or name.endswith("best") for name in names):
        facts = NOTHING
        run.record.chosen.append((run.span(node), facts))


def is_learning_class(name: str) -> bool:
    """Whether a class of that name is known to learn."""
    return isinstance(knowledge.function(name), Learns)


__all__ = ["Span", "is_learning_class", "on_estimator"]
