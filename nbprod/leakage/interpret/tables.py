"""Methods of frames: pandas, polars and Ibis name them differently and mean the same."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret import deferred, edits, frames, groups, joining, knowledge, learning, moving
from nbprod.leakage.interpret.clocks import labels_end, length
from nbprod.leakage.interpret.combining import combine
from nbprod.leakage.interpret.context import Args, Run, Split
from nbprod.leakage.interpret.values import (
    NONE,
    NOTHING,
    WHOLE_REACH,
    Ahead,
    Bound,
    Cells,
    Class,
    Clock,
    Const,
    Deferred,
    Facts,
    Function,
    Grouped,
    Key,
    Mapped,
    Method,
    Opaque,
    Order,
    Picks,
    Ref,
    Seq,
    Stretch,
    Symbol,
    Table,
    Value,
    Windowed,
)
from nbprod.libraries.moves import Reduces, Rolls, Shows
from nbprod.model import Step

if TYPE_CHECKING:
    from collections.abc import Callable

Handler = "Callable[[Run, Table, Args, ast.AST], Value]"


def call(run: Run, owner: Value, table: Table, name: str, args: Args, node: ast.AST) -> Value:  # noqa: PLR0917
    """A method of a frame."""
    if name in ("insert", "pop", "update") and isinstance(owner, Ref):
        return _in_place(run, owner, table, name, args, node)
    handler = _TABLES.get(name)
    if handler is not None:
        result = handler(run, table, args, node)
    else:
        result = _every_column(run, table, name, args, node)
    if args.constant(None, "inplace") is True and isinstance(owner, Ref):
        held = run.at(result)
        if isinstance(held, Table):
            run.heap[owner.place] = held
        return NONE
    return result


def _in_place(run: Run, owner: Ref, table: Table, name: str, args: Args, node: ast.AST) -> Value:  # noqa: PLR0917
    if name == "insert":
        label = frames.columns_named(run, table, args.get(1, "column") or Opaque())
        value = args.get(2, "value")
        if label and value is not None:
            run.heap[owner.place] = frames.stored_column(run, table, label[0], value, node)
        return NONE
    if name == "pop":
        names = frames.columns_named(run, table, args.get(0, "item") or Opaque())
        if names:
            column = frames.column(run, table, names[0])
            run.heap[owner.place] = frames.dropped(table, names)
            return column
    return NONE


def _every_column(run: Run, table: Table, name: str, args: Args, node: ast.AST) -> Value:
    """A call that does the same to every column."""
    from nbprod.leakage.interpret.methods import on_cells

    move = knowledge.method(table.library, name)
    if isinstance(move, Shows):
        return Opaque()
    if isinstance(move, Rolls) and not move.finished:
        return _rolling(run, table, move, args, node)
    axis = args.constant(None, "axis", default=0)
    if isinstance(move, Reduces) and axis in (1, "columns"):
        facts = replace(frames.known_facts(run, table), derived=True)
        return Cells(facts=facts, rows=table.rows, order=table.order)

    def change(column: str, facts: Facts) -> Facts:
        cells = Cells(
            facts=facts,
            rows=table.rows,
            order=table.order,
            name=column,
            within=table.within,
            library=table.library,
        )
        return run.facts(on_cells(run, cells, cells, name, _without_inplace(args), node))

    columns = {column: change(column, _declared(run, table, column)) for column in table.columns}
    rest = None
    if table.rest is not None:
        known = table.rest | Facts(reads={f"{table.root}.*": 0.0}) if table.root else table.rest
        rest = change("*", known)
        rest = replace(rest, reads=table.rest.reads) if not isinstance(move, Reduces) else rest
    kept = replace(table, columns=columns, rest=rest)
    if isinstance(move, Reduces):
        # one value a column: aligned with columns when it meets the frame again
        return run.new(replace(kept, keyed=(Key(name="column"),)))
    return run.new(kept)


def _declared(run: Run, table: Table, name: str) -> Facts:
    facts = table.columns[name]
    if table.root:
        run.saw_column(table.root, name)
    return facts


def _without_inplace(args: Args) -> Args:
    return replace(args, names={name: value for name, value in args.names.items() if name != "inplace"})


# Columns added, chosen, dropped


def with_expressions(run: Run, table: Table, args: Args, node: ast.AST, *, select: bool = False) -> Value:
    """The frame with columns made by expressions, one after the other where they are pandas' `assign`."""
    result = replace(table, columns={}, rest=None) if select else table
    for value in args.places:
        result = _with_places(run, table, result, value, node)
    for name, value in args.names.items():
        made = _evaluated(run, table if select else result, value, node)
        made = _named_key(run, made, name)
        result = (
            frames.stored_column(run, result, name, made, node)
            if not _is_plain(made)
            else _plain(result, name, made, run)
        )
    return run.new(result)


def _named_key(_run: Run, value: Value, _name: str) -> Value:
    return value


def _is_plain(value: Value) -> bool:
    return isinstance(value, Cells) and not value.facts.derived and value.shape == "column"


def _plain(table: Table, name: str, value: Value, run: Run) -> Table:
    """A column under a new name keeps its source and, if it holds times, its clock."""
    return table.with_column(name, run.facts(value))


