"""Rows divided into training and test rows: splits, folds, draws of random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import edits
from nbprod.leakage.interpret.context import Args, Run, Sink, Split
from nbprod.leakage.interpret.facts import Bound, Rows
from nbprod.leakage.interpret.learning.arguments import features_in, frozen, labels_in, name_in, unwrapped
from nbprod.leakage.interpret.values import (
    NONE,
    Cells,
    Const,
    Estimator,
    Folds,
    Instance,
    Opaque,
    Picks,
    Position,
    Seq,
    Splitter,
    Table,
    Value,
)

if TYPE_CHECKING:
    import ast

    from nbprod.libraries.moves import Splits, Validates


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
        one_a_row=_keys_of(run, first),
    )
    run.record.sinks.append(
        Sink(
            kind="split",
            span=span,
            features=frozen(run, first),
            labels=frozen(run, labels) if labels is not None else None,
            rows=run.rows(first),
            name=name_in(node),
        )
    )
    train = Bound(kind="part", subject=id_, side="train", span=span)
    test = Bound(kind="part", subject=id_, side="test", span=span)
    parts: list[Value] = []
    for array in arrays:
        parts += [narrowed_to(run, array, train), narrowed_to(run, array, test)]
    return Seq(tuple(parts))


def dealt(run: Run, value: Value, node: ast.AST, *, what: str, parts: int) -> Value:
    """Rows dealt at random to so many parts: the first one trains, the others test."""
    value = _data_in(run, value)
    first = train_test_split(run, Args(places=(value,), node=node), node)
    id_ = split_id(run, node, "split")
    run.record.splits[id_] = replace(run.record.splits[id_], what=what, edits=())
    assert isinstance(first, Seq)  # noqa: S101 - made just before
    assert first.items is not None  # noqa: S101 - made just before
    train, test = first.items
    span = run.span(node)
    if parts <= 2:
        return Seq((train, test))
    others = [
        narrowed_to(run, test, Bound(kind="part", subject=f"{id_}#{number}", side="test", span=span))
        for number in range(1, parts)
    ]
    return Seq((train, *others))


def _data_in(run: Run, value: Value) -> Value:
    """The rows that a data set of the notebook's own, or of a library, holds."""
    held = run.at(unwrapped(run, value))
    if isinstance(held, Instance):
        return Cells(facts=run.facts(held), rows=run.rows(held), shape="matrix", array=True)
    return held


def split_in_time(run: Run, args: Args, node: ast.AST) -> Value:
    """`temporal_train_test_split(y, X)`: the last rows of each test."""
    names = {**args.names, "shuffle": Const(False)}
    return train_test_split(run, replace(args, names=names), node)


def subset(run: Run, args: Args, node: ast.AST) -> Value:
    """`torch.utils.data.Subset(dataset, indices)`: some rows of a data set, which divide it."""
    data = _data_in(run, args.get(0, "dataset") or Opaque())
    span = run.span(node)
    text = run.text(args.node_of(1, "indices") or node)
    bound = Bound(kind="part", subject=f"subset {text}", span=span)
    run.record.sinks.append(
        Sink(kind="split", span=span, features=frozen(run, data), rows=run.rows(data), name=name_in(node))
    )
    return narrowed_to(run, data, bound)


def random_split(run: Run, args: Args, node: ast.AST) -> Value:
    """`torch.utils.data.random_split(dataset, lengths)`: parts of a data set, the first one to train on."""
    return dealt(run, args.places[0] if args.places else Opaque(), node, what="random_split", parts=2)


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
    rows = rows_meant(run, value)
    if rows is None:
        return None
    return Picks(Bound(kind="drawn", subject=split_id(run, node, "random"), span=run.span(node)), rows=rows)


def rows_meant(run: Run, value: Value) -> Rows | None:
    """The rows that positions are of: `len(df)`, `range(len(df))`, `np.arange(len(df))`, `df.index`; None of others."""
    match run.at(value):
        case Opaque(hint=hint) | Cells(name=str(hint)) if hint.startswith("len("):
            return Rows(tables=frozenset({hint[4:-1]}))
        case Picks(bound=Bound(kind="all"), rows=rows):
            return rows
        case Seq(any_item=any_item) if isinstance(item := run.at(any_item), Position) and item.rows.tables:
            return item.rows
        case _:
            return None


def picked_at_random(run: Run, value: Value, node: ast.AST) -> Value | None:
    """`np.random.choice(len(df), 900)`: so many rows' positions, drawn from all; None where no rows are meant."""
    rows = rows_meant(run, value)
    if rows is None:
        return None
    id_ = split_id(run, node, "sample")
    span = run.span(node)
    run.record.splits[id_] = Split(id=id_, how="sample", span=span, rows=rows, what="a draw of rows")
    return Picks(Bound(kind="sample", subject=id_, low=id_, span=span), rows=rows)


def drawn_part(run: Run, drawn: Picks, *, is_first: bool) -> Picks:
    """A stretch of positions in random order: the first one trains."""
    bound = replace(drawn.bound, kind="part", side="train" if is_first else "test")
    noted_draw(run, bound, Cells(rows=drawn.rows))
    return Picks(bound, rows=drawn.rows)


def narrowed_to(run: Run, value: Value, bound: Bound) -> Value:
    """The rows of a value that a bound leaves, whatever holds them."""
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


def _keys_of(run: Run, value: Value) -> tuple[str, ...]:
    """The columns of which each value stands in one row only, as in a table of aggregates."""
    held = run.at(value)
    return tuple(key.name for key in held.keyed) if isinstance(held, Table | Cells) else ()


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
    first = features_in(args)
    _note_split(run, made_, id_, first, labels_in(args), node)
    return Folds(splitter=made_, id=id_, rows=run.rows(first))


def _note_split(  # noqa: PLR0917
    run: Run, made_: Splitter, id_: str, first: Value, labels: Value | None, node: ast.AST
) -> None:
    how = "time-folds" if made_.in_time else "folds"
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
        one_a_row=_keys_of(run, first),
    )


def folds_of(run: Run, folds: Folds) -> Value:
    """One turn of a loop over folds: positions of the training and of the test rows."""
    _ = run
    train = Bound(kind="fold", subject=folds.id, side="train", span=folds.splitter.span)
    test = Bound(kind="fold", subject=folds.id, side="test", span=folds.splitter.span)
    return Seq((Picks(train, rows=folds.rows), Picks(test, rows=folds.rows)))


def noted_folds(
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
    noted_folds(
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
            features=frozen(run, features),
            labels=frozen(run, labels) if labels is not None else None,
            model=model.name if isinstance(model, Estimator) else name,
            role="model",
            rows=run.rows(features),
            in_loop=run.is_repeating,
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
