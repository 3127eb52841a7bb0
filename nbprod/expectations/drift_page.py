"""Drift as one page of HTML that needs nothing else: a table of the columns and a picture of each."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbprod.expectations.drift import Bar, ColumnDrift

_STYLE = """
:root { color-scheme: light dark; --reference: #8a94a6; --batch: #2563eb; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid var(--line); padding: 1rem 0; }
h2 { font-size: 1.05rem; margin: 0; } .drifted h2::after { content: " drifted"; color: #d9480f; font-weight: 400; }
p { margin: .2rem 0 .6rem; } svg text { font-size: 11px; fill: currentColor; }
.reference { fill: var(--reference); } .batch { fill: var(--batch); }
"""
_ROW, _LEFT, _WIDTH = 26, 170, 560


def drift_page(found: Sequence[ColumnDrift], *, title: str) -> str:
    """The page; columns in the order given."""
    drifted = [one.column for one in found if one.has_drifted]
    said = f"{len(drifted)} of {len(found)} columns drifted" + (
        f": {', '.join(drifted)}." if drifted else "."
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1><p>{escape(said)}"
        " Grey is the reference, blue the batch.</p>"
        f"{''.join(map(_section, found))}</body></html>\n"
    )


def _section(one: ColumnDrift) -> str:
    drifted = ' class="drifted"' if one.has_drifted else ""
    return (
        f"<section{drifted}><h2>{escape(one.column)}</h2><p>{escape(_figures(one))}</p>"
        f"{_picture(one.column, one.bars)}</section>"
    )


def _figures(one: ColumnDrift) -> str:
    parts = [f"PSI {one.psi:.3f}", f"Jensen-Shannon {one.jensen_shannon:.3f}"]
    if one.kolmogorov_smirnov is not None:
        parts.append(f"Kolmogorov-Smirnov {one.kolmogorov_smirnov:.3f}")
    if one.wasserstein is not None:
        parts.append(f"moved by {one.wasserstein:.2f} interquartile ranges")
    parts += [f"missing {one.nulls_reference:.2%} then {one.nulls_batch:.2%}", f"p = {one.p_value:.2g}"]
    if one.new_values:
        parts.append(f"new: {', '.join(map(str, one.new_values[:10]))}")
    if one.lost_values:
        parts.append(f"gone: {', '.join(map(str, one.lost_values[:10]))}")
    return " · ".join(parts)


def _picture(name: str, bars: Sequence[Bar]) -> str:
    if not bars:
        return ""
    most = max(max(bar.reference, bar.batch) for bar in bars) or 1.0
    rows = "".join(_bar(place, bar, most) for place, bar in enumerate(bars))
    height, width = _ROW * len(bars), _LEFT + _WIDTH + 60
    label = escape(f"Shares of {name} in the reference and in the batch", quote=True)
    return f'<svg role="img" aria-label="{label}" viewBox="0 0 {width} {height}" width="100%">{rows}</svg>'


def _bar(place: int, bar: Bar, most: float) -> str:
    top = place * _ROW
    reference, batch = (_WIDTH * share / most for share in (bar.reference, bar.batch))
    return (
        f'<text x="{_LEFT - 8}" y="{top + 16}" text-anchor="end">{escape(bar.label[:28])}</text>'
        f'<rect class="reference" x="{_LEFT}" y="{top + 2}" width="{reference:.1f}" height="10"/>'
        f'<rect class="batch" x="{_LEFT}" y="{top + 12}" width="{batch:.1f}" height="10"/>'
        f'<text x="{_LEFT + max(reference, batch) + 6:.1f}" y="{top + 16}">{bar.batch:.1%}</text>'
    )