def _with_places(run: Run, table: Table, result: Table, value: Value, node: ast.AST) -> Table:  # noqa: C901
    held = run.at(value)
    match held:
        case Seq(items=items) if items is not None:
            for item in items:
                result = _with_places(run, table, result, item, node)
            return result
        case Seq(any_item=any_item) if any_item is not None:
            return _with_places(run, table, result, any_item, node)
        case Const(str(name)):
            return result.with_column(name, frames.column(run, table, name).facts)
        case Deferred():
            made = deferred.built(run, held, table)
            if isinstance(made, Table):
                columns = {**result.columns, **made.columns}
                rest = result.rest if made.rest is None else made.rest
                return replace(result, columns=columns, rest=rest)
            name = held.name or (made.name if isinstance(made, Cells) else None) or run.text(node)
            if _is_plain(made):
                return _plain(result, name, made, run)
            return frames.stored_column(run, result, name, made, node)
        case Table():
            return replace(result, columns={**result.columns, **held.columns}, rest=held.rest or result.rest)
        case Mapped(items=items):
            for key, item in items.items():
                result = frames.stored_column(run, result, str(key), _evaluated(run, table, item, node), node)
            return result
        case Cells(name=str(name)):
            return frames.stored_column(run, result, name, held, node)
        case Opaque(hint=hint) if hint.startswith("desc:"):
            return result
    return result


def _evaluated(run: Run, table: Table, value: Value, node: ast.AST) -> Value:
    held = run.at(value)
    if isinstance(held, Const) and isinstance(held.value, str) and table.library in ("polars", "ibis"):
        return frames.column(run, table, held.value)
    if isinstance(held, Deferred):
        return deferred.built(run, held, table)
    if isinstance(held, Function):
        return run.at(run.call(run, held, Args(places=(run.new(table),), node=node), node))
    return held


