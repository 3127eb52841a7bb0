"""Parts, periods and offsets of time: what becomes of a column of times under `.dt`, `truncate` and the like."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.clocks import from_parts, length
from nbprod.leakage.interpret.facts import Clock
from nbprod.leakage.interpret.values import Cells, Const, Value

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Args, Run

_CYCLIC = frozenset(
    [
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "year",
        "quarter",
        "week",
        "weekofyear",
        "dayofweek",
        "day_of_week",
        "weekday",
        "dayofyear",
        "day_of_year",
        "weekday_name",
        "day_name",
        "month_name",
        "is_month_start",
        "is_month_end",
        "is_quarter_start",
        "is_quarter_end",
        "is_year_start",
        "is_year_end",
        "days_in_month",
        "isocalendar",
        "iso_year",
        "ordinal_day",
        "is_weekend",
        "microsecond",
        "nanosecond",
    ]
)
_YEARS = frozenset({"year", "iso_year"})
_LENGTHS = frozenset(
    [
        "days",
        "seconds",
        "total_seconds",
        "total_days",
        "total_hours",
        "total_minutes",
        "components",
        "epoch_seconds",
    ]
)
_PERIODS = frozenset(["to_period", "floor", "truncate", "round", "ceil", "dt_truncate", "date_trunc"])
_DAY = timedelta(days=1)
# what a time is cut to, as a property or a call without arguments
_STARTS = {"date": _DAY, "normalize": _DAY, "week_start": 7 * _DAY, "month_start": 30 * _DAY,
           "quarter_start": 91 * _DAY, "year_start": 365 * _DAY}  # fmt: skip
_FINEST = (("%S", 1), ("%M", 60), ("%H", 3600), ("%d", 86400), ("%j", 86400), ("%W", 604800), ("%U", 604800))


def part_of_time(run: Run, cells: Cells, name: str, node: ast.AST) -> Value | None:
    """A property of a column of times: a part that comes round again, or the day."""
    _ = node
    if name == "codes":
        if cells.facts.kinds:
            return replace(cells, facts=replace(cells.facts, derived=True))
        from nbprod.leakage.interpret.moving import statistic

        facts = statistic(run, cells, node, says="category codes number the values of all rows", rule="codes")
        return replace(cells, facts=facts)
    if name in _STARTS:
        run.saw_time(cells.facts, exact=True)
        return _clocked(cells, Clock(period=_STARTS[name]))
    if name in _YEARS:
        run.saw_time(cells.facts, exact=True)
        return replace(_clocked(cells, Clock(period=365 * _DAY)), name=name)
    if name in _CYCLIC:
        run.saw_time(cells.facts, exact=True)
        return replace(cells, facts=replace(cells.facts, clock=Clock(cyclic=True), derived=True), name=name)
    if name in _LENGTHS:
        return replace(cells, facts=replace(cells.facts, clock=None, derived=True))
    return None


def _clocked(cells: Cells, clock: Clock) -> Cells:
    return replace(cells, facts=replace(cells.facts, clock=clock, derived=True))


def time_method(run: Run, cells: Cells, name: str, args: Args, node: ast.AST) -> Value | None:
    """A method of a column of times; None where the name means something else."""
    if name == "ffill":
        return None
    part = part_of_time(run, cells, name, node) if not args.places and name != "round" else None
    if part is not None:
        return part
    clock = cells.facts.clock or Clock()
    if name in _PERIODS:
        unit = args.constant(0, "freq", args.constant(None, "every", args.constant(None, "unit")))
        period = length(_spelled(unit))
        if period is None:
            return cells
        run.saw_time(cells.facts, exact=True)
        offset = clock.offset + (period if name == "ceil" else timedelta(0))
        return _clocked(cells, Clock(period=period, offset=offset))
    if name == "strftime":
        return _formatted(run, cells, args)
    if name in ("offset_by", "add", "sub") and args.places:
        given = args.constant(0, "by")
        moved = given if isinstance(given, timedelta) else length(given)
        if moved is None:
            return None
        return _clocked(cells, replace(clock, offset=clock.offset + (-moved if name == "sub" else moved)))
    if name in ("to_timestamp", "tz_localize", "tz_convert", "convert_time_zone", "replace_time_zone", "to_datetime",
                "to_pydatetime", "astype", "cast", "to_date", "strptime", "str_to_datetime", "as_timestamp", "dt"):  # fmt: skip
        kept = cells.facts.clock
        if name in ("to_datetime", "to_date", "strptime", "as_timestamp"):
            kept = kept or Clock()
            run.saw_time(cells.facts, exact=True)
        return replace(cells, facts=replace(cells.facts, clock=kept), conditions=())
    return None


def bucketed(run: Run, cells: Cells, args: Args) -> Cells | None:
    """Ibis' `bucket(hours=6)` of times; None where it sorts numbers into bins."""
    period = _given(run, args)
    offset = (cells.facts.clock or Clock()).offset
    return _clocked(cells, Clock(period=period, offset=offset)) if period else None


