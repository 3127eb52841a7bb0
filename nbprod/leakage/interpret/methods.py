"""Method calls: found by what the owner is, then by name; what no table knows joins its arguments."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from nbprod.leakage.interpret import (
    deferred,
    frames,
    groups,
    joining,
    knowledge,
    learning,
    moving,
    tables,
    times,
)
from nbprod.leakage.interpret.combining import combine, join_values
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.functions import call_function
from nbprod.leakage.interpret.values import (
    NONE,
    Ahead,
    Cells,
    Class,
    Const,
    Deferred,
    Estimator,
    Facts,
    Folds,
    Function,
    Grouped,
    Instance,
    Mapped,
    Method,
    Opaque,
    Picks,
    Ref,
    Rows,
    Seq,
    Splitter,
    Symbol,
    Table,
    Value,
    Windowed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.libraries.moves import Move


def call_method(run: Run, owner: Value, name: str, args: Args, node: ast.AST) -> Value:  # noqa: C901, PLR0912
    """`owner.name(args)`."""
    held = run.at(owner)
    match held:
        case Table():
            return tables.call(run, owner, held, name, args, node)
        case Cells():
            return on_cells(run, owner, held, name, args, node)
        case Grouped():
            return groups.on_grouped(run, held, name, args, node)
        case Windowed():
            return groups.on_windowed(run, held, name, args, node)
        case Deferred():
            return deferred.called(run, held, name, args, node)
        case Estimator():
            return learning.on_estimator(run, owner, held, name, args, node)
        case Splitter():
            return learning.on_splitter(run, held, name, args, node)
        case Seq():
            return _on_sequence(run, owner, held, name, args)
        case Mapped():
            return _on_mapping(run, owner, held, name, args)
        case Const():
            return _on_constant(held, name, args, run)
        case Method():
            return _on_method(run, held, name, args, node)
        case Instance():
            return learning.on_instance(run, owner, held, name, args, node)
        case Symbol(path=path):
            return run.call(run, Symbol(f"{path}.{name}"), args, node)
        case Folds() | Picks() | Class():
            return held
        case _:
            pass
    return _on_unknown(run, held, name, args, node)


def _on_unknown(run: Run, held: Value, name: str, args: Args, node: ast.AST) -> Value:
    if name in learning.LEARNING:
        return learning.on_unknown(run, held, name, args, node)
    if name in _TABLE_GIVERS and not run.facts(held).reads:
        return _table_of_connection(run, name, args, node)
    every = [held, *args.every]
    result: Value = every[0]
    for value in every[1:]:
        result = join_values(run, result, value)
    facts = run.facts(held)
    for value in args.every:
        facts = facts | run.facts(value)
    if not facts.reads and not facts.aheads:
        return Opaque(hint=getattr(held, "hint", "") if name in ("columns", "tolist") else "")
    return Opaque(facts=replace(facts, proved=False), rows=run.rows(held))


_TABLE_GIVERS = frozenset(
    {
        "table",
        "read_parquet",
        "read_csv",
        "read_json",
        "read_delta",
        "create_table",
        "read_in_memory",
        "load",
        "history",
    }
)


def _table_of_connection(run: Run, name: str, args: Args, node: ast.AST) -> Value:
    """`con.table("visits")`: a table that a connection knows by name."""
    span = run.span(node)
    label = args.constant(0, "name")
    for value in args.every:
        held = run.at(value)
        if isinstance(held, Table):
            return run.new(replace(held, library="ibis"))
    root = (
        label.rsplit(".", 1)[-1]
        if isinstance(label, str) and name == "table"
        else f"{name}@{span.cell}:{span.line}:{span.column}"
    )
    library = "ibis" if run.libraries.get("ibis") else ""
    return run.new(Table(rest=Facts(), rows=Rows(tables=frozenset({root})), root=root, library=library))


# Columns


def on_cells(run: Run, owner: Value, cells: Cells, name: str, args: Args, node: ast.AST) -> Value:  # noqa: PLR0917
    """A method of a column, an array, a statistic or a row's element."""
    handler = _CELLS.get(name)
    if handler is not None:
        result = handler(run, cells, args, node)
        return _kept(run, owner, result, args, node)
    if name in (
        "truncate",
        "strftime",
        "offset_by",
        "to_timestamp",
        "tz_localize",
        "tz_convert",
        "to_period",
    ) or (
        cells.library == "ibis"
        and (name in ("month", "year", "day", "hour", "date", "quarter", "day_of_week", "week"))
    ):
        found = times.time_method(run, cells, name, args, node)
        if found is not None:
            return found
    move: Move | None = knowledge.method(cells.library, name)
    if move is None:
        facts = cells.facts
        for value in args.every:
            facts = facts | run.facts(value)
        return replace(cells, facts=replace(facts, derived=True), conditions=())
    result = moving.moved(run, move, cells, args, node, called=name)
    return _kept(run, owner, result, args, node)


