"""Plots over time as SVG that needs nothing else: lines, and events in lanes.

Each is drawn twice, for wide and for narrow windows, as text in a picture that shrinks can't be read; the page's style
shows one of them.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Point = tuple[float, float]

STYLE = """
svg { display: block; width: 100%; height: auto; } svg.narrow { display: none; }
@media (max-width: 640px) { svg.wide { display: none; } svg.narrow { display: block; } }
svg text { font-size: 11px; fill: var(--soft); }
.axis { stroke: var(--line); } .one { stroke: var(--one); fill: none; stroke-width: 2; }
.two { stroke: var(--two); fill: none; stroke-width: 2; stroke-dasharray: 5 4; }
.dot { fill: var(--one); } .limit { stroke: var(--bad); stroke-dasharray: 2 3; } .mark { stroke: var(--two); }
"""
_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT, _LANE = 64, 14, 18, 26, 190, 24
# The window's name, the picture's width, and how many dates have room below it.
_SIZES = (("wide", 760, 6), ("narrow", 360, 3))
_LANES_LEFT = 84


class Mark(Struct, frozen=True, kw_only=True):
    """Something that changed at a time, as a line through the plot."""

    at: float
    says: str


class Happened(Struct, frozen=True, kw_only=True):
    """An event in a lane; `says` is shown where one points at it."""

    at: float
    lane: str
    says: str


class _Frame(Struct, frozen=True, kw_only=True):
    """Where times and figures lie in a picture."""

    width: int
    height: int
    left: int
    times: tuple[float, float]
    figures: tuple[float, float] = (0.0, 1.0)

    def x(self, time: float) -> float:
        first, last = self.times
        across = (time - first) / (last - first) if last > first else 0.5
        return self.left + across * (self.width - self.left - _RIGHT)

    def y(self, figure: float) -> float:
        low, high = self.figures
        return _TOP + (high - figure) / (high - low) * (self.height - _TOP - _BOTTOM)


def plot(
    points: Sequence[Point],
    promised: Sequence[Point] = (),
    *,
    label: str,
    limit: float | None = None,
    marks: Sequence[Mark] = (),
) -> str:
    """A line over time from nought on; `points` are seconds since 1970 and figures, `promised` holds until the next."""
    figures = [y for _, y in (*points, *promised)] + ([limit] if limit is not None else [])
    steps = ticks(min(0.0, *figures), max(0.0, *figures))
    span = (min(x for x, _ in points), max(x for x, _ in points))
    pictures = []
    for name, width, dates in _SIZES:
        frame = _Frame(width=width, height=_HEIGHT, left=_LEFT, times=span, figures=(steps[0], steps[-1]))
        parts = (
            *_scale(frame, steps),
            *_dates(frame, dates),
            *_marks(frame, marks),
            *_limit(frame, limit),
            _line("two", frame, _stepped(promised)),
            _line("one", frame, points),
            *_dots(frame, points),
        )
        pictures.append(_picture(name, frame, label, parts))
    return "".join(pictures)


def lanes(happened: Sequence[Happened], *, order: Sequence[str], label: str) -> str:
    """Events over time, one lane for each sort of them that happened, in this order."""
    present = [name for name in order if any(one.lane == name for one in happened)]
    span = (min(one.at for one in happened), max(one.at for one in happened))
    height = _TOP + _LANE * len(present) + _BOTTOM
    pictures = []
    for name, width, dates in _SIZES:
        frame = _Frame(width=width, height=height, left=_LANES_LEFT, times=span)
        lines = (part for place, lane in enumerate(present) for part in _lane(frame, place, lane))
        spots = (
            f'<circle class="spot {escape(one.lane)}" cx="{frame.x(one.at):.1f}" cy="{_lane_y(present.index(one.lane))}"'
            f' r="5"><title>{escape(one.says)}</title></circle>'
            for one in happened
        )
        pictures.append(_picture(name, frame, label, (*lines, *_dates(frame, dates), *spots)))
    return "".join(pictures)


def ticks(low: float, high: float) -> tuple[float, ...]:
    """Round figures, evenly spaced, from at most `low` to at least `high`: three to six of them."""
    high = high if high > low else low + 1.0
    rough = (high - low) / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * one for one in (1, 2, 2.5, 5, 10) if size * one >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(step * place for place in range(first, last + 1))


def day(seconds: float) -> str:
    """The day of a time."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def _picture(name: str, frame: _Frame, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg class="{name}" role="img" aria-label="{escape(label, quote=True)}" '
        f'viewBox="0 0 {frame.width} {frame.height}">{"".join(parts)}</svg>'
    )


def _scale(frame: _Frame, steps: Sequence[float]) -> Iterator[str]:
    for figure in steps:
        y = frame.y(figure)
        yield (
            f'<line class="axis" x1="{frame.left}" x2="{frame.width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{frame.left - 8}" y="{y + 4:.1f}" text-anchor="end">{figure:,.10g}</text>'
        )


def _dates(frame: _Frame, most: int) -> Iterator[str]:
    first, last = frame.times
    form = "%Y-%m-%d" if last - first > 2 * 86400 or last == first else "%m-%d %H:%M"
    places = [place / (most - 1) for place in range(most)] if last > first else [0.5]
    for place in places:
        time = first + (last - first) * place if last > first else first
        anchor = {0.0: "start", 1.0: "end"}.get(place, "middle")
        text = datetime.fromtimestamp(time, UTC).strftime(form)
        yield f'<text x="{frame.x(time):.1f}" y="{frame.height - 6}" text-anchor="{anchor}">{text}</text>'


def _marks(frame: _Frame, marks: Sequence[Mark]) -> Iterator[str]:
    for one in marks:
        x = frame.x(one.at)
        anchor = "end" if x > frame.width / 2 else "start"
        yield (
            f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{frame.height - _BOTTOM}"/>'
            f'<text x="{x + (4 if anchor == "start" else -4):.1f}" y="{_TOP - 6}" text-anchor="{anchor}">'
            f"{escape(one.says)}</text>"
        )


def _limit(frame: _Frame, limit: float | None) -> Iterator[str]:
    if limit is not None:
        y = frame.y(limit)
        yield f'<line class="limit" x1="{frame.left}" x2="{frame.width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _stepped(points: Sequence[Point]) -> Iterator[Point]:
    """The points with a corner before each change: what was promised holds until something else is."""
    before: float | None = None
    for x, y in points:
        if before is not None and before != y:
            yield x, before
        yield x, y
        before = y


def _line(kind: str, frame: _Frame, points: Sequence[Point] | Iterator[Point]) -> str:
    path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{path}"/>' if path else ""


def _dots(frame: _Frame, points: Sequence[Point]) -> Iterator[str]:
    for x, y in points:
        yield (
            f'<circle class="dot" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="3">'
            f"<title>{day(x)}: {y:,.4g}</title></circle>"
        )


def _lane_y(place: int) -> float:
    return _TOP + _LANE * (place + 0.5)


def _lane(frame: _Frame, place: int, name: str) -> Iterator[str]:
    y = _lane_y(place)
    yield (
        f'<line class="axis" x1="{frame.left}" x2="{frame.width - _RIGHT}" y1="{y}" y2="{y}"/>'
        f'<text x="{frame.left - 12}" y="{y + 4}" text-anchor="end">{escape(name)}</text>'
    )
