"""A suite as one page of HTML that needs nothing else: each column of the reference drawn beside what is expected."""

from __future__ import annotations

import bisect
import math
from html import escape
from typing import TYPE_CHECKING, Any

from nbprod.expectations.writing import expectation_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbprod.expectations.profile import ColumnProfile, Profile
    from nbprod.model import Expectation, Suite

_STYLE = """
:root { color-scheme: light dark; --seen: #8a94a6; --bound: #2563eb; --band: #2563eb33; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid var(--line); padding: 1rem 0; } h2 { font-size: 1.05rem; margin: 0 0 .3rem; }
svg { display: block; margin: .4rem 0; } svg text { font-size: 11px; fill: currentColor; }
.seen { fill: var(--seen); } .band { fill: var(--band); } .bound { stroke: var(--bound); stroke-width: 2; }
.unbound { stroke-dasharray: 4 3; } pre { margin: .3rem 0 0; white-space: pre-wrap; font-size: 12.5px; }
li { margin-bottom: .4rem; } .note { opacity: .75; font-size: 13px; } ul { padding-left: 1.2rem; }
"""
_WIDTH, _HEIGHT, _BINS, _ROW, _LEFT = 720, 110, 48, 20, 170
_MOST_BARS = 20


def review_page(profile: Profile, suite: Suite, *, title: str) -> str:
    """The page: a section for each column, then what is about the table or several columns."""
    sections = [_section(column, profile.rows, _about(suite, column.name)) for column in profile.columns]
    names = {column.name for column in profile.columns}
    rest = [one for one in suite.expectations if one.arguments.get("column") not in names]
    last = f"<section><h2>The table, and several columns</h2>{_listed(rest)}</section>" if rest else ""
    said = f"{len(suite.expectations)} expectations from {profile.rows:,} rows of the reference."
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1><p>{escape(said)}"
        " Grey is what the reference holds, blue what is expected: lines are bounds on values, bands where quantiles"
        f" may lie.</p>{''.join(sections)}{last}</body></html>\n"
    )


def _about(suite: Suite, column: str) -> list[Expectation]:
    return [one for one in suite.expectations if one.arguments.get("column") == column]


def _section(column: ColumnProfile, rows: int, expected: Sequence[Expectation]) -> str:
    missing = column.nulls / rows if rows else 0.0
    said = f"{column.type}, {column.distinct:,} different, {missing:.2%} missing"
    return (
        f"<section><h2>{escape(column.name)}</h2><div class='note'>{escape(said)}</div>"
        f"{_picture(column, expected)}{_listed(expected)}</section>"
    )


def _listed(expected: Sequence[Expectation]) -> str:
    items = "".join(
        f"<li><pre>{escape(expectation_text(_bare(one)))}</pre><span class='note'>{escape(one.notes)}</span></li>"
        for one in expected
    )
    return f"<ul>{items}</ul>" if items else "<p class='note'>Nothing is expected of it.</p>"


def _bare(one: Expectation) -> Expectation:
    from msgspec.structs import replace

    return replace(one, notes="")


def _picture(column: ColumnProfile, expected: Sequence[Expectation]) -> str:
    if column.ladder and all(map(math.isfinite, column.ladder)):
        return _numbers(column, expected)
    return _categories(column, expected) if column.counts else ""


def _numbers(column: ColumnProfile, expected: Sequence[Expectation]) -> str:
    bounds, bands = list(_bounds(expected)), list(_bands(expected))
    places = [*column.ladder, *(place for _, place in bounds), *(edge for band in bands for edge in band)]
    low, high = min(places), max(places)
    if low == high:
        low, high = low - 0.5, high + 0.5

    def x(value: float) -> float:
        return 10 + (_WIDTH - 20) * (value - low) / (high - low)

    parts = [
        f'<rect class="band" x="{x(left):.1f}" y="14" width="{max(x(right) - x(left), 1.5):.1f}" height="{_HEIGHT - 34}"/>'
        for left, right in bands
    ]
    parts += _bars(column.ladder, low, high)
    for word, place in bounds:
        parts.append(
            f'<line class="bound" x1="{x(place):.1f}" x2="{x(place):.1f}" y1="14" y2="{_HEIGHT - 20}"/>'
            f"{_label(x(place), f'{word} {place:.6g}')}"
        )
    parts += [
        f'<text x="10" y="{_HEIGHT - 4}">{low:.6g}</text>',
        f'<text x="{_WIDTH - 10}" y="{_HEIGHT - 4}" text-anchor="end">{high:.6g}</text>',
    ]
    return _svg(column.name, _HEIGHT, parts)


