"""Data sets of neural libraries: features with their labels, in batches, shuffled, divided by place or by samplers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.facts import Bound
from nbprod.leakage.interpret.learning.splits import narrowed_to
from nbprod.leakage.interpret.values import Cells, Estimator, Opaque, Picks, Seq, Table, Value

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Args, Run

_SAME = frozenset(
    {"batch", "prefetch", "cache", "repeat", "map", "with_options", "padded_batch", "as_numpy_iterator", "ragged_batch",
     "rebatch", "apply"}
)  # fmt: skip
BATCHES = "batches"


def data_set(run: Run, args: Args, node: ast.AST) -> Value:
    """`DMatrix(X, label=y)`, `TensorDataset(X, y)`: features with their labels."""
    _ = node
    features = args.get(0, "data") or Opaque()
    labels = args.get(1, "label")
    parts = (features, labels) if labels is not None else (features,)
    return run.new(Estimator(name="data", role="data", parts=parts))


def slices(run: Run, args: Args, node: ast.AST) -> Value:
    """`tf.data.Dataset.from_tensor_slices((X, y))`."""
    _ = node
    held = run.at(args.get(0, "tensors"))
    parts = held.items if isinstance(held, Seq) and held.items else (held,)
    return run.new(Estimator(name="data", role="data", parts=parts[:2]))


def batches(run: Run, args: Args, node: ast.AST) -> Value:
    """`DataLoader(data, sampler=...)`: the data set itself, or the rows that a sampler picks of it."""
    data = run.at(args.get(0, "dataset"))
    sampler = run.at(args.get(None, "sampler"))
    if not isinstance(data, Estimator) or data.role != "data":
        facts = run.facts(data)
        return Opaque(facts=replace(facts, proved=False), rows=run.rows(data), hint=BATCHES)
    if isinstance(sampler, Picks):
        return _narrowed(run, data, sampler.bound)
    _ = node
    return run.new(data)


def on_data_set(  # noqa: PLR0917
    run: Run, owner: Value, data: Estimator, name: str, args: Args, node: ast.AST
) -> Value | None:
    """A method of a data set; None where nobody knows it."""
    if name in _SAME:
        return owner
    if name == "shuffle":
        parts = tuple(_shuffled(run, part, node) for part in data.parts)
        return run.new(replace(data, parts=parts))
    if name in ("take", "skip"):
        place = run.key_of(args.get(0, "count"), args.node_of(0, "count"))
        ends = (None, place) if name == "take" else (place, None)
        return _narrowed(run, data, _stretch(run, data, ends, node))
    return None


def _stretch(run: Run, data: Estimator, ends: tuple[object, object], node: ast.AST) -> Bound:
    low, high = ends
    first = run.at(data.parts[0])
    shuffled = isinstance(first, Table | Cells) and first.order.shuffled is not None
    timed = high is not None and not shuffled
    return Bound(kind="slice", subject="rows", low=low, high=high, in_time=timed, span=run.span(node))


def _shuffled(run: Run, part: Value, node: ast.AST) -> Value:
    held = run.at(part)
    if not isinstance(held, Table | Cells):
        return part
    return run.stored(replace(held, order=replace(held.order, shuffled=run.span(node))))


def _narrowed(run: Run, data: Estimator, bound: Bound) -> Value:
    parts = tuple(narrowed_to(run, part, bound) for part in data.parts)
    return run.new(replace(data, parts=parts))


def a_batch(run: Run, data: Estimator) -> Value:
    """What a loop over a data set is given at each turn: some rows of each part."""
    parts = tuple(run.at(part) for part in data.parts)
    return parts[0] if len(parts) == 1 else Seq(parts)
