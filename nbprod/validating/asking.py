"""Measures as questions: each formula yields what it wants to know, and all are answered together, round by round.

A formula is a generator that yields tuples of asks and is sent the tuple of their answers; what it returns is
the measure. In each round everything that aggregates over one table goes into one query, so a suite costs few scans.
"""

from __future__ import annotations

import functools
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

# So many values of a column are handed on together.
_AT_ONCE = 1_000_000


class Uncovered(Exception):  # noqa: N818
    """Ibis doesn't answer this as GX's own engine would; that engine has to. Carries why."""


class Scalar(Struct, frozen=True):
    """One aggregated value, asked together with all the others over the same table: the judged one unless said."""

    expression: Any
    over: Any = None


class Rows(Struct, frozen=True):
    """The rows of a table expression as dicts, asked by a query of its own."""

    expression: Any


class Column(Struct, frozen=True):
    """What `fold` makes of the one column of a table expression without missing values.

    It is given numpy's arrays, batch by batch, and only what it returns is kept: millions of values are held by nobody.
    """

    expression: Any
    fold: Callable[[Iterator[Any]], Any]


class Kept(Struct, frozen=True):
    """A table expression of few rows, computed once for all that is asked of it; the answer is a table expression."""

    expression: Any


Ask: TypeAlias = Scalar | Rows | Column | Kept
Formula: TypeAlias = Generator[tuple[Ask, ...], tuple[Any, ...], Any]


class Measured(Struct, frozen=True, kw_only=True):
    """The measures by key; `failed` says of each of the others why it couldn't be measured."""

    values: Mapping[Hashable, Any]
    failed: Mapping[Hashable, str]
    queries: int


def measured(
    table: Any, formulas: Mapping[Hashable, Formula], *, answers_known: Iterable[tuple[Ask, Any]] = ()
) -> Measured:
    """All formulas run to their end on one table, in as many rounds as the longest needs.

    What `answers_known` says is not asked.
    """
    values: dict[Hashable, Any] = {}
    failed: dict[Hashable, str] = {}
    waiting = dict(formulas)
    answers: dict[Hashable, tuple[Any, ...]] = {}
    known: dict[Any, Any] = {_identity(ask): answer for ask, answer in answers_known}
    queries = 0
    while waiting:
        asks: dict[Hashable, tuple[Ask, ...]] = {}
        for key, formula in waiting.items():
            try:
                asks[key] = formula.send(answers[key]) if key in answers else next(formula)
            except StopIteration as end:
                values[key] = end.value
            except Uncovered as error:
                failed[key] = _said(error)
            except _expression_errors() as error:
                failed[key] = _said(error)
        queries += _answer(table, [ask for group in asks.values() for ask in group], known)
        answers = {}
        for key, group in asks.items():
            got = [known[_identity(ask)] for ask in group]
            broken = next((one for one in got if isinstance(one, _Broken)), None)
            if broken is not None:
                failed[key] = broken.why
            else:
                answers[key] = tuple(got)
        waiting = {key: waiting[key] for key in answers}
    return Measured(values=values, failed=failed, queries=queries)


class _Broken(Struct, frozen=True):
    why: str


def _identity(ask: Ask) -> tuple[Any, ...]:
    # Equal Ibis expressions have equal operations, so that no question is asked twice.
    match ask:
        case Column(expression, fold):
            return Column, expression.op(), fold
        case _:
            return type(ask), ask.expression.op()


def _answer(table: Any, asks: list[Ask], known: dict[Any, Any]) -> int:
    new = {_identity(ask): ask for ask in asks if _identity(ask) not in known}
    queries = 0
    for over, scalars in _by_table(table, new).values():
        queries += _answer_scalars(over, scalars, known)
    for identity, ask in new.items():
        match ask:
            case Rows(expression):
                known[identity] = _answered(expression, table, _listed)
                queries += 1
            case Column(expression, fold):
                known[identity] = _answered(expression, table, functools.partial(_folded, fold=fold))
                queries += 1
            case Kept(expression):
                known[identity] = _answered(expression, table, _kept)
                queries += 1
            case Scalar():
                pass
    return queries


def _by_table(table: Any, asks: Mapping[Any, Ask]) -> dict[Any, tuple[Any, dict[Any, Scalar]]]:
    found: dict[Any, tuple[Any, dict[Any, Scalar]]] = {}
    for identity, ask in asks.items():
        if isinstance(ask, Scalar):
            over = table if ask.over is None else ask.over
            found.setdefault(over.op(), (over, {}))[1][identity] = ask
    return found


def _answer_scalars(table: Any, scalars: Mapping[Any, Scalar], known: dict[Any, Any]) -> int:
    row = _aggregated(table, scalars)
    if not isinstance(row, _Broken):
        known.update(row)
        return 1
    if len(scalars) == 1:
        known.update(dict.fromkeys(scalars, row))
        return 1
    # One of them can't be computed: halve until it stands alone and the others have their answers.
    identities = list(scalars)
    half = len(identities) // 2
    parts = (identities[:half], identities[half:])
    return 1 + sum(_answer_scalars(table, {one: scalars[one] for one in part}, known) for part in parts)


def _aggregated(table: Any, scalars: Mapping[Any, Scalar]) -> dict[Any, Any] | _Broken:
    names = {f"m{place}": identity for place, identity in enumerate(scalars)}
    try:
        expression = table.aggregate(
            **{name: scalars[identity].expression for name, identity in names.items()}
        )
    except _expression_errors() as error:
        return _Broken(_said(error))
    rows = _answered(expression, table, _listed)
    return rows if isinstance(rows, _Broken) else {names[name]: value for name, value in rows[0].items()}


def _answered(expression: Any, table: Any, shaped: Callable[[Any], Any]) -> Any:
    try:
        return shaped(expression)
    except _query_errors(table) as error:
        return _Broken(_said(error))


def _listed(expression: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = expression.to_pyarrow().to_pylist()
    return rows


def _folded(expression: Any, *, fold: Callable[[Iterator[Any]], Any]) -> Any:
    with expression.to_pyarrow_batches(chunk_size=_AT_ONCE) as batches:
        return fold(batch.column(0).to_numpy(zero_copy_only=False) for batch in batches)


def _kept(expression: Any) -> Any:
    # Elsewhere a table of its own may want rights that nobody gave.
    return expression.cache() if expression.get_backend().name == "duckdb" else expression


def _expression_errors() -> tuple[type[Exception], ...]:
    from ibis.common.exceptions import IbisError

    # Ibis refuses operands of wrong types with errors of Python's and its own.
    return (IbisError, TypeError, ValueError, AttributeError, NotImplementedError, OverflowError)


def _query_errors(table: Any) -> tuple[type[Exception], ...]:
    match table.get_backend().name:
        case "duckdb":
            import duckdb

            return (duckdb.Error, *_expression_errors())
        case "pyspark":
            from pyspark.errors import PySparkException

            return (PySparkException, *_expression_errors())
        case _:
            # Each backend raises errors of its own driver, which can't all be imported to be named.
            return (Exception,)


def _said(error: Exception) -> str:
    first = str(error).strip().splitlines()
    return first[0][:200] if first else type(error).__name__