def _label(x: float, text: str) -> str:
    """The text above a line; beside it where it would leave the picture."""
    anchor = "start" if x < 60 else "end" if x > _WIDTH - 60 else "middle"
    return f'<text x="{x:.1f}" y="11" text-anchor="{anchor}">{escape(text)}</text>'


def _bars(ladder: Sequence[float], low: float, high: float) -> Iterator[str]:
    """The share of values in equal stretches of the picture, from the reference's evenly spaced ranks."""
    edges = [low + (high - low) * place / _BINS for place in range(_BINS + 1)]
    # Values on the last edge belong to the last stretch.
    counts = [
        bisect.bisect_right(ladder, right) - (bisect.bisect_right(ladder, left) if place else 0)
        for place, (left, right) in enumerate(zip(edges, [*edges[1:-1], math.inf], strict=False))
    ]
    most, wide = max(counts) or 1, (_WIDTH - 20) / _BINS
    for place, count in enumerate(counts):
        tall = (_HEIGHT - 40) * count / most
        yield (
            f'<rect class="seen" x="{10 + place * wide:.1f}" y="{_HEIGHT - 20 - tall:.1f}" '
            f'width="{wide - 1:.1f}" height="{tall:.1f}"/>'
        )


def _bounds(expected: Sequence[Expectation]) -> Iterator[tuple[str, float]]:
    for one in expected:
        if one.type == "expect_column_values_to_be_between":
            for name, word in (("min_value", "at least"), ("max_value", "at most")):
                value = one.arguments.get(name)
                if isinstance(value, int | float):
                    yield word, float(value)


def _bands(expected: Sequence[Expectation]) -> Iterator[tuple[float, float]]:
    for one in expected:
        ranges: Any = one.arguments.get("quantile_ranges")
        if isinstance(ranges, dict):
            for low, high in ranges["value_ranges"]:
                if isinstance(low, int | float) and isinstance(high, int | float):
                    yield float(low), float(high)


def _categories(column: ColumnProfile, expected: Sequence[Expectation]) -> str:
    total = sum(count for _, count in column.counts) or 1
    shown = sorted(column.counts, key=lambda one: -one[1])[:_MOST_BARS]
    sets: list[Any] = [
        one.arguments["value_set"] for one in expected if one.type == "expect_column_values_to_be_in_set"
    ]
    parts = []
    for place, (value, count) in enumerate(shown):
        top, wide = place * _ROW, (_WIDTH - _LEFT - 70) * count / shown[0][1]
        is_allowed = all(value in allowed for allowed in sets)
        mark = "" if is_allowed else " (not in the set)"
        parts.append(
            f'<text x="{_LEFT - 8}" y="{top + 14}" text-anchor="end">{escape(str(value)[:24])}</text>'
            f'<rect class="seen" x="{_LEFT}" y="{top + 4}" width="{wide:.1f}" height="12"/>'
            f'<text x="{_LEFT + wide + 6:.1f}" y="{top + 14}">{count / total:.1%}{mark}</text>'
        )
    return _svg(column.name, _ROW * len(shown) + 4, parts)


def _svg(name: str, height: int, parts: Sequence[str]) -> str:
    label = escape(f"{name}: what the reference holds and what is expected", quote=True)
    return f'<svg role="img" aria-label="{label}" viewBox="0 0 {_WIDTH} {height}" width="100%">{"".join(parts)}</svg>'
