"""The affected column with and without the future, as a small picture in SVG text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nbprod.replaying.stamps import text_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nbprod.replaying.evidence import Sighting
    from nbprod.replaying.layout import Layout
    from nbprod.replaying.tables import Snapshot

_WIDTH, _HEIGHT, _MARGIN = 480, 150, 26
_POINTS_BEFORE, _POINTS_AFTER = 60, 15


def plotted(full: Snapshot, sighting: Sighting, *, layout: Layout, rows: NDArray[np.intp]) -> str:
    """SVG text: the rows around the cut, with the future as a line and without it as dots; "" if not numeric.

    `rows` are the input rows that the run without the future was given.
    """
    column = sighting.change.column
    if column not in full.frame.columns or column not in sighting.snapshot.frame.columns:
        return ""
    with_future = _series(full.frame, column, layout, sighting, rows=None)
    without = _series(sighting.snapshot.frame, column, layout, sighting, rows=rows)
    if with_future is None or without is None:
        return ""
    cut = sighting.probe.cut
    shown = _around(with_future[0], cut, sighting.change.stamp)
    without = tuple(part[without[0] <= cut] for part in without)  # type: ignore[assignment]
    return _drawn(_within(with_future, shown), _within(without, shown), cut=cut, layout=layout, column=column)


def _series(
    frame: Any, column: str, layout: Layout, sighting: Sighting, *, rows: NDArray[np.intp] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Stamps and values of the entity that the witness belongs to, in order of time."""
    values = pd.to_numeric(frame[column].astype(object), errors="coerce").to_numpy(dtype="float64")
    if not np.isfinite(values).any():
        return None
    mine = np.ones(len(frame), dtype=bool)
    for name in layout.key:
        wanted = f"{name}="
        same = [part[len(wanted) :] for part in sighting.change.key.split(", ") if part.startswith(wanted)]
        texts = frame[name].astype(str)
        if same and texts.nunique() < len(frame) / 4:
            mine &= (texts == same[0]).to_numpy()
    stamps = layout.stamps_in(frame, rows=rows)
    if stamps is None:
        return None
    order = np.argsort(stamps[mine], kind="stable")
    return stamps[mine][order], values[mine][order]


def _around(stamps: NDArray[np.int64], cut: int, witness: int) -> tuple[int, int]:
    """The first and the last stamp to show: the witness, the cut, and some rows around them."""
    place = int(np.searchsorted(stamps, min(cut, max(witness, 0)), side="right"))
    end = int(np.searchsorted(stamps, cut, side="right"))
    first = max(0, min(place - 5, end - _POINTS_BEFORE))
    last = min(len(stamps) - 1, end + _POINTS_AFTER)
    return int(stamps[first]), int(stamps[last])


def _within(
    series: tuple[NDArray[np.int64], NDArray[np.float64]], shown: tuple[int, int]
) -> list[tuple[int, float]]:
    stamps, values = series
    inside = (stamps >= shown[0]) & (stamps <= shown[1]) & np.isfinite(values)
    return list(zip(stamps[inside].tolist(), values[inside].tolist(), strict=True))


def _drawn(
    line: list[tuple[int, float]], dots: list[tuple[int, float]], *, cut: int, layout: Layout, column: str
) -> str:
    everything = line + dots
    if not everything:
        return ""
    left, right = min(x for x, _y in everything), max(x for x, _y in everything)
    low, high = min(y for _x, y in everything), max(y for _x, y in everything)

    def place(x: int, y: float) -> tuple[float, float]:
        across = (x - left) / ((right - left) or 1)
        up = (y - low) / ((high - low) or 1)
        return (
            round(_MARGIN + across * (_WIDTH - 2 * _MARGIN), 1),
            round(_HEIGHT - _MARGIN - up * (_HEIGHT - 2 * _MARGIN), 1),
        )

    points = " ".join("{:g},{:g}".format(*place(x, y)) for x, y in line)
    circles = "".join('<circle cx="{:g}" cy="{:g}" r="2"/>'.format(*place(x, y)) for x, y in dots)
    at_cut = place(min(max(cut, left), right), low)[0]
    title = f"{column}: line with the future, dots without what comes after {text_of(cut, axis=layout.axis)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="10"><title>{_escaped(title)}</title>'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-opacity="0.5"/>'
        f'<g fill="#c62828">{circles}</g>'
        f'<line x1="{at_cut:g}" x2="{at_cut:g}" y1="{_MARGIN}" y2="{_HEIGHT - _MARGIN}" '
        f'stroke="currentColor" stroke-dasharray="3 3"/>'
        f'<text x="{_MARGIN}" y="14" fill="currentColor">{_escaped(title)}</text>'
        f'<text x="{_MARGIN}" y="{_HEIGHT - 8}" fill="currentColor">{low:.4g} to {high:.4g}</text></svg>'
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
