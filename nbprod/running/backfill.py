"""One plan run once for each of many parameter values; what is done already is taken from earlier runs."""

from __future__ import annotations

import itertools
import re
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import date, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.errors import NbprodError, ParameterError, did_you_mean
from nbprod.model import State
from nbprod.running.budget import Budget
from nbprod.running.engines import engine_named
from nbprod.running.parameters import typed
from nbprod.running.processes import Kernels
from nbprod.running.run import INTERRUPT_POLL, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from nbprod.model import Event, Json, Parameter, Plan, Record
    from nbprod.running.judging import Judge

_RANGE = re.compile(r"(?P<first>.+?)\.\.(?P<last>.+?)(?:/(?P<step>\d+))?$")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_MOST = 100_000


class Filled(Struct, frozen=True, kw_only=True):
    """One run of a backfill: the values it was for, and its record, or why there is none."""

    values: Mapping[str, Json]
    record: Record | None = None
    error: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the run came to a good end."""
        return self.record is not None and self.record.state.is_good


def backfill(
    plan: Plan,
    *,
    over: Mapping[str, str],
    plan_folder: Path,
    root: Path,
    parameters: Mapping[str, object] | None = None,
    judge: Judge | None = None,
    on_event: Callable[[Mapping[str, Json], Event], None] | None = None,
    workers: int = 1,
    force: bool = False,
    store: str | None = None,
    engine: str = "local",
    backend: str = "",
    memory_bytes: int | None = None,
) -> tuple[Filled, ...]:
    """Run the plan for every combination of the values that `over` spells (`month=1..12`), `workers` at a time.

    A run that fails stops no other, and running the same backfill again runs only what is not done. Ctrl-C ends
    all runs under way; those not begun are missing from what is given back.
    Raises ParameterError before anything runs.
    """
    combinations = combinations_of(over, plan.parameters)
    for values in combinations:
        typed({**(parameters or {}), **values}, plan.parameters)
    kernels, lock = Kernels(), threading.Lock()
    budget = None if memory_bytes is None else Budget(bytes=memory_bytes)
    one_engine = engine_named(engine, workers=workers)

    def tell(values: Mapping[str, Json], event: Event) -> None:
        if on_event is not None:
            with lock:
                on_event(values, event)

    def one(values: Mapping[str, Json]) -> Filled | None:
        if kernels.cancelled.is_set():
            return None
        try:
            record = run(
                plan,
                plan_folder=plan_folder,
                root=root,
                parameters={**(parameters or {}), **values},
                judge=judge,
                on_event=lambda event: tell(values, event),
                force=force,
                store=store,
                engine=one_engine,
                backend=backend,
                kernels=kernels,
                budget=budget,
            )
        except NbprodError as error:
            return Filled(values=values, error=str(error))
        return Filled(values=values, record=record)

    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="run") as pool:
        futures = [pool.submit(one, values) for values in combinations]
        while True:
            try:
                return _gathered(futures)
            except KeyboardInterrupt:
                kernels.end_all()
                one_engine.cancel()
            finally:
                if all(future.done() for future in futures):
                    one_engine.close()


def _gathered(futures: list[Future[Filled | None]]) -> tuple[Filled, ...]:
    while wait(futures, timeout=INTERRUPT_POLL).not_done:
        pass
    return tuple(filled for future in futures if (filled := future.result()) is not None)


def states_of(filled: tuple[Filled, ...]) -> dict[State, int]:
    """How many runs ended in which state; one that could not begin counts as failed."""
    found: dict[State, int] = {}
    for one in filled:
        state = one.record.state if one.record else State.FAILED
        found[state] = found.get(state, 0) + 1
    return found


def combinations_of(over: Mapping[str, str], known: tuple[Parameter, ...]) -> tuple[dict[str, Json], ...]:
    """Every combination of the values spelt, the last parameter changing fastest.

    Raises ParameterError for an unknown parameter, a range that runs backwards, or more than 100,000 runs.
    """
    names = [one.name for one in known]
    secrets = {one.name for one in known if one.secret}
    for name in over:
        if name not in names:
            raise ParameterError(f"There is no parameter '{name}'.", remedy=did_you_mean(name, names))
        if name in secrets:
            raise ParameterError(
                f"Parameter '{name}' is a secret, and runs are told apart by their values.",
                remedy="Fill back over another parameter.",
            )
    spread = [[(name, value) for value in values_of(text, name=name)] for name, text in over.items()]
    total = 1
    for values in spread:
        total *= len(values)
    if total > _MOST:
        raise ParameterError(
            f"That would be {total} runs; {_MOST} are the most.", remedy="Fill back in parts."
        )
    return tuple(dict(pairs) for pairs in itertools.product(*spread))


def values_of(text: str, *, name: str) -> tuple[str, ...]:
    """The values that a text spells: `1..12`, `2013-01..2013-12`, `2013-01-01..2013-01-31/7`, or `a,b,c`."""
    return tuple(value for piece in text.split(",") for value in _piece(piece.strip(), name))


def _piece(text: str, name: str) -> Iterator[str]:
    match = _RANGE.match(text)
    if match is None:
        yield text
        return
    first, last, step = match["first"], match["last"], int(match["step"] or 1)
    try:
        values = list(_range(first, last, step))
    except ValueError as error:
        raise ParameterError(
            f"Parameter '{name}': '{text}' is no range ({error}).",
            remedy="Write 1..12, 2013-01..2013-12 or 2013-01-01..2013-01-31, with /N for a step.",
        ) from error
    if not values:
        raise ParameterError(
            f"Parameter '{name}': '{text}' runs backwards.", remedy=f"Write {last}..{first}."
        )
    yield from values


def _range(first: str, last: str, step: int) -> Iterator[str]:
    if step < 1:
        raise ValueError("a step of nothing")
    if _DAY.fullmatch(first) and _DAY.fullmatch(last):
        day, end = date.fromisoformat(first), date.fromisoformat(last)
        while day <= end:
            yield day.isoformat()
            day += timedelta(days=step)
    elif (one := _MONTH.fullmatch(first)) and (other := _MONTH.fullmatch(last)):
        start, end_month = (int(m[1]) * 12 + int(m[2]) - 1 for m in (one, other))
        yield from (f"{month // 12:04}-{month % 12 + 1:02}" for month in range(start, end_month + 1, step))
    else:
        width = len(first) if first.startswith("0") and len(first) > 1 else 0
        yield from (f"{number:0{width}}" for number in range(int(first), int(last) + 1, step))
