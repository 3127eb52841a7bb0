"""Estimators as their classes make them, and what being fitted makes of what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.facts import ALL_ROWS, NOTHING, WHOLE_REACH, Ahead, Facts
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Estimator,
    Instance,
    Mapped,
    Opaque,
    Seq,
    Table,
    Value,
)

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Args, Run
    from nbprod.libraries.moves import Learns

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


def made(run: Run, move: Learns, name: str, args: Args, node: ast.AST) -> Value:
    """An estimator as its class's call makes it."""
    parts: tuple[Value, ...] = ()
    if move.role in ("pipeline", "columns", "search", "targets", "predictor"):
        parts = _parts(run, (*args.places, *args.names.values()))
    role = move.role
    if role == "pipeline" and parts:
        last = run.at(parts[-1])
        role = "pipeline" if isinstance(last, Estimator) and is_predictor(last) else "pipeline-transformer"
    _ = node
    taken = _columns_taken(run, args) if role == "columns" else None
    settings = dict(args.names)
    if name == "FunctionTransformer" and args.places:
        settings.setdefault("func", args.places[0])
    given = learnt_settings(run, args, parts)
    return run.new(Estimator(name=name, role=role, parts=parts, settings=settings, taken=taken, given=given))


def learnt_settings(run: Run, args: Args, parts: tuple[Value, ...]) -> Facts:
    """What a model's settings were learnt from: a search, scores on test rows, layers that were adapted before."""
    found = [a for value in args.every for a in run.facts(value).aheads if _sets(a)]
    for part in parts:
        held = run.at(part)
        if isinstance(held, Estimator) and held.role == "transformer" and held.fitted is not None:
            found += fit_aheads(run, held, held.learnt)
    return Facts(aheads=tuple(found)) if found else NOTHING


def _sets(ahead: Ahead) -> bool:
    """Whether a number says more of the rows it was found on than how many there are of each class."""
    return ahead.over is not None and ahead.rule in ("fit-before-split", "fitted-on-test", "tuned-on-test")


def _columns_taken(run: Run, args: Args) -> tuple[str, ...] | None:
    """The columns that a column transformer names, where it drops all others; None where that isn't known."""
    if args.constant(None, "remainder", "drop") != "drop":
        return None
    given = run.at(args.get(0, "transformers"))
    triples: tuple[Value, ...] = args.places
    if isinstance(given, Seq) and given.items and isinstance(run.at(given.items[0]), Seq):
        triples = given.items
    found: list[str] = []
    for each in triples:
        triple = run.at(each)
        if not isinstance(triple, Seq) or not triple.items:
            return None
        names = _texts(run, triple.items[-1])
        if names is None:
            return None
        found.extend(names)
    return tuple(found) or None


def _texts(run: Run, value: Value) -> list[str] | None:
    held = run.at(value)
    items = held.items if isinstance(held, Seq) and held.items is not None else (held,)
    found = [run.at(item) for item in items]
    texts = [item.value for item in found if isinstance(item, Const) and isinstance(item.value, str)]
    return texts if len(texts) == len(found) else None


def columns_taken(run: Run, estimator: Estimator) -> tuple[str, ...] | None:
    """The columns that a model takes of a frame, where a column transformer comes first in it; None for all."""
    if estimator.taken is not None:
        return estimator.taken
    first = run.at(estimator.parts[0]) if estimator.parts else None
    return columns_taken(run, first) if isinstance(first, Estimator) else None


def is_predictor(estimator: Estimator) -> bool:
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
    aheads = fit_aheads(run, estimator, estimator.learnt)
    return replace(estimator.learnt, reads={}, derived=True).with_ahead(*aheads)


def fitted_values(run: Run, estimator: Estimator) -> Cells:
    """What a model says of each row that it was fitted on."""
    facts = replace(estimator.learnt, derived=True, clock=None)
    aheads = fit_aheads(run, estimator, estimator.learnt)
    return Cells(facts=facts.with_ahead(*aheads), rows=estimator.fitted or ALL_ROWS, array=True)


def fit_aheads(run: Run, estimator: Estimator, over: Facts) -> tuple[Ahead, ...]:
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
            over=estimator.fitted,
            sources=over.sources,
            detail=estimator.name,
        ),
    )


def with_aheads(run: Run, value: Value, aheads: tuple[Ahead, ...]) -> Value:
    """The value, every column of it looking ahead in these ways too."""
    held = run.at(value)
    match held:
        case Table():
            return run.new(held.mapped(lambda facts: facts.with_ahead(*aheads)))
        case Cells() | Opaque():
            return replace(held, facts=held.facts.with_ahead(*aheads))
        case _:
            pass
    return held
