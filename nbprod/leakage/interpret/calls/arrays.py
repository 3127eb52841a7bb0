"""Arrays of numpy: made, padded, flipped, chosen from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import (
    frames,
    knowledge,
    moving,
    positions,
)
from nbprod.leakage.interpret.calls.drawing import GENERATOR
from nbprod.leakage.interpret.calls.row_by_row import joined
from nbprod.leakage.interpret.combining import without_borders
from nbprod.leakage.interpret.context import Args
from nbprod.leakage.interpret.facts import ALL_ROWS, Facts, Rows
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Deferred,
    Folds,
    Opaque,
    Picks,
    Position,
    Seq,
    Table,
    Value,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Run


def fresh_array(run: Run, bare: str, args: Args) -> Value:
    held = [run.at(value) for value in args.every]
    if bare in ("Timestamp", "seed"):
        return Opaque()
    if bare in ("arange", "linspace") and any(isinstance(value, Position) for value in held):
        return Opaque()
    if bare == "linspace" and (measured := _measured(run, held)) is not None:
        return measured
    if bare.endswith("_like"):
        like = held[0] if held else Opaque()
        if isinstance(like, Cells | Table):
            return Cells(rows=like.rows, order=like.order, array=True)
    size = held[0].value if held and isinstance(held[0], Const) and isinstance(held[0].value, int) else None
    if bare == "full" and len(held) > 1:
        return Cells(facts=run.facts(held[1]), array=True, width=size)
    if bare in ("make_classification", "make_regression", "make_blobs"):
        root = f"{bare}"
        rows = Rows(tables=frozenset({root}))
        return Seq((Cells(facts=Facts(reads={f"{root}.X": 0.0}), rows=rows, shape="matrix", array=True),
                    Cells(facts=Facts(reads={f"{root}.y": 0.0}), rows=rows, array=True)))  # fmt: skip
    if bare in ("default_rng", "RandomState"):
        return GENERATOR
    if bare in ("rand", "randn", "normal", "randint", "random", "uniform", "choice") and run.node is not None:
        span = run.span(run.node)
        root = f"random@{span.cell}:{span.line}:{span.column}"
        wide = len([v for v in args.places if isinstance(run.at(v), Const)]) > 1 and bare in ("rand", "randn")
        return Cells(facts=Facts(reads={f"{root}.x": 0.0}), rows=Rows(tables=frozenset({root})), array=True,
                     shape="matrix" if wide else "column")  # fmt: skip
    length = held[0].hint if bare == "arange" and len(held) == 1 and isinstance(held[0], Opaque) else ""
    return Cells(array=True, width=size if bare in ("zeros", "empty") else None, name=length or None)


def _measured(run: Run, held: list[Value]) -> Value | None:
    """`np.linspace(0, 1, len(frame))`; one from the least value to the largest is what a curve is drawn over."""
    if run.node is None or len(held) < 3 or not all(isinstance(end, Const) for end in held[:2]):
        return None
    return positions.of_length(run, held[2], run.node)


def _array(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "object"))
    _ = node
    match held:
        case Table():
            return frames.as_matrix(run, held)
        case Cells():
            return replace(held, array=True, conditions=())
        case Seq(items=items, any_item=any_item):
            facts = run.facts(held)
            inner = run.at(any_item) if any_item is not None else (run.at(items[0]) if items else None)
            shape = (
                "matrix"
                if isinstance(inner, Table) or (isinstance(inner, Cells) and inner.width)
                else "column"
            )
            rows = run.rows(inner) if inner is not None else ALL_ROWS
            return Cells(facts=facts, rows=rows, shape=shape, array=True, width=len(items) if items else None)
        case Deferred():
            return held
        case Picks() | Folds():
            return held
        case _:
            pass
    return Cells(facts=run.facts(held), rows=run.rows(held), array=True)


def _padded(run: Run, args: Args, node: ast.AST) -> Value:
    """`np.pad(a, (before, after))`."""
    held, widths = run.at(args.get(0, "array")), run.at(args.get(1, "pad_width"))
    _ = node
    if not isinstance(held, Cells):
        return joined(run, args)
    before = run.at(widths.items[0]) if isinstance(widths, Seq) and widths.items else widths
    head = before.value if isinstance(before, Const) and isinstance(before.value, int) else held.offset
    return replace(held, array=True, offset=held.offset - head)


def _where(run: Run, args: Args, _node: ast.AST) -> Value:
    held = run.at(args.places[0]) if args.places else None
    if len(args.places) == 1 and isinstance(held, Cells):
        return held
    chosen = joined(run, args)
    if isinstance(chosen, Cells) and isinstance(held, Cells) and held.conditions:
        return replace(chosen, facts=without_borders(chosen.facts, held.conditions))
    return chosen


def _interpolated(run: Run, args: Args, node: ast.AST) -> Value:
    """`np.interp(x, known_x, known)`: between two known values, the later one counts too."""
    known = run.at(args.get(2, "fp"))
    if not isinstance(known, Cells) or not known.facts.reads:
        return joined(run, args)
    move = knowledge.method("pandas", "interpolate")
    assert move is not None  # noqa: S101 - the table of pandas has it
    whole = replace(known, rows=run.rows(args.get(0, "x")), offset=0)
    return moving.moved(run, move, whole, Args(node=node), node, called="np.interp")


def _flipped(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "m"))
    _ = node, run
    return replace(held, order=held.order.flipped) if isinstance(held, Cells | Table) else held


def _ones(run: Run, args: Args, node: ast.AST) -> Value:
    _ = node, run
    size = args.constant(0, "shape")
    return Cells(array=True, width=size if isinstance(size, int) else None)


def _sliding(run: Run, args: Args, node: ast.AST) -> Value:
    held = run.at(args.get(0, "x"))
    _ = node
    if not isinstance(held, Cells):
        return held
    size = args.constant(1, "window_shape")
    ahead = size - 1 if isinstance(size, int) and not isinstance(size, bool) else 0
    # the window at place k ends at row k + size - 1
    return replace(held, shape="matrix", array=True, offset=held.offset + ahead)


def _searched(run: Run, args: Args, node: ast.AST) -> Value:
    times = run.at(args.get(0, "a"))
    keys = run.at(args.get(1, "v"))
    if not isinstance(times, Cells):
        return joined(run, args)
    return positions.searched(run, times, keys, replace(args, places=args.places[1:]), node)


def _kept_within(run: Run, args: Args, node: ast.AST) -> Value:
    """`np.clip(places, 0, n - 1)`: places stay places."""
    _ = node
    every = [run.at(value) for value in args.every]
    place = next((value for value in every if isinstance(value, Position)), None)
    return place if place is not None else joined(run, args)


_TENSORS = (
    "torch.tensor", "torch.as_tensor", "torch.from_numpy", "torch.Tensor", "torch.FloatTensor", "torch.LongTensor",
    "tensorflow.constant", "tensorflow.convert_to_tensor", "tensorflow.cast", "jax.numpy.array", "jax.numpy.asarray",
    "cupy.array", "cupy.asarray",
)  # fmt: skip
FUNCTIONS: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    **dict.fromkeys(_TENSORS, _array),
    "numpy.pad": _padded, "numpy.array": _array, "numpy.asarray": _array, "numpy.where": _where, "numpy.interp": _interpolated,
    "numpy.searchsorted": _searched, "numpy.clip": _kept_within, "numpy.minimum": _kept_within,
    "numpy.maximum": _kept_within, "numpy.flip": _flipped, "numpy.flipud": _flipped, "numpy.ones": _ones, "numpy.hanning": _ones,
    "numpy.lib.stride_tricks.sliding_window_view": _sliding,
}  # fmt: skip