def _assign(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    return with_expressions(run, table, args, node)


def _select(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    return with_expressions(run, table, args, node, select=True)


def _drop(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    axis = args.constant(None, "axis", args.constant(1, "axis", 0))
    index = args.get(None, "index")
    given = args.get(None, "columns")
    by_rows = axis in (0, "index", "rows") and given is None and table.library not in {"polars", "ibis"}
    first = run.at(args.get(0, "labels")) if args.places or "labels" in args.names else None
    if by_rows and (isinstance(first, Picks | Cells) or index is not None or isinstance(first, Method)):
        return run.new(_without_rows(run, table, first if first is not None else run.at(index), node))
    names: list[str] = []
    unknown = False
    for value in (given, *args.places[:1], *(args.places[1:] if table.library in ("polars", "ibis") else ())):
        if value is None:
            continue
        found = frames.columns_named(run, table, value)
        names.extend(found or ())
        unknown |= found is None or any("<" in name for name in found)
    table = replace(table, guessed=table.guessed or unknown)
    if by_rows and isinstance(first, Seq) and not all(_is_text(run, item) for item in first.items or ()):
        return run.new(table)
    return run.new(frames.dropped(table, tuple(names)))


def _is_text(run: Run, value: Value) -> bool:
    held = run.at(value)
    return isinstance(held, Const) and isinstance(held.value, str)


def _duplicated(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """Whether a row repeats an earlier one; with `keep="last"`, or none kept, whether a later one repeats it."""
    names = frames.columns_named(run, table, args.get(0, "subset") or Opaque())
    facts = frames.projected(run, table, names).all_facts if names else frames.known_facts(run, table)
    cells = Cells(facts=facts, rows=table.rows, order=table.order, within=table.within)
    if args.constant(1, "keep", "first") == "first":
        return replace(cells, facts=replace(facts, derived=True))
    says = f"`{run.text(node)}` looks for later rows that are alike"
    return replace(cells, facts=moving.statistic(run, cells, node, says=says))


def _without_rows(run: Run, table: Table, rows: Value, node: ast.AST) -> Table:
    """`df.drop(train.index)`: the other part of a split."""
    bound = rows.bound if isinstance(rows, Picks) else None
    if bound is None or bound.kind == "all":
        return replace(
            table, rows=table.rows.narrowed(Bound(kind="where", subject=run.text(node), low=run.text(node)))
        )
    side = {"train": "test", "test": "train"}.get(bound.side, bound.side)
    other = Bound(kind="without", subject=bound.subject, side=side, low=repr(bound), span=run.span(node))
    return replace(table, rows=table.rows.narrowed(other))


def _rename(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    given = run.at(args.get(None, "columns") or args.get(None, "mapper") or args.get(0, "mapping"))
    pairs: dict[str, str] = {}
    if isinstance(given, Mapped):
        for key, value in given.items.items():
            held = run.at(value)
            if isinstance(held, Const):
                pairs[str(key)] = str(held.value)
    if table.library == "ibis":
        pairs = {new: old for old, new in pairs.items()}
        pairs |= {
            str(v.value): k
            for k, v in ((k, run.at(v)) for k, v in args.names.items())
            if isinstance(v, Const)
        }
    columns = {pairs.get(name, name): facts for name, facts in table.columns.items()}
    for old, new in pairs.items():
        if old not in table.columns and table.rest is not None:
            facts = frames.column(run, table, old).facts
            columns[new] = facts
    return run.new(
        replace(
            table, columns=columns, gone=table.gone | frozenset(o for o in pairs if o not in pairs.values())
        )
    )


def _same(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    return run.new(table)


def _to_pandas(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    return run.new(replace(table, library="pandas"))


def _matrix(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    return frames.as_matrix(run, table)


# Rows


def _filter(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    result: Value = table
    if "items" in args.names or "like" in args.names or "regex" in args.names:
        names = frames.columns_named(run, table, args.get(None, "items") or Opaque())
        return run.new(frames.projected(run, table, names)) if names else run.new(table)
    conditions = [item for value in args.places for item in _each(run, value)]
    for value in conditions:
        mask = run.at(_evaluated(run, table, value, node))
        if isinstance(mask, Const) and isinstance(mask.value, str):
            return _query(run, table, args, node)
        if isinstance(mask, Cells):
            result = frames.masked(run, result, mask, node)
    return run.new(result) if isinstance(result, Table) else result


def _each(run: Run, value: Value) -> tuple[Value, ...]:
    held = run.at(value)
    return held.items if isinstance(held, Seq) and held.items is not None else (value,)


def _query(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """`df.query("ts < @cut")`: the text is an expression of its own, over the frame's columns."""
    tree = _parsed(args)
    mask = run.at(_over_columns(run, table, _conjunction(tree.value))) if isinstance(tree, ast.Expr) else None
    if isinstance(mask, Cells):
        kept = frames.masked(run, table, mask, node)
        return run.new(kept) if isinstance(kept, Table) else kept
    return run.new(table)


def _eval(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """`df.eval("a - b.mean()")`, or `df.eval("c = a - b")`, which gives the frame with that column."""
    match _parsed(args):
        case ast.Expr(value=tree):
            return _over_columns(run, table, tree)
        case ast.Assign(targets=[ast.Name(id=name)], value=tree):
            return run.new(frames.stored_column(run, table, name, _over_columns(run, table, tree), node))
        case _:
            return run.new(table)


def _parsed(args: Args) -> ast.stmt | None:
    """The one statement that a text argument holds, as pandas reads it."""
    text = args.constant(0, "expr")
    try:
        body = ast.parse(text.replace("@", "").replace("`", "").strip()).body if isinstance(text, str) else []
    except (SyntaxError, ValueError):
        return None
    return body[0] if len(body) == 1 else None


def _over_columns(run: Run, table: Table, tree: ast.expr) -> Value:
    """The value of an expression whose names are the frame's columns first."""
    outer = run.env
    names = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    run.env = {
        **outer,
        **{
            name: frames.column(run, table, name)
            for name in names
            if name not in outer or name in table.columns
        },
    }
    try:
        return run.at(run.evaluate(run, tree))
    finally:
        run.env = outer


def _conjunction(tree: ast.expr) -> ast.expr:
    """Pandas reads `and` between columns as `&`."""
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        result = tree.values[0]
        for value in tree.values[1:]:
            result = ast.copy_location(ast.BinOp(left=result, op=ast.BitAnd(), right=value), tree)
        return result
    return tree


def _sort(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    down = run.at(
        args.get(None, "ascending") or args.get(None, "descending") or args.get(None, "reverse") or NONE
    )
    flags: list[bool] = []
    if isinstance(down, Const) and isinstance(down.value, bool):
        flags = [down.value is ("ascending" not in args.names)]
    elif isinstance(down, Seq) and down.items is not None:
        values = [run.at(item) for item in down.items]
        flags = [
            bool(v.value) is ("ascending" not in args.names) if isinstance(v, Const) else False
            for v in values
        ]
    by = args.get(None, "by")
    values_: list[Value | None] = [by] if by is not None else list(args.places)
    if by is None and len(values_) > 1 and table.library not in ("polars", "ibis"):
        values_ = values_[:1]
    order = deferred.order_of(run, table, values_, descending=flags)
    if order is None:
        order = Order(other=("an unknown key",)) if not values_ else Order()
    for name in _time_names(run, table, values_):
        run.saw_column(table.root, name)
    if order.by and not order.other:
        run.record.sequences |= table.rows.tables
    sorted_ = replace(table, order=order)
    if order.by in run.known.values():
        # rows in the order in which they became known have that as their time
        sorted_ = sorted_.mapped(
            lambda f: f.without(lambda a: a.rule == "not-yet-known" and a.detail == order.by)
        )
    return run.new(sorted_)


def _time_names(run: Run, table: Table, values: list[Value | None]) -> list[str]:
    names = [frames.columns_named(run, table, value) for value in values if value is not None]
    return [name for group in names if group for name in group]


def _sort_index(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    down = args.constant(None, "ascending", default=True) is False
    if (
        table.index
        and not run.is_time(table.index[0])
        and len(table.index) == 1
        and table.index[0] in table.columns
    ):
        return run.new(replace(table, order=Order(other=table.index)))
    first = table.index[0] if table.index else None
    if len(table.index) > 1 and first is not None and not run.is_time(first):
        return run.new(replace(table, order=Order(newest_first=down, entity_first=(first,))))
    return run.new(replace(table, order=Order(newest_first=down)))


def _head(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.subscripts import sliced

    made = sliced(run, table, Stretch(high=run.at(args.get(0, "n") or Const(5))), node)
    return run.new(made) if isinstance(made, Table) else made


def _tail(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.subscripts import sliced

    number = args.constant(0, "n", default=5)
    made = sliced(run, table, Stretch(low=Const(-number) if isinstance(number, int) else Opaque()), node)
    return run.new(made) if isinstance(made, Table) else made


def _slice(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.subscripts import sliced

    start = args.constant(0, "offset")
    high = run.at(args.get(1, "length")) if args.get(1, "length") is not None else None
    low = None if start == 0 else run.at(args.get(0, "offset"))
    if high is None:
        return run.new(sliced(run, table, Stretch(low=low), node))
    return run.new(sliced(run, table, Stretch(low=low, high=high if low is None else Opaque()), node))


def _reverse(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    return run.new(replace(table, order=table.order.flipped))


def sampled(run: Run, value: Table | Cells, args: Args, node: ast.AST) -> Value:
    """`sample`: a random part of the rows, or all of them in random order."""
    whole = args.constant(None, "frac", args.constant(None, "fraction")) == 1
    span = run.span(node)
    if whole:
        shuffled = replace(value, order=replace(value.order, shuffled=span))
        return run.new(shuffled) if isinstance(shuffled, Table) else shuffled
    id_ = f"sample@{span.cell}:{span.line}:{span.column}"
    bound = Bound(kind="sample", subject=id_, low=id_, span=span)
    part = args.get(None, "frac") is not None or args.get(None, "fraction") is not None
    if part and id_ not in run.record.splits:
        run.record.splits[id_] = Split(
            id=id_, how="sample", span=span, facts=run.facts(value), rows=value.rows, what="sample"
        )
    made = replace(value, rows=value.rows.narrowed(bound))
    return run.new(made) if isinstance(made, Table) else made


def _sample(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    return sampled(run, table, args, node)


def _unique(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """De-duplication keeps the first row of each key, or the last: which one that is the future decides."""
    keep = args.constant(None, "keep", "first" if table.library in ("", "pandas", "ibis") else "any")
    subset = args.get(0, "subset") or args.get(None, "on")
    later = keep == "last"
    if table.order.newest_first:
        later = not later if keep in ("first", "last") else later
    kept = _keyed_by(run, table, subset)
    if not later or subset is None:
        return run.new(kept)
    span = run.span(node)
    says = "the last row of each key is kept: which one it is depends on what follows"
    names = set(frames.columns_named(run, table, subset) or ())
    if any(run.is_time(name) for name in names):
        return run.new(kept)
    ahead = Ahead(
        rule="whole-sample-statistic",
        reach=WHOLE_REACH,
        span=span,
        says=says,
        steps=(Step(span=span, says=says),),
        over=table.rows,
        sources=frames.known_facts(run, table).sources,
        edits=edits.keyword_value(run, node, "keep", "'first'"),
        detail="last",
    )
    columns = {n: f if n in names else f.with_ahead(ahead) for n, f in kept.columns.items()}
    rest = kept.rest.with_ahead(ahead) if kept.rest is not None else None
    return run.new(replace(kept, columns=columns, rest=rest))


def _keyed_by(run: Run, table: Table, subset: Value | None) -> Table:
    names = frames.columns_named(run, table, subset) if subset is not None else None
    if not names:
        return table
    keys = {name: frames.column(run, table, name).facts for name in names}
    return replace(table, columns={**table.columns, **keys}, keyed=tuple(Key(name=name) for name in names))


def _dropna(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = args, node
    return run.new(table)


def _reset_index(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    if args.constant(None, "drop") is True:
        return run.new(replace(table, index=()))
    names = table.index
    columns = dict(table.columns)
    for name in names:
        if name not in columns:
            clock = Clock() if run.is_time(name) or table.keyed else None
            facts = next(
                (replace(k.facts, derived=True) for k in table.keyed if k.name == name), Facts(clock=clock)
            )
            columns = {name: facts, **columns}
    return run.new(replace(table, index=(), columns=columns))


def _set_index(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    given = args.get(0, "keys")
    held = run.at(given)
    if isinstance(held, Cells):
        name = held.name or "index"
        if run.is_time(held.name, held.facts) and table.root:
            run.record.times.setdefault(table.root, set()).add(name)
        return run.new(replace(table, index=(name,)))
    names = frames.columns_named(run, table, given or Opaque()) or ()
    for name in names:
        frames.column(run, table, name)
    changed = table if args.constant(None, "drop") is False else frames.dropped(table, names)
    return run.new(replace(changed, index=names))


def _reindex(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    key = run.at(args.get(0, "index"))
    if isinstance(key, Cells) and key.facts.clock is not None:
        return run.new(table.mapped(lambda facts: joining.looked_up_at(run, key.facts, facts, node)))
    if args.constant(None, "method") in ("bfill", "backfill", "nearest"):
        cells = Cells(rows=table.rows, order=table.order)
        return run.new(table.mapped(lambda facts: filled_from_later(run, cells, node, facts)))
    return run.new(table)


def filled_from_later(run: Run, cells: Cells, node: ast.AST, facts: Facts) -> Facts:
    """Gaps that a reindexing makes, filled from the rows after."""
    if cells.rows.side == "train":
        return facts
    says = f"`{run.text(node)}` fills gaps from later rows"
    ahead = Ahead(
        rule="backward-fill",
        reach=Reach(rows=1),
        span=run.span(node),
        says=says,
        steps=(Step(span=run.span(node), says=says),),
        sources=facts.sources,
        edits=edits.forward_fill(run, node, how="given"),
    )
    return facts.with_ahead(ahead)


# Groups and windows


def _groupby(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node
    given = [value for name, value in args.names.items() if name in ("by", "level", "key")]
    keys = _group_keys(run, table, [*args.places, *given])
    named = {n: v for n, v in args.names.items() if n not in ("by", "level", "as_index", "sort", "dropna", "observed",
             "group_keys", "axis", "maintain_order", "key", "squeeze")}  # fmt: skip
    for name, value in named.items():
        found = deferred.keys_of(run, table, [value])
        keys = (*keys, *(replace(key, name=name) for key in found))
    for key in keys:
        if key.is_time and table.root:
            run.saw_time(key.facts)
    as_index = args.constant(None, "as_index", default=True) is not False and table.library in ("", "pandas")
    return Grouped(base=table, keys=keys, as_index=as_index)


def _group_keys(run: Run, table: Table, values: list[Value]) -> tuple[Key, ...]:
    keys: list[Key] = []
    for value in values:
        held = run.at(value)
        if isinstance(held, Seq) and held.items is not None:
            keys.extend(_group_keys(run, table, list(held.items)))
        elif isinstance(held, Const) and isinstance(held.value, int) and table.index:
            keys.append(_index_key(run, table))
        elif isinstance(held, Opaque) and held.hint.startswith("grouper:"):
            keys.append(_grouper(run, table, held))
        elif isinstance(held, Const) and held.value in table.index:
            keys.append(replace(_index_key(run, table), name=str(held.value)))
        else:
            keys.extend(deferred.keys_of(run, table, [value]))
    return tuple(keys)


def _index_key(run: Run, table: Table) -> Key:
    name = table.index[0]
    return Key(
        name=name, facts=Facts(clock=Clock()) if run.is_time(name) else NOTHING, is_time=run.is_time(name)
    )


def _grouper(run: Run, table: Table, held: Opaque) -> Key:
    _, key, frequency = held.hint.split(":", 2)
    name = key or (table.index[0] if table.index else "time")
    if table.root:
        run.record.times.setdefault(table.root, set()).add(name)
    period = length(frequency)
    clock = Clock(period=period)
    if labels_end(frequency):
        clock = replace(clock, offset=period) if period is not None else clock
    return Key(name=name, facts=Facts(clock=clock), is_time=True)


def _dynamic(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """Polars' `group_by_dynamic`, and its `rolling` over time."""
    _ = node
    every = args.constant(None, "every", args.constant(1, "every"))
    period = length(args.constant(None, "period", every)) or length(every)
    label = args.constant(None, "label", "left")
    index = frames.columns_named(run, table, args.get(0, "index_column") or Opaque()) or ("time",)
    facts = frames.column(run, table, index[0]).facts
    run.saw_time(facts, exact=True)
    clock = Clock(period=period)
    if label == "right" and period is not None:
        clock = replace(clock, offset=period)
    key = Key(name=index[0], facts=replace(facts, clock=clock), is_time=True)
    by = args.get(None, "group_by") or args.get(None, "by")
    more = deferred.keys_of(run, table, [by]) if by is not None else ()
    return Grouped(base=table, keys=(key, *more), as_index=False)


def _rolling_by_time(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    if table.library == "polars" or "index_column" in args.names:
        index = frames.columns_named(run, table, args.get(0, "index_column") or Opaque()) or ("time",)
        if table.root:
            run.record.times.setdefault(table.root, set()).add(index[0])
        offset = length(args.constant(None, "offset"))
        period = length(args.constant(None, "period"))
        ahead = None
        if offset is not None and period is not None and (offset + period).total_seconds() > 0:
            span = run.span(node)
            reach = Reach(time=offset + period)
            says = f"the window ends {reach}"
            ahead = Ahead(
                rule="forward-window", reach=reach, span=span, says=says, steps=(Step(span=span, says=says),)
            )
        base = table.mapped(lambda f: f.with_ahead(ahead)) if ahead is not None else table
        return Grouped(
            base=base, keys=(Key(name=index[0], facts=Facts(clock=Clock()), is_time=True),), as_index=False
        )
    move = knowledge.method("pandas", "rolling")
    assert isinstance(move, Rolls)  # noqa: S101 - asked just before
    return _rolling(run, table, move, args, node)


def _rolling(run: Run, table: Table, move: Rolls, args: Args, node: ast.AST) -> Value:
    cells = Cells(
        facts=frames.known_facts(run, table), rows=table.rows, order=table.order, within=table.within
    )
    made = moving.windowed(run, move, cells, args, node)
    if isinstance(args.constant(None, "on"), str):
        run.saw_column(table.root, str(args.constant(None, "on")))
    return replace(made, base=table)


def _expanding(run: Run, table: Table, _args: Args, node: ast.AST) -> Value:
    cells = Cells(
        facts=frames.known_facts(run, table), rows=table.rows, order=table.order, within=table.within
    )
    facts = moving.running(run, cells, node, reverse=False, whole=True)
    return Windowed(
        base=table, kind="expanding", aheads=tuple(a for a in facts.aheads if a not in cells.facts.aheads)
    )


def _resample(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    return groups.resampled(run, table, args, node)


def _agg(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """An aggregate of all rows."""
    if table.library in ("ibis", "polars"):
        by = args.get(None, "by")
        keys = deferred.keys_of(run, table, [by]) if by is not None else ()
        rest = replace(args, names={n: v for n, v in args.names.items() if n != "by"})
        return groups.on_grouped(run, Grouped(base=table, keys=keys, as_index=False), "agg", rest, node)
    return _every_column(run, table, "sum", Args(node=node), node)


def _count(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    if table.library == "ibis":
        made = deferred.counted(run, node, "ibis")
        return replace(made, table=table)
    return _every_column(run, table, "count", args, node)


# Functions over frames


def _apply(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    function = run.at(args.get(0, "func"))
    axis = args.constant(None, "axis", args.constant(1, "axis", 0))
    if not isinstance(function, Function | Symbol | Class):
        return run.new(table)
    extra = run.at(args.get(None, "args"))
    more = extra.items if isinstance(extra, Seq) and extra.items is not None else ()
    names = {
        k: v
        for k, v in args.names.items()
        if k not in ("func", "axis", "args", "raw", "result_type", "by_row")
    }
    if axis in (1, "columns"):
        row = run.new(table.mapped(lambda f: f))
        held = run.at(row)
        assert isinstance(held, Table)  # noqa: S101 - asked just before
        run.heap[row.place] = replace(held, guessed=False)
        element = _RowView.of(run, table)
        result = run.call(run, function, Args(places=(element, *more), names=names, node=node), node)
        return Cells(
            facts=replace(run.facts(result), derived=True), rows=table.rows, order=table.order, shape="column"
        )

    def change(name: str, facts: Facts) -> Facts:
        cells = Cells(facts=facts, rows=table.rows, order=table.order, name=name, width=1)
        return run.facts(run.call(run, function, Args(places=(cells, *more), names=names, node=node), node))

    columns = {name: change(name, facts) for name, facts in table.columns.items()}
    rest = change("*", frames.known_facts(run, table)) if table.rest is not None else None
    if rest is not None and table.rest is not None:
        rest = replace(rest, reads=table.rest.reads)
    return run.new(replace(table, columns=columns, rest=rest))


class _RowView:
    """A frame's row in `apply(axis=1)`: columns by name, each an element."""

    @staticmethod
    def of(run: Run, table: Table) -> Value:
        items = {
            name: Cells(facts=facts, shape="element", rows=table.rows)
            for name, facts in table.columns.items()
        }
        anything = Cells(facts=frames.known_facts(run, table), shape="element", rows=table.rows)
        return Mapped(dict(items), anything) if table.rest is None else anything


def _pipe(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    function = args.places[0] if args.places else Opaque()
    held = run.at(function)
    me = run.new(table)
    if isinstance(held, Seq) and held.items:
        function = held.items[0]
    return run.call(run, function, Args(places=(me, *args.places[1:]), names=args.names, node=node), node)


def _rows_iterated(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    from nbprod.leakage.interpret.values import Position

    return Seq(None, any_item=Seq((Position(), _RowView.of(run, table))))


def _tuples_iterated(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    return Seq(None, any_item=Cells(facts=frames.known_facts(run, table), shape="element", rows=table.rows))


def _columns_iterated(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    if table.rest is None:
        return Seq(tuple(Seq((Const(name), frames.column(run, table, name))) for name in table.columns))
    cells = Cells(facts=frames.known_facts(run, table), rows=table.rows, order=table.order)
    return Seq(None, any_item=Seq((Opaque(hint="any column"), cells)))


# Joins


def _merge(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    right = run.at(args.get(0, "right"))
    if isinstance(right, Cells):
        right = run.at(run.call(run, Method(right, "to_frame"), Args(node=node), node))
    if not isinstance(right, Table):
        facts = run.facts(right)
        return (
            run.new(table.mapped(lambda f: f.with_ahead(*facts.aheads))) if facts.aheads else run.new(table)
        )
    on = args.get(None, "on") or (
        args.get(1, "on") if table.library in ("polars", "ibis") else args.get(2, "on")
    )
    if table.library == "ibis":
        return run.new(ibis_join(run, table, right, args, node))
    left_on, right_on = args.get(None, "left_on") or on, args.get(None, "right_on") or on
    left_keys = _key_names(run, table, left_on, use_index=args.constant(None, "left_index") is True)
    right_keys = _key_names(run, right, right_on, use_index=args.constant(None, "right_index") is True)
    if not left_keys and not right_keys:
        keyed = tuple(key.name for key in right.keyed)
        shared = keyed or tuple(n for n in right.columns if n in table.columns)
        left_keys = right_keys = shared
        if not shared and table.index and table.index == right.index:
            left_keys = right_keys = table.index
    return run.new(joining.merged(run, table, right, left_keys=left_keys, right_keys=right_keys, node=node,
                                  suffixes=_suffixes(run, args)))  # fmt: skip


def _suffixes(run: Run, args: Args) -> tuple[str, str]:
    given = run.at(args.get(None, "suffixes"))
    if isinstance(given, Seq) and given.items is not None and len(given.items) == 2:
        pair = [run.at(item) for item in given.items]
        if all(isinstance(item, Const) for item in pair):
            return str(pair[0].value or ""), str(pair[1].value or "")  # type: ignore[union-attr]
    suffix = args.constant(None, "suffix", args.constant(None, "rsuffix"))
    return ("", suffix) if isinstance(suffix, str) else ("_x", "_y")


def _key_names(run: Run, table: Table, value: Value | None, *, use_index: bool) -> tuple[str, ...]:
    if use_index:
        return table.index or tuple(key.name for key in table.keyed) or ("index",)
    held = run.at(value) if value is not None else None
    if isinstance(held, Deferred) and held.name:
        return (held.name,)
    if isinstance(held, Seq) and held.items and all(isinstance(run.at(i), Deferred) for i in held.items):
        return tuple(run.at(item).name or "?" for item in held.items)  # type: ignore[union-attr]
    return frames.columns_named(run, table, value) or () if value is not None else ()


def _join(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    if table.library in ("polars", "ibis"):
        return _merge(run, table, args, node)
    right = run.at(args.get(0, "other"))
    on = args.get(1, "on")
    if isinstance(right, Cells):
        right = run.at(run.call(run, Method(right, "to_frame"), Args(node=node), node))
    if not isinstance(right, Table):
        return run.new(table)
    left_keys = frames.columns_named(run, table, on) if on is not None else table.index
    right_keys = right.index or tuple(key.name for key in right.keyed)
    suffixes = _suffixes(run, args)
    return run.new(joining.merged(run, table, right, left_keys=left_keys or right_keys, right_keys=right_keys or left_keys or (),
                                  node=node, suffixes=suffixes))  # fmt: skip


def _join_asof(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    right = run.at(args.get(0, "other"))
    if not isinstance(right, Table):
        return run.new(table)
    return run.new(as_of_call(run, table, right, args, node))


def as_of_call(run: Run, left: Table, right: Table, args: Args, node: ast.AST) -> Table:
    """An as-of join's arguments, as pandas and polars name them."""
    on = args.get(None, "on")
    left_on = _first_name(run, left, args.get(None, "left_on") or on) or (
        left.index[0] if left.index else "time"
    )
    right_on = _first_name(run, right, args.get(None, "right_on") or on) or (
        right.index[0] if right.index else "time"
    )
    direction = args.constant(None, "direction", args.constant(None, "strategy", "backward"))
    return joining.as_of(
        run, left, right, left_on=left_on, right_on=right_on, direction=str(direction), node=node,
        suffixes=_suffixes(run, args),
    )  # fmt: skip


def _first_name(run: Run, table: Table, value: Value | None) -> str | None:
    if value is None:
        return None
    held = run.at(value)
    if isinstance(held, Deferred):
        return held.name
    names = frames.columns_named(run, table, value)
    return names[0] if names else None


# Ibis joins: predicates over both tables


def ibis_join(run: Run, left: Table, right: Table, args: Args, node: ast.AST) -> Table:  # noqa: C901
    """A join of Ibis: on names, or on predicates, of which those on times bound what a row may meet."""
    predicates = args.node_of(1, "predicates") or args.node_of(None, "on")
    nodes = (
        predicates.elts
        if isinstance(predicates, ast.List | ast.Tuple)
        else [predicates]
        if predicates
        else []
    )
    pairs: list[tuple[str, str]] = []
    upper: list[float] = []
    bounded = False
    for each in nodes:
        if isinstance(each, ast.Compare) and len(each.ops) == 1:
            found = _predicate(run, left, right, each)
            if found is None:
                continue
            kind, names, seconds = found
            if kind == "equal":
                pairs.append(names)
            elif kind == "upper":
                upper.append(seconds)
                bounded = True
            else:
                bounded = True
            continue
        held = run.at(run.evaluate(run, each))
        if isinstance(held, Const) and isinstance(held.value, str):
            pairs.append((held.value, held.value))
        elif isinstance(held, Deferred) and held.name:
            pairs.append((held.name, held.name))
        elif isinstance(held, Seq) and held.items is not None and len(held.items) == 2:
            both = [run.at(item) for item in held.items]
            labels = [getattr(n, "value", None) or getattr(n, "name", None) for n in both]
            pairs.append((str(labels[0]), str(labels[1])))
    made = joining.merged(
        run, left, right if not bounded else replace(right, root=""), left_keys=tuple(a for a, _ in pairs),
        right_keys=tuple(b for _, b in pairs), node=node, suffixes=("", "_right"),
    )  # fmt: skip
    if not bounded:
        return made
    latest = min(upper) if upper else None
    if latest is not None and latest <= 0:
        return made
    span = run.span(node)
    from datetime import timedelta

    reach = Reach(time=timedelta(seconds=latest)) if latest is not None else WHOLE_REACH
    says = f"the join admits rows {reach}" if latest is not None else "the join admits every later row"
    ahead = Ahead(rule="unbounded-join", reach=reach, span=span, says=says, steps=(Step(span=span, says=says),),
                  sources=right.all_facts.sources)  # fmt: skip
    names_ = set(right.columns)
    columns = {
        n: f.with_ahead(ahead) if n in names_ or n.endswith("_right") else f for n, f in made.columns.items()
    }
    return replace(made, columns=columns)


def _predicate(
    run: Run, left: Table, right: Table, node: ast.Compare
) -> tuple[str, tuple[str, str], float] | None:
    """What a comparison of two tables' columns says: equal keys, or a bound in seconds on the right one's time."""
    a, b = run.at(run.evaluate(run, node.left)), run.at(run.evaluate(run, node.comparators[0]))
    op = node.ops[0]
    if not isinstance(a, Deferred) or not isinstance(b, Deferred):
        return None
    a_right = _belongs(a, right, left)
    mine, theirs = (b, a) if a_right else (a, b)
    if isinstance(op, ast.Eq):
        return "equal", (mine.name or "?", theirs.name or "?"), 0.0
    facts_left = run.facts(deferred.built(run, mine, left))
    facts_right = run.facts(deferred.built(run, theirs, right))
    offset = (facts_left.clock or Clock()).offset - (facts_right.clock or Clock()).offset
    right_is_later = isinstance(op, ast.Gt | ast.GtE) == a_right
    if right_is_later:
        return "lower", ("", ""), offset.total_seconds()
    return "upper", ("", ""), offset.total_seconds()


def _belongs(value: Deferred, right: Table, left: Table) -> bool:
    if value.table is None:
        return False
    if value.table in (right, left):
        return value.table == right and value.table != left
    if value.name in right.columns and value.name not in left.columns:
        return True
    return (value.table.columns == right.columns and value.table.columns != left.columns) or (
        value.table.root == right.root != left.root
    )


def _asof_ibis(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    right = run.at(args.get(0, "right"))
    if not isinstance(right, Table):
        return run.new(table)
    on = args.node_of(1, "on")
    direction, left_on, right_on = "backward", "time", "time"
    if isinstance(on, ast.Compare):
        a, b = run.at(run.evaluate(run, on.left)), run.at(run.evaluate(run, on.comparators[0]))
        if isinstance(a, Deferred) and isinstance(b, Deferred):
            a_right = _belongs(a, right, table)
            mine, theirs = (b, a) if a_right else (a, b)
            left_on, right_on = mine.name or left_on, theirs.name or right_on
            later = isinstance(on.ops[0], ast.Gt | ast.GtE) == a_right
            direction = "forward" if later else "backward"
    else:
        name = _first_name(run, table, args.get(1, "on"))
        left_on = right_on = name or "time"
    return run.new(
        joining.as_of(run, table, right, left_on=left_on, right_on=right_on, direction=direction, node=node)
    )


def _any_join(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    right = run.at(args.get(0, "right"))
    if not isinstance(right, Table):
        return run.new(table)
    return run.new(ibis_join(run, table, right, args, node))


def _view(run: Run, table: Table, _args: Args, _node: ast.AST) -> Value:
    return run.new(replace(table, order=table.order))


def _generic(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = args, node
    return run.new(table)


def _pivoted(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    _ = node, args
    rest = replace(frames.known_facts(run, table), derived=True)
    return run.new(replace(table, columns={}, rest=rest, root=""))


def _sql(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.queries import queried

    return queried(run, args.get(0, "query"), args, node, own=table)


def _shown(_run: Run, _table: Table, _args: Args, _node: ast.AST) -> Value:
    return Opaque()


def _concat_rows(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    return learning.concatenated(run, (table, *(run.at(v) for v in args.places)), node)


def _transform(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    return _apply(run, table, args, node)


_TABLES: dict[str, Callable[[Run, Table, Args, ast.AST], Value]] = {
    "assign": _assign, "with_columns": _assign, "with_column": _assign, "mutate": _assign, "select": _select,
    "drop": _drop, "rename": _rename, "copy": _same, "clone": _same, "lazy": _same, "collect": _same, "cache": _same,
    "persist": _same, "compute": _to_pandas, "execute": _to_pandas, "to_pandas": _to_pandas, "to_polars": _same,
    "to_numpy": _matrix, "as_matrix": _matrix, "to_pyarrow": _same, "fetch": _same, "rechunk": _same,
    "filter": _filter, "query": _query, "eval": _eval, "duplicated": _duplicated, "sort_values": _sort, "sort": _sort, "order_by": _sort,
    "sort_index": _sort_index, "head": _head, "limit": _head, "tail": _tail, "slice": _slice, "reverse": _reverse,
    "sample": _sample, "drop_duplicates": _unique, "unique": _unique, "distinct": _unique, "dropna": _dropna,
    "drop_nulls": _dropna, "drop_null": _dropna, "drop_nans": _dropna, "reset_index": _reset_index,
    "set_index": _set_index, "reindex": _reindex, "asfreq": _generic, "groupby": _groupby, "group_by": _groupby,
    "group_by_dynamic": _dynamic, "groupby_dynamic": _dynamic, "rolling": _rolling_by_time, "expanding": _expanding,
    "ewm": _expanding, "resample": _resample, "agg": _agg, "aggregate": _agg, "count": _count, "apply": _apply,
    "transform": _transform, "pipe": _pipe, "iterrows": _rows_iterated, "itertuples": _tuples_iterated,
    "iter_rows": _tuples_iterated, "items": _columns_iterated, "merge": _merge, "join": _join, "join_asof": _join_asof,
    "asof_join": _asof_ibis, "left_join": _any_join, "inner_join": _any_join, "right_join": _any_join,
    "outer_join": _any_join, "semi_join": _any_join, "anti_join": _any_join, "any_inner_join": _any_join,
    "view": _view, "select_dtypes": _generic, "melt": _generic, "unpivot": _generic, "stack": _generic,
    "unstack": _pivoted, "pivot": _pivoted, "pivot_table": _pivoted, "explode": _generic, "to_frame": _same,
    "sql": _sql, "plot": _shown, "hist": _shown, "info": _shown, "append": _concat_rows, "union": _concat_rows,
    "vstack": _concat_rows, "tz_localize": _generic, "tz_convert": _generic, "to_period": _generic,
    "truncate": _generic, "astype": _generic, "cast": _generic, "applymap": _generic, "set_axis": _generic,
    "add_prefix": _generic, "add_suffix": _generic, "to_csv": _shown, "to_parquet": _shown, "isnull": _generic,
    "isna": _generic, "with_row_index": _generic, "with_row_count": _generic, "rename_axis": _generic,
    "replace": _generic, "to_timestamp": _generic, "df": _to_pandas, "fetchdf": _to_pandas, "fetch_df": _to_pandas,
    "toPandas": _to_pandas, "to_df": _to_pandas, "pl": _same, "arrow": _same, "describe": _shown, "value_counts": _shown,
}  # fmt: skip
__all__ = ["call", "combine", "sampled", "with_expressions"]