def _kept(run: Run, owner: Value, result: Value, args: Args, node: ast.AST) -> Value:
    """`inplace=True` on a column changes the frame it was taken from, where the call shows which."""
    import ast as syntax

    if args.constant(None, "inplace") is not True:
        return result
    if isinstance(owner, Ref):
        run.heap[owner.place] = run.at(result)
    elif isinstance(node, syntax.Call) and isinstance(node.func, syntax.Attribute):
        from nbprod.leakage.interpret.statements import assign

        target = node.func.value
        if isinstance(target, syntax.Subscript | syntax.Name | syntax.Attribute):
            assign(run, target, result, node)
    return NONE


def _mapped(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    function = run.at(args.get(0, "arg") or args.get(0, "func"))
    match function:
        case Function() | Symbol() | Class():
            element = replace(cells, shape="element" if cells.shape in ("column", "element") else cells.shape)
            rest = Args(places=(element,), names={}, node=node)
            result = run.at(run.call(run, function, rest, node))
            facts = run.facts(result) | cells.facts
            return replace(cells, facts=replace(facts, derived=True), conditions=())
        case Cells():
            found = _looked_up(run, cells, function, node)
            return replace(cells, facts=replace(found, clock=None), conditions=())
        case Const() | None:
            return cells
        case _:
            pass
    facts = cells.facts | run.facts(function)
    return replace(cells, facts=replace(facts, clock=None, derived=True), conditions=())


def _looked_up(run: Run, cells: Cells, series: Cells, node: ast.AST) -> Facts:
    """A series mapped over keys: by time where its index holds times."""
    right = Facts()
    for key in series.keyed:
        right = replace(key.facts, reads={})
    if cells.facts.clock is not None and not cells.facts.clock.cyclic:
        return joining.looked_up_at(run, cells.facts, series.facts, node, right=right) | replace(
            cells.facts, clock=None
        )
    return cells.facts | series.facts


def _applied(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    function = run.at(args.get(0, "func"))
    if isinstance(function, Function | Symbol | Class):
        extra = run.at(args.get(None, "args"))
        more = extra.items if isinstance(extra, Seq) and extra.items is not None else ()
        whole_group = bool(cells.within) or cells.width is not None
        element = cells if whole_group else replace(cells, shape="element")
        names = {k: v for k, v in args.names.items() if k not in ("func", "args", "axis", "raw", "meta")}
        result = run.call(run, function, Args(places=(element, *more), names=names, node=node), node)
        facts = run.facts(result) if whole_group else run.facts(result) | cells.facts
        return replace(cells, facts=replace(facts, derived=True), conditions=())
    if isinstance(function, Const) and isinstance(function.value, str):
        return on_cells(run, cells, cells, function.value, Args(node=node), node)
    return cells


def _asof(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    key = run.at(args.get(0, "where"))
    if isinstance(key, Cells):
        return replace(key, facts=joining.looked_up_at(run, key.facts, cells.facts, node), conditions=())
    return replace(cells, shape="scalar")


def _reindexed(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    key = run.at(args.get(0, "index"))
    method = args.constant(None, "method")
    facts = cells.facts
    if isinstance(key, Cells) and key.facts.clock is not None:
        facts = joining.looked_up_at(run, key.facts, facts, node)
    if method in ("bfill", "backfill", "nearest") and facts.reads:
        facts = tables.filled_from_later(run, cells, node, facts)
    return replace(cells, facts=facts, conditions=(), rows=key.rows if isinstance(key, Cells) else cells.rows)


def _rolled(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    move = knowledge.method("pandas", "rolling")
    assert move is not None  # noqa: S101 - asked just before
    return moving.moved(run, move, cells, args, node, called="rolling")


def _expanding(run: Run, cells: Cells, _args: Args, node: ast.AST) -> Value:
    facts = moving.running(run, cells, node, reverse=False, whole=True)
    return Windowed(
        base=cells, kind="expanding", aheads=tuple(a for a in facts.aheads if a not in cells.facts.aheads)
    )


def _resampled(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    return groups.resampled(run, cells, args, node)


def _grouped(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    table = Table(rows=cells.rows, order=cells.order)
    keys = deferred.keys_of(run, table, list(args.places) + [v for k, v in args.names.items() if k == "by"])
    _ = node
    return Grouped(base=cells, keys=keys)


def _sorted(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    _ = args, node
    name = cells.name or "value"
    if run.is_time(cells.name, cells.facts):
        return cells
    return replace(cells, order=replace(cells.order, other=(name,)))


def _sorted_index(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    _ = node, run
    down = args.constant(None, "ascending", default=True) is False
    return replace(cells, order=type(cells.order)(newest_first=down))


def _reversed(run: Run, cells: Cells, _args: Args, _node: ast.AST) -> Value:
    _ = run
    return replace(cells, order=cells.order.flipped)


def _first_rows(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.subscripts import sliced
    from nbprod.leakage.interpret.values import Stretch

    return sliced(run, cells, Stretch(high=run.at(args.get(0, "n") or Const(5))), node)


def _last_rows(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.subscripts import sliced
    from nbprod.leakage.interpret.values import Stretch

    number = args.constant(0, "n", default=5)
    low = Const(-number) if isinstance(number, int) else Opaque()
    return sliced(run, cells, Stretch(low=low), node)


def _framed(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    name = args.constant(0, "name", default=cells.name)
    _ = node
    label = name if isinstance(name, str) else "0"
    table = Table(
        columns={label: cells.facts}, rows=cells.rows, order=cells.order, keyed=cells.keyed, within=cells.within,
        index=(cells.index,) if cells.index else (),
    )  # fmt: skip
    return run.new(table)


def _index_reset(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    if args.constant(None, "drop") is True:
        return cells
    made = run.at(_framed(run, cells, Args(names={k: v for k, v in args.names.items() if k == "name"}), node))
    assert isinstance(made, Table)  # noqa: S101 - asked just before
    keys = {key.name: replace(key.facts, derived=True) for key in cells.keyed}
    if not keys and cells.index:
        from nbprod.leakage.interpret.values import Clock

        keys = {cells.index: Facts(clock=Clock(), derived=True)}
    return run.new(replace(made, columns={**keys, **made.columns}, index=()))


def _renamed(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    _ = node, run
    name = args.constant(0, "index") or args.constant(None, "name")
    return replace(cells, name=name) if isinstance(name, str) else cells


def _as_array(_run: Run, cells: Cells, _args: Args, _node: ast.AST) -> Value:
    return replace(cells, array=True)


def _to_list(_run: Run, cells: Cells, _args: Args, _node: ast.AST) -> Value:
    return replace(cells, array=True)


def _same(_run: Run, cells: Cells, _args: Args, _node: ast.AST) -> Value:
    return replace(cells, conditions=cells.conditions)


def _dictionary(_run: Run, cells: Cells, _args: Args, _node: ast.AST) -> Value:
    return cells


def _between(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.values import Bound

    low, high = args.get(0, "left"), args.get(1, "right")
    in_time = run.is_time(cells.name, cells.facts)
    bound = Bound(
        kind="where",
        subject=cells.name or "?",
        low=run.key_of(low, args.node_of(0, "left")),
        high=run.key_of(high, args.node_of(1, "right")),
        in_time=in_time,
        span=run.span(node),
    )
    result = combine(run, cells, run.at(low), op=None, node=node)
    return replace(result, conditions=(bound,)) if isinstance(result, Cells) else result


def _is_in(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.values import Bound

    text = run.text(args.node_of(0, "values") or node)
    bound = Bound(kind="where", subject=cells.name or "?", low=text, high=text, span=run.span(node))
    facts = cells.facts | run.facts(args.get(0, "values"))
    return replace(cells, facts=replace(facts, clock=None), conditions=(bound,))


def _known(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    _ = args, run, node
    return replace(
        cells, facts=replace(cells.facts, derived=True, runs_of=cells.facts.sources), conditions=()
    )


def _counted_up(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    """A running sum; of a mask of known values it numbers the stretches that each begin with one."""
    move = knowledge.method(cells.library, "cumsum")
    assert move is not None  # noqa: S101 - asked just before
    result = moving.moved(run, move, cells, args, node, called="cumsum")
    if isinstance(result, Cells) and not cells.facts.derived:
        result = replace(result, facts=replace(result.facts, sums_of=cells.facts.sources))
    if cells.facts.runs_of and isinstance(result, Cells) and not cells.order.newest_first:
        return replace(result, facts=replace(result.facts, runs_of=cells.facts.runs_of))
    return result


def _count(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    move = knowledge.method(cells.library, "count")
    assert move is not None  # noqa: S101 - asked just before
    result = moving.moved(run, move, cells, args, node, called="count")
    frame = cells.frame
    if frame is not None and frame.low is None and frame.high == 0 and isinstance(result, Cells):
        backwards = cells.order.newest_first
        return (
            result if backwards else replace(result, facts=replace(result.facts, runs_of=cells.facts.sources))
        )
    return result


def _sampled(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    return tables.sampled(run, cells, args, node)


def _shown(_run: Run, _cells: Cells, _args: Args, _node: ast.AST) -> Value:
    return Opaque()


def _resized(run: Run, cells: Cells, args: Args, node: ast.AST) -> Value:
    _ = args, run, node
    return replace(cells, shape="matrix" if cells.shape == "column" else cells.shape, conditions=())


def _descending(_run: Run, cells: Cells, _args: Args, _node: ast.AST) -> Value:
    return Opaque(hint=f"desc:{cells.name}")


def _exponential(run: Run, cells: Cells, _args: Args, node: ast.AST) -> Value:
    return Windowed(base=cells, kind="ewm", aheads=_expanding_aheads(run, cells, node))


_CELLS: dict[str, Callable[[Run, Cells, Args, ast.AST], Value]] = {
    "map": _mapped,
    "apply": _applied,
    "transform": _applied,
    "pipe": _applied,
    "asof": _asof,
    "reindex": _reindexed,
    "rolling": _rolled,
    "expanding": _expanding,
    "ewm": _exponential,
    "resample": _resampled,
    "groupby": _grouped,
    "sort_values": _sorted,
    "sort": _sorted,
    "sort_index": _sorted_index,
    "reverse": _reversed,
    "head": _first_rows,
    "limit": _first_rows,
    "tail": _last_rows,
    "to_frame": _framed,
    "reset_index": _index_reset,
    "rename": _renamed,
    "to_numpy": _as_array,
    "to_list": _to_list,
    "tolist": _to_list,
    "to_dict": _dictionary,
    "copy": _same,
    "clone": _same,
    "ravel": _same,
    "flatten": _same,
    "squeeze": _same,
    "to_series": _same,
    "asfreq": _same,
    "reshape": _resized,
    "unique": _same,
    "drop_duplicates": _same,
    "between": _between,
    "is_between": _between,
    "isin": _is_in,
    "is_in": _is_in,
    "notna": _known,
    "notnull": _known,
    "is_not_null": _known,
    "cumsum": _counted_up,
    "cum_sum": _counted_up,
    "count": _count,
    "sample": _sampled,
    "plot": _shown,
    "hist": _shown,
    "desc": _descending,
}


def _expanding_aheads(run: Run, cells: Cells, node: ast.AST) -> tuple[Ahead, ...]:
    facts = moving.running(run, cells, node, reverse=False, whole=True)
    return tuple(a for a in facts.aheads if a not in cells.facts.aheads)


# Python's own


def _on_method(run: Run, method: Method, name: str, args: Args, node: ast.AST) -> Value:
    """A method of an accessor: `.dt.floor`, `.str.lower`, `.list.mean`."""
    inner = run.at(method.owner)
    if isinstance(inner, Deferred):
        build_name = f"{method.name}.{name}"
        return deferred.called(run, inner, build_name, args, node)
    if isinstance(inner, Cells):
        if method.name == "dt":
            found = times.time_method(run, inner, name, args, node)
            return found if found is not None else replace(inner, facts=replace(inner.facts, derived=True))
        if method.name == "str" and name in ("to_datetime", "strptime", "to_date"):
            found = times.time_method(run, inner, "to_datetime", args, node)
            return found if found is not None else inner
        facts = inner.facts
        for value in args.every:
            facts = facts | run.facts(value)
        return replace(inner, facts=replace(facts, derived=True), conditions=())
    return _on_unknown(run, Opaque(facts=run.facts(inner), rows=run.rows(inner)), name, args, node)


def _on_sequence(run: Run, owner: Value, sequence: Seq, name: str, args: Args) -> Value:
    first = args.places[0] if args.places else NONE
    if name in ("append", "add", "insert", "extend", "appendleft"):
        item = args.places[-1] if args.places else NONE
        if name == "extend":
            held = run.at(item)
            item = (
                held.any_item or (held.items[0] if held.items else Opaque())
                if isinstance(held, Seq)
                else item
            )
        _put(run, owner, _with_item(run, sequence, item))
        return NONE
    if name == "pop":
        return frames_item(run, sequence)
    if name == "copy":
        return run.new(sequence)
    if name in ("drop", "difference") and sequence.items is not None:
        return run.new(_less(run, sequence, first))
    if name in ("remove", "sort", "reverse", "clear", "discard"):
        if name == "remove" and sequence.items is not None:
            kept = tuple(item for item in sequence.items if run.at(item) != run.at(first))
            _put(run, owner, replace(sequence, items=kept))
        return NONE
    if name in ("difference", "union", "intersection", "to_list", "tolist"):
        return sequence
    if name == "index":
        return Opaque()
    return Opaque(facts=run.facts(sequence))


def _less(run: Run, sequence: Seq, names: Value) -> Seq:
    """The sequence without the named items."""
    gone = set(frames.columns_named(run, Table(), names) or ())
    kept = tuple(
        item
        for item in sequence.items or ()
        if not (isinstance(h := run.at(item), Const) and h.value in gone)
    )
    return replace(sequence, items=kept, is_list=True)


def frames_item(run: Run, sequence: Seq) -> Value:
    """Any item of a sequence."""
    value: Value = sequence.any_item or Opaque()
    for item in (sequence.items or ())[:16]:
        value = join_values(run, value, item)
    return value


def _with_item(run: Run, sequence: Seq, item: Value) -> Seq:
    if sequence.items is not None and not run.loops and len(sequence.items) < 64:
        return replace(sequence, items=(*sequence.items, item))
    if sequence.items is not None and run.loops and isinstance(run.at(item), Const | Estimator):
        if item not in sequence.items and len(sequence.items) < 64:
            return replace(sequence, items=(*sequence.items, item))
        return sequence
    return Seq(None, any_item=join_values(run, frames_item(run, sequence), item), is_list=True)


def _put(run: Run, owner: Value, value: Value) -> None:
    if isinstance(owner, Ref):
        run.heap[owner.place] = value


def _on_mapping(run: Run, owner: Value, mapping: Mapped, name: str, args: Args) -> Value:  # noqa: C901
    if name == "get" and args.places:
        from nbprod.leakage.interpret.subscripts import under_key

        key = run.at(args.places[0])
        known = isinstance(key, Const) and frames.is_hashable(key.value) and key.value in mapping.items
        if not known and mapping.any_item is None:
            return args.places[1] if len(args.places) > 1 else Opaque()
        return under_key(run, mapping, key, run.node or ast.Pass())
    if name == "items":
        pairs = tuple(Seq((Const(key), value)) for key, value in mapping.items.items())
        if mapping.any_item is not None:
            return Seq(None, any_item=Seq((Opaque(hint="key"), mapping.any_item)))
        return Seq(pairs)
    if name == "values":
        return Seq(tuple(mapping.items.values()), any_item=mapping.any_item)
    if name == "keys":
        return Seq(tuple(Const(key) for key in mapping.items))
    if name == "copy":
        return run.new(mapping)
    if name == "update" and args.places:
        other = run.at(args.places[0])
        if isinstance(other, Mapped):
            _put(run, owner, Mapped({**mapping.items, **other.items}, mapping.any_item or other.any_item))
        return NONE
    if name in ("setdefault", "pop") and args.places:
        key = run.at(args.places[0])
        return (
            mapping.items.get(key.value, Opaque())
            if isinstance(key, Const) and frames.is_hashable(key.value)
            else Opaque()
        )
    return Opaque(facts=run.facts(mapping))


_TEXT_METHODS = frozenset(
    [
        "lower",
        "upper",
        "strip",
        "lstrip",
        "rstrip",
        "replace",
        "title",
        "capitalize",
        "format",
        "join",
        "startswith",
        "endswith",
    ]
)


def _on_constant(held: Const, name: str, args: Args, run: Run) -> Value:
    values = [run.at(value) for value in args.places]
    if isinstance(held.value, str) and name in _TEXT_METHODS and all(isinstance(v, Const) for v in values):
        try:
            return Const(getattr(held.value, name)(*(v.value for v in values if isinstance(v, Const))))
        except (TypeError, ValueError, IndexError, KeyError, AttributeError):
            return Opaque()
    if isinstance(held.value, str) and name == "split":
        try:
            separator = values[0].value if values and isinstance(values[0], Const) else None
            return Seq(tuple(Const(part) for part in held.value.split(separator)), is_list=True)
        except (TypeError, ValueError):
            return Opaque()
    facts = run.facts(Seq(tuple(args.every)))
    return Opaque(facts=facts)


__all__ = ["call_function", "call_method", "on_cells"]
