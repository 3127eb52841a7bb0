"""Frames and columns made from what the notebook gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import (
    frames,
)
from nbprod.leakage.interpret.facts import NOTHING, Facts, Rows
from nbprod.leakage.interpret.values import Cells, Mapped, Opaque, Picks, Table, Value

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from nbprod.leakage.interpret.context import Args, Run


def _data_frame(run: Run, args: Args, node: ast.AST) -> Value:
    given = run.at(args.get(0, "data"))
    index = run.at(args.get(None, "index") or args.get(1, "index"))
    names = frames.columns_named(run, Table(), args.get(None, "columns") or Opaque())
    index_names = _index_names(run, index)
    if isinstance(given, Table):
        made = given if names is None else frames.projected(run, given, names)
        return run.new(replace(made, index=index_names or made.index))
    span = run.span(node)
    root = f"DataFrame@{span.cell}:{span.line}:{span.column}"
    if isinstance(given, Cells):
        return _frame_of_cells(run, given, names, index_names, root)
    if isinstance(given, Mapped):
        return run.new(_frame_of_mapping(run, given, index_names, root, node))
    facts = run.facts(given)
    rows = run.rows(given) if facts.reads else Rows(tables=frozenset({root}))
    if facts.reads:
        return run.new(
            Table(
                columns=dict.fromkeys(names or (), facts),
                rest=facts if not names else None,
                rows=rows,
                index=index_names,
            )
        )
    columns = {name: Facts(reads={f"{root}.{name}": 0.0}, aheads=facts.aheads) for name in names or ()}
    rest = replace(facts, reads={}) if not names else None
    return run.new(Table(columns=columns, rest=rest, rows=rows, root=root, index=index_names))


def _index_names(run: Run, index: Value) -> tuple[str, ...]:
    if isinstance(index, Cells) and (index.name or index.index):
        return (index.name or index.index or "index",)
    if isinstance(index, Cells) and index.facts.clock is not None:
        return ("index",)
    _ = run
    return ()


def _frame_of_cells(
    run: Run, cells: Cells, names: tuple[str, ...] | None, index: tuple[str, ...], root: str
) -> Value:
    facts = cells.facts
    if not facts.reads and not facts.aheads:
        rows = Rows(tables=frozenset({root}))
        columns = {name: Facts(reads={f"{root}.{name}": 0.0}) for name in names or ()}
        return run.new(
            Table(columns=columns, rest=None if names else NOTHING, rows=rows, root=root, index=index)
        )
    label = (cells.name or "0",)
    chosen = names or (label if cells.shape == "column" else ())
    columns = dict.fromkeys(chosen, facts)
    return run.new(
        Table(
            columns=columns,
            rest=None if chosen else facts,
            rows=cells.rows,
            order=cells.order,
            index=index,
            keyed=cells.keyed,
        )
    )


def _frame_of_mapping(run: Run, given: Mapped, index: tuple[str, ...], root: str, node: ast.AST) -> Table:
    columns: dict[str, Facts] = {}
    rows: Rows | None = None
    for key, value in given.items.items():
        name = str(key)
        held = run.at(value)
        facts = frames.by_place(run, Table(), held, node)
        fresh = not facts.reads or all(source.startswith("random@") for source in facts.reads)
        if fresh and not facts.aheads:
            clock = facts.clock
            facts = Facts(reads={f"{root}.{name}": 0.0}, clock=clock)
            run.saw_column(root, name)
            if clock is not None:
                run.record.times.setdefault(root, set()).add(name)
                run.record.exact_times.setdefault(root, set()).add(name)
        elif rows is None and run.rows(held).tables:
            rows = run.rows(held)
        columns[name] = facts
    if index:
        run.record.times.setdefault(root, set()).add(index[0])
    if root not in run.record.times and given.any_item is None:
        run.record.static.add(root)
    rest = NOTHING if given.any_item is not None else None
    order = next(
        (h.order for h in (run.at(v) for v in given.items.values()) if isinstance(h, Cells)), Cells().order
    )
    return Table(
        columns=columns,
        rest=rest,
        rows=rows or Rows(tables=frozenset({root})),
        root=root,
        index=index,
        order=order,
    )


def _series(run: Run, args: Args, node: ast.AST) -> Value:
    if isinstance(args.constant(0, "name"), str) and len(args.places) > 1:
        # polars names the column first
        rest = {**args.names, "name": args.places[0]}
        args = replace(args, places=args.places[1:2], names=rest)
    given = run.at(args.get(0, "data"))
    index = run.at(args.get(None, "index") or args.get(1, "index"))
    name = args.constant(None, "name")
    names = _index_names(run, index)
    label = name if isinstance(name, str) else None
    facts = run.facts(given)
    if isinstance(given, Cells) and (facts.reads or facts.aheads):
        return replace(
            given,
            # without an index it is numbered anew: a value's place counts, not the row that it is of
            array=given.array and bool(given.offset) and not isinstance(index, Cells | Picks),
            shape="column",
            name=label or given.name,
            index=names[0] if names else given.index,
        )
    if isinstance(given, Mapped):
        return Cells(facts=facts, name=label)
    if facts.reads or facts.aheads:
        return Cells(facts=facts, rows=run.rows(given), name=label, index=names[0] if names else None)
    span = run.span(node)
    root = f"Series@{span.cell}:{span.line}:{span.column}"
    if names:
        run.record.times.setdefault(root, set()).add(names[0])
    return Cells(facts=Facts(reads={f"{root}.{label or 'value'}": 0.0}), rows=Rows(tables=frozenset({root})), name=label,
                 index=names[0] if names else None)  # fmt: skip


def _from_pandas(run: Run, args: Args, node: ast.AST) -> Value:
    _ = node
    held = run.at(args.places[0]) if args.places else Opaque()
    return run.new(replace(held, library="polars")) if isinstance(held, Table) else held


FUNCTIONS: dict[str, Callable[[Run, Args, ast.AST], Value]] = {
    "pandas.DataFrame": _data_frame, "polars.DataFrame": _data_frame, "polars.LazyFrame": _data_frame,
    "polars.from_pandas": _from_pandas, "pandas.Series": _series, "polars.Series": _series,
}  # fmt: skip
