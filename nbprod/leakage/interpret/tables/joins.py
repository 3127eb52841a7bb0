"""Joins of two frames, by equal keys, as of a time or by Ibis' predicates, down to what `joining` is told."""

from __future__ import annotations

import ast
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret import deferred, frames, joining
from nbprod.leakage.interpret.context import Args, Run
from nbprod.leakage.interpret.facts import NOTHING, WHOLE_REACH, Ahead, Bound, Clock
from nbprod.leakage.interpret.values import Cells, Const, Deferred, Method, Seq, Table, Value

if TYPE_CHECKING:
    from collections.abc import Callable


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
        args.get(1, "on") if table.library in ("polars", "ibis", "pyspark") else args.get(2, "on")
    )
    by_names = on is None or bool(frames.columns_named(run, table, on))
    if table.library == "ibis" or (table.library == "pyspark" and not by_names):
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
    if table.library in ("polars", "ibis", "pyspark"):
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


def ibis_join(run: Run, left: Table, right: Table, args: Args, node: ast.AST) -> Table:  # noqa: C901
    """A join of Ibis: on names, or on predicates, of which those on times bound what a row may meet."""
    predicates = args.node_of(1, "predicates") or args.node_of(None, "on")
    nodes = _conjuncts(predicates)
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
        # what is taken over the rows met is taken over rows of the past
        past = Bound(kind="where", subject="time", high="the row's own time", in_time=True)
        return replace(made, rows=made.rows.narrowed(past))
    span = run.span(node)
    reach = Reach(time=timedelta(seconds=latest)) if latest is not None else WHOLE_REACH
    says = f"the join admits rows {reach}" if latest is not None else "the join admits every later row"
    ahead = Ahead(rule="unbounded-join", reach=reach, span=span, says=says,
                  sources=right.all_facts.sources)  # fmt: skip
    names_ = set(right.columns)
    columns = {
        n: f.with_ahead(ahead) if n in names_ or n.endswith("_right") else f for n, f in made.columns.items()
    }
    rest = (made.rest or NOTHING).with_ahead(ahead) if right.rest is not None else made.rest
    return replace(made, columns=columns, rest=rest)


def _conjuncts(node: ast.expr | None) -> list[ast.expr]:
    """Predicates that all hold: a list of them, or `a & b`; `x.between(low, high)` is two."""
    match node:
        case None:
            return []
        case ast.List(elts=each) | ast.Tuple(elts=each):
            return [one for part in each for one in _conjuncts(part)]
        case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
            return [*_conjuncts(left), *_conjuncts(right)]
        case ast.Call(func=ast.Attribute(value=subject, attr="between"), args=[low, high]):
            ends = ((ast.GtE(), low), (ast.LtE(), high))
            return [
                ast.copy_location(ast.Compare(left=subject, ops=[op], comparators=[end]), node)
                for op, end in ends
            ]
        case _:
            return [node]


def _predicate(
    run: Run, left: Table, right: Table, node: ast.Compare
) -> tuple[str, tuple[str, str], float] | None:
    """What a comparison of two tables' columns says: equal keys, or a bound in seconds on the right one's time."""
    a, b = run.at(run.evaluate(run, node.left)), run.at(run.evaluate(run, node.comparators[0]))
    op = node.ops[0]
    if not isinstance(a, Deferred) or not isinstance(b, Deferred):
        return None
    a_right = _belongs(run, a, right, left)
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


def _belongs(run: Run, value: Deferred, right: Table, left: Table) -> bool:
    if value.table is None:
        return _is_named_in(run, value.name, right, left) or _is_stranger(run, value.name, left)
    if value.table in (right, left):
        return value.table == right and value.table != left
    if value.name in right.columns and value.name not in left.columns:
        return True
    return (value.table.columns == right.columns and value.table.columns != left.columns) or (
        value.table.root == right.root != left.root
    )


def _is_named_in(run: Run, name: str | None, right: Table, left: Table) -> bool:
    """Whether a name is that of a column of the right table, and not of the left one."""
    mine = {*right.columns, *run.record.times.get(right.root, ())}
    return name in mine and name not in {*left.columns, *run.record.times.get(left.root, ())}


def _is_stranger(run: Run, name: str | None, left: Table) -> bool:
    """Whether a name is that of no column that the left table is known to have, by which its rows are dated or not."""
    known = {*left.columns, *run.record.times.get(left.root, ()), *left.index, left.order.by}
    return name not in known


def _asof_ibis(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    right = run.at(args.get(0, "right"))
    if not isinstance(right, Table):
        return run.new(table)
    on = args.node_of(1, "on")
    direction, left_on, right_on = "backward", "time", "time"
    if isinstance(on, ast.Compare):
        a, b = run.at(run.evaluate(run, on.left)), run.at(run.evaluate(run, on.comparators[0]))
        if isinstance(a, Deferred) and isinstance(b, Deferred):
            a_right = _belongs(run, a, right, table)
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


def _join_where(run: Run, table: Table, args: Args, node: ast.AST) -> Value:
    """Polars' join on predicates over both tables' columns."""
    right = run.at(args.get(0, "other"))
    if not isinstance(right, Table):
        return run.new(table)
    predicates = [one for place, one in args.nodes.items() if isinstance(place, int) and place > 0]
    both = ast.Tuple(elts=predicates, ctx=ast.Load())
    return run.new(ibis_join(run, table, right, replace(args, nodes={1: both}), node))


METHODS: dict[str, Callable[[Run, Table, Args, ast.AST], Value]] = {
    "merge": _merge, "join": _join, "join_asof": _join_asof, "asof_join": _asof_ibis,
    "left_join": _any_join, "inner_join": _any_join, "right_join": _any_join, "outer_join": _any_join,
    "semi_join": _any_join, "anti_join": _any_join, "any_inner_join": _any_join,
    "join_where": _join_where,
}  # fmt: skip