def _given(run: Run, args: Args) -> timedelta | None:
    """The length that keywords name."""
    constants = {
        name: held.value for name, value in args.names.items() if isinstance(held := run.at(value), Const)
    }
    return from_parts(constants)


def _spelled(unit: object) -> object:
    """Ibis names units by one letter, capitals for those of a day and longer."""
    spelled = {"M": "month", "Y": "year", "Q": "quarter", "W": "week", "D": "day", "h": "hour", "m": "min"}
    return spelled.get(unit, unit) if isinstance(unit, str) else unit


def _formatted(run: Run, cells: Cells, args: Args) -> Cells:
    text = args.constant(0, "date_format") or args.constant(0, "format")
    if not isinstance(text, str):
        return cells
    run.saw_time(cells.facts, exact=True)
    for directive, seconds in _FINEST:
        if directive in text:
            whole = "%Y" in text or "%y" in text
            clock = Clock(period=timedelta(seconds=seconds)) if whole else Clock(cyclic=True)
            return _clocked(cells, clock)
    if "%m" in text or "%b" in text:
        return _clocked(
            cells, Clock(period=30 * _DAY) if "%Y" in text or "%y" in text else Clock(cyclic=True)
        )
    return _clocked(cells, Clock(period=365 * _DAY) if "%Y" in text else Clock(cyclic=True))


_OFFSETS = {"MonthEnd": "month", "MonthBegin": "month", "Day": "day", "BDay": "day", "Hour": "h", "Minute": "min",
            "Week": "week", "QuarterEnd": "quarter", "QuarterBegin": "quarter", "YearEnd": "year", "YearBegin": "year",
            "BMonthEnd": "month", "BMonthBegin": "month"}  # fmt: skip


def duration(run: Run, path: str, args: Args) -> Value | None:
    """`pd.Timedelta('1D')`, `timedelta(days=1)`, `ibis.interval(days=7)` and their like as a length of time."""
    bare = path.rsplit(".", 1)[-1]
    known = bare in ("Timedelta", "timedelta", "timedelta64", "DateOffset", "interval", "duration", "relativedelta",
                     "to_timedelta")  # fmt: skip
    if not known and ".offsets." not in path:
        return None
    names = {name: run.at(value) for name, value in args.names.items()}
    parts = {name: value.value for name, value in names.items() if isinstance(value, Const)}
    found = from_parts(parts)
    if found is not None:
        return Const(found)
    first, second = args.constant(0, "value"), args.constant(1, "unit")
    if isinstance(first, str):
        found = length(first)
        return Const(found) if found is not None else None
    if isinstance(first, timedelta):
        return Const(first)
    if isinstance(first, int | float):
        unit = (
            second
            if isinstance(second, str)
            else _OFFSETS.get(bare, "day" if bare == "timedelta" or ".offsets." in path else "ns")
        )
        step = length(_spelled(unit))
        try:
            return Const(step * first) if step is not None else None
        except (OverflowError, ValueError):
            return None
    if ".offsets." in path:
        step = length(_OFFSETS.get(bare, ""))
        return Const(step) if step is not None else None
    return None
