"""What the cells of a feature stage ask of Ibis, seen whole: the expression that they end in, before it is executed."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nbprod.errors import NbprodError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nbprod.tracking.serving.served import Loaded

# Ibis' own class is changed while the cells are watched.
_watching = threading.Lock()


class NotCompiled(NbprodError):  # noqa: N818 - no fault: the cells are run instead
    """A feature stage, or a model, that has no quick way; the sentence says why."""


class Trace(Struct, frozen=True, kw_only=True):
    """The expression that gives the features, and the node in it that stands for the rows."""

    expression: Any
    rows: Any


def traced(held: Loaded) -> Trace:
    """The expression of a feature stage; raises NotCompiled where it isn't one, or isn't the same for other rows."""
    history = held.context[held.rows_as]
    if not hasattr(history, "iloc"):
        raise NotCompiled(f"'{held.rows_as}' is no pandas frame.")
    trace = _trace(held, history)
    for others in (history.iloc[::2], history.iloc[len(history) // 2 :]):
        _demand_same(trace, _trace(held, others))
    return trace


def _trace(held: Loaded, rows: Any) -> Trace:
    """Run the cells with nothing executed; where they need what an execution gives, once more with all executed."""
    own: dict[str, Any] = {}

    def learn(inputs: Mapping[str, Any]) -> None:
        own.update(inputs)

    for is_empty in (True, False):
        with _watched(is_empty=is_empty) as ended:
            result = held.made({**held.context, held.rows_as: rows}, before=learn)
        if len(ended) <= 1:
            break
    expression = _ending_in(result, ended)
    found = [node for node in _tables(expression) if node.data.to_frame() is own[held.rows_as]]
    if len(found) != 1:
        raise NotCompiled(f"'{held.rows_as}' doesn't go into the expression as it is.")
    return Trace(expression=expression, rows=found[0])


def _ending_in(result: Any, ended: list[tuple[Any, Any]]) -> Any:
    import ibis

    if isinstance(result, ibis.expr.types.Table):
        return result
    for value, expression in reversed(ended):
        if value is result:
            return expression
    raise NotCompiled("The features don't come straight from one Ibis expression.")


def _tables(expression: Any) -> list[Any]:
    import ibis.expr.operations as ops

    found = list(expression.op().find(ops.InMemoryTable))
    return [node for node in found if hasattr(node.data, "to_frame")]


@contextlib.contextmanager
def _watched(*, is_empty: bool) -> Iterator[list[tuple[Any, Any]]]:
    """What this thread executes meanwhile, as (value, expression); `is_empty` gives frames without rows."""
    import ibis

    table, mine = ibis.expr.types.Table, threading.get_ident()
    ended: list[tuple[Any, Any]] = []
    depth = [0]

    def told(original: Callable[..., Any]) -> Callable[..., Any]:
        def executed(self: Any, *args: Any, **options: Any) -> Any:
            if threading.get_ident() != mine:
                return original(self, *args, **options)
            depth[0] += 1
            try:
                value = original(self.limit(0) if is_empty and depth[0] == 1 else self, *args, **options)
            finally:
                depth[0] -= 1
            if depth[0] == 0:
                ended.append((value, self))
            return value

        return executed

    cached = table.cache

    def uncached(self: Any) -> Any:
        return self if threading.get_ident() == mine else cached(self)

    with (
        _watching,
        _replaced(
            table,
            to_pandas=told(table.to_pandas),
            execute=told(table.execute),
            to_pyarrow=told(table.to_pyarrow),
            cache=uncached,
        ),
    ):
        yield ended


@contextlib.contextmanager
def _replaced(thing: Any, **members: Any) -> Iterator[None]:
    before = {name: getattr(thing, name) for name in members}
    for name, member in members.items():
        setattr(thing, name, member)
    try:
        yield
    finally:
        for name, member in before.items():
            setattr(thing, name, member)


def _demand_same(trace: Trace, other: Trace) -> None:
    """Neither the tables beside the rows nor a constant in the expression may come from the rows."""
    frames = [node.data.to_frame() for node in _tables(trace.expression) if node is not trace.rows]
    one, two = (_text(each, frames) for each in (trace, other))
    if one != two:
        raise NotCompiled("A constant or another table is made of the rows before Ibis sees them.")


def _text(trace: Trace, frames: list[Any]) -> str:
    """The expression as SQL, its tables called by which frame they hold."""
    import ibis
    import ibis.expr.operations as ops

    def name(node: Any) -> str:
        frame = node.data.to_frame()
        places = (place for place, one in enumerate(frames) if one.equals(frame))
        return "rows" if node is trace.rows else f"table_{next(places, 'of its own')}"

    renamed = {
        node: ops.UnboundTable(name=name(node), schema=node.schema) for node in _tables(trace.expression)
    }
    return str(ibis.to_sql(trace.expression.op().replace(renamed).to_expr(), dialect="duckdb"))
