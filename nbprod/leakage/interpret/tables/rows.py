"""Rows kept by a condition, by their place or at random; knows how a condition on columns is evaluated."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import edits, frames, moving
from nbprod.leakage.interpret.context import Args, Run, Split
from nbprod.leakage.interpret.facts import WHOLE_REACH, Ahead, Bound
from nbprod.leakage.interpret.tables.columns import evaluated
from nbprod.leakage.interpret.values import Cells, Const, Key, Opaque, Seq, Stretch, Table, Value
from nbprod.trees import module_tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.model import Span


def _duplicated(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """Whether a row repeats an earlier one; with `keep="last"`, or none kept, whether a later one repeats it."""
    names = frames.columns_named(run, table, args.get(0, "subset") or Opaque())
    facts = frames.projected(run, table, names).all_facts if names else frames.known_facts(run, table)
    cells = Cells(facts=facts, rows=table.rows, order=table.order, within=table.within)
    if args.constant(1, "keep", "first") == "first":
        return replace(cells, facts=replace(facts, derived=True))
    says = f"`{run.text(node)}` looks for later rows that are alike"
    return replace(cells, facts=moving.statistic(run, cells, node, says=says))


def _filter(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    result: Value = table
    if "items" in args.names or "like" in args.names or "regex" in args.names:
        names = frames.columns_named(run, table, args.get(None, "items") or Opaque())
        return run.new(frames.projected(run, table, names)) if names else run.new(table)
    conditions = [item for value in args.places for item in _each(run, value)]
    for value in conditions:
        mask = run.at(evaluated(run, table, value, node))
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
        return run.stored(kept)
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
        body = (
            module_tree(text.replace("@", "").replace("`", "").strip()).body if isinstance(text, str) else []
        )
    except (SyntaxError, ValueError):
        return None
    return body[0] if len(body) == 1 else None


def _over_columns(run: Run, table: Table, tree: ast.expr) -> Value:
    """The value of an expression whose names are the frame's columns first."""
    outer = run.env
    names = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    for name in names:
        run.watch.name(name, outer.get(name))
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


def _head(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.subscripts import sliced

    number = run.at(args.get(0, "n") or Const(5))
    made = sliced(run, table, Stretch(high=number), _as_slice(node, upper=args.node_of(0, "n")))
    return run.stored(made)


def _as_slice(node: ast.AST, *, upper: ast.expr | None) -> ast.AST:
    """`frame.head(n)` as `frame[:n]`, so that the end is known by the same text."""
    if upper is None or not isinstance(node, ast.expr):
        return node
    ends = ast.Slice(lower=None, upper=upper, step=None)
    return ast.copy_location(ast.Subscript(value=node, slice=ends, ctx=ast.Load()), node)


def _tail(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.subscripts import sliced

    number = args.constant(0, "n", default=5)
    after = _after(args.node_of(0, "n"))
    if after is not None and isinstance(node, ast.expr):
        slicing = ast.copy_location(
            ast.Subscript(value=node, slice=ast.Slice(lower=after, upper=None, step=None), ctx=ast.Load()),
            node,
        )
        return run.stored(sliced(run, table, Stretch(low=run.evaluate(run, after)), slicing))
    made = sliced(run, table, Stretch(low=Const(-number) if isinstance(number, int) else Opaque()), node)
    return run.stored(made)


def _after(number: ast.expr | None) -> ast.expr | None:
    """The `k` of `frame.tail(len(frame) - k)`: all rows but the first k."""
    match number:
        case ast.BinOp(left=ast.Call(func=ast.Name(id="len")), op=ast.Sub(), right=right):
            return right
        case _:
            return None


def _slice(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    from nbprod.leakage.interpret.subscripts import sliced

    start = args.constant(0, "offset")
    high = run.at(args.get(1, "length")) if args.get(1, "length") is not None else None
    low = None if start == 0 else run.at(args.get(0, "offset"))
    if high is None:
        return run.new(sliced(run, table, Stretch(low=low), node))
    return run.new(sliced(run, table, Stretch(low=low, high=high if low is None else Opaque()), node))


def sampled(run: Run, value: Table | Cells, args: Args, node: ast.AST) -> Value:
    """`sample`: a random part of the rows, or all of them in random order."""
    whole = args.constant(None, "frac", args.constant(None, "fraction")) == 1
    span = run.span(node)
    if whole:
        shuffled = replace(value, order=replace(value.order, shuffled=span))
        return run.stored(shuffled)
    id_ = f"sample@{span.cell}:{span.line}:{span.column}"
    bound = Bound(kind="sample", subject=id_, low=id_, span=span)
    part = args.get(None, "frac") is not None or args.get(None, "fraction") is not None
    if part and id_ not in run.record.splits:
        run.record.splits[id_] = Split(
            id=id_, how="sample", span=span, facts=run.facts(value), rows=value.rows, what="sample"
        )
    made = replace(value, rows=value.rows.narrowed(bound))
    if args.constant(None, "replace", args.constant(None, "with_replacement", default=False)) is True:
        made = _drawn_again(run, value, span)
    return run.stored(made)


def _drawn_again(run: Run, value: Table | Cells, span: Span) -> Table | Cells:
    """Rows of which some are there more than once, so that copies may stand on both sides of a later split."""
    ahead = Ahead(
        rule="resample-before-split",
        reach=WHOLE_REACH,
        span=span,
        says="rows are drawn with replacement",
        over=value.rows,
        sources=run.facts(value).sources,
        detail="sample",
    )
    if isinstance(value, Table):
        return value.mapped(lambda facts: facts.with_ahead(ahead))
    return replace(value, facts=value.facts.with_ahead(ahead))


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


METHODS: dict[str, Callable[[Run, Table, Args, ast.AST], Value]] = {
    "filter": _filter, "query": _query, "eval": _eval, "duplicated": _duplicated, "head": _head,
    "limit": _head, "tail": _tail, "slice": _slice, "sample": sampled, "drop_duplicates": _unique,
    "unique": _unique, "distinct": _unique,
}  # fmt: skip
