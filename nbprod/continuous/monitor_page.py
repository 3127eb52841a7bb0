"""The monitor as one page of HTML that needs nothing else: plots over time, drift, decisions."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from nbprod.continuous.conditions import LARGE_PSI
from nbprod.continuous.monitoring import news

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbprod.continuous.decisions import Decision
    from nbprod.continuous.monitoring import Monitor, Watched

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2937; --soft: #6b7280; --line: #8886; --one: #2563eb; --two: #8a94a6;
 --bad: #d9480f; --good: #2b8a3e; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e5e7eb; --soft: #9ca3af; --paper: #14171c; --one: #74a9ff; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
 color: var(--ink); background: var(--paper); }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .4rem; } p { margin: .3rem 0; }
ul { margin: .3rem 0 .3rem 1.2rem; padding: 0; } .soft { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th { text-align: left; color: var(--soft); font-weight: 500; } td, th { padding: .25rem .7rem .25rem 0;
 border-bottom: 1px solid var(--line); vertical-align: top; } td.figure { font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: var(--soft); }
.axis { stroke: var(--line); } .one { stroke: var(--one); fill: none; stroke-width: 2; }
.two { stroke: var(--two); fill: none; stroke-width: 2; stroke-dasharray: 5 4; }
.dot { fill: var(--one); } .limit { stroke: var(--bad); stroke-dasharray: 2 3; }
.promoted, .good { color: var(--good); } .stopped, .failed, .bad { color: var(--bad); }
"""
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 190, 58, 12, 12, 26


def monitor_page(found: Monitor) -> str:
    """The page."""
    title = f"{found.model}: version {found.champion} is champion"
    told = "".join(f"<li>{escape(one)}</li>" for one in news(found)) or "<li>Nothing wants attention.</li>"
    sections = (
        _metric_section(found.batches),
        _drift_section(found.batches),
        _prediction_section(found.batches),
        _batches_section(found.batches),
        _decisions_section(found.decisions),
        _changes_section(found),
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1><ul>{told}</ul>{''.join(sections)}</body></html>\n"
    )


def _metric_section(batches: Sequence[Watched]) -> str:
    live = [(_time(one), one.live) for one in batches if one.live is not None]
    if not live:
        return "<h2>Metric</h2><p class='soft'>No labels have arrived yet.</p>"
    promised = [(_time(one), one.promised) for one in batches if one.promised is not None]
    name = batches[-1].metric
    return (
        f"<h2>{escape(name)}</h2><p class='soft'>Line: live, as labels arrived. Dashes: what the version promised on its"
        f" held-out rows.</p>{plot(live, promised, label=f'{name} over time')}"
    )


def _drift_section(batches: Sequence[Watched]) -> str:
    worst = [(_time(one), max((column.psi for column in one.drift), default=0.0)) for one in batches]
    if not worst:
        return ""
    last = batches[-1]
    rows = "".join(
        f"<tr><td>{escape(one.column)}</td><td class='figure'>{one.psi:.3f}</td>"
        f"<td class='figure'>{one.nulls_reference:.1%} → {one.nulls_batch:.1%}</td>"
        f"<td class='figure'>{one.p_value:.2g}</td>"
        f"<td>{'<span class=bad>drifted</span>' if one in last.alarms else ''}</td></tr>"
        for one in last.drift[:12]
    )
    return (
        "<h2>Drift of the features</h2><p class='soft'>The largest population stability index (PSI) of any feature against"
        f" what the version learned from; the dotted line is {LARGE_PSI}, a large change.</p>"
        f"{plot(worst, limit=LARGE_PSI, label='largest PSI over time')}"
        "<table><tr><th>feature, latest batch</th><th>PSI</th><th>missing</th><th>p</th><th></th></tr>"
        f"{rows}</table>"
    )


def _prediction_section(batches: Sequence[Watched]) -> str:
    points = [(_time(one), one.predicted_mean) for one in batches if one.predicted_mean is not None]
    if not points:
        return ""
    return f"<h2>Mean of the predictions</h2>{plot(points, label='mean prediction over time')}"


def _batches_section(batches: Sequence[Watched]) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.scored[:16].replace('T', ' '))}</td><td class='figure'>{one.rows:,}</td>"
        f"<td>{_span(one)}</td><td>{one.version}</td><td class='figure'>{_figure(one.live)}</td>"
        f"<td>{escape(', '.join(column.column for column in one.alarms)) or 'none'}</td></tr>"
        for one in reversed(batches)
    )
    head = "<tr><th>scored (UTC)</th><th>rows</th><th>of</th><th>version</th><th>metric</th><th>drifted</th></tr>"
    return f"<h2>Batches</h2><table>{head}{rows}</table>" if rows else ""


def _decisions_section(decisions: Sequence[Decision]) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.started[:16].replace('T', ' '))}</td><td class='{escape(one.action)}'>"
        f"{escape(one.action)}</td><td>{one.challenger or ''}</td><td>{escape(one.reason)}</td></tr>"
        for one in reversed(decisions)
    )
    head = "<tr><th>begun (UTC)</th><th>decision</th><th>challenger</th><th>reason</th></tr>"
    return f"<h2>Decisions</h2><table>{head}{rows}</table>" if rows else ""


def _changes_section(found: Monitor) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.made[:16].replace('T', ' '))}</td><td>{escape(one.kind)}</td>"
        f"<td>{one.was or 'none'} → {one.version}</td><td>{escape(one.who)}</td><td>{escape(one.why)}</td></tr>"
        for one in reversed(found.changes)
        if one.alias == "champion"
    )
    head = "<tr><th>when (UTC)</th><th>how</th><th>champion</th><th>who</th><th>why</th></tr>"
    return f"<h2>Champions</h2><table>{head}{rows}</table>" if rows else ""


def plot(
    points: Sequence[tuple[float, float]],
    other: Sequence[tuple[float, float]] = (),
    *,
    label: str,
    limit: float | None = None,
) -> str:
    """Lines over time as SVG; `points` are seconds since 1970 and figures."""
    figures = [y for _, y in (*points, *other)] + ([limit] if limit is not None else [])
    low, high = min(0.0, *figures), max(figures)
    top = high + (high - low or 1.0) * 0.08
    first, last = points[0][0], points[-1][0]
    stretch, reach = (last - first) or 1.0, (top - low) or 1.0

    def at(point: tuple[float, float]) -> tuple[float, float]:
        across = (point[0] - first) / stretch if last > first else 0.5
        x = _LEFT + across * (_WIDTH - _LEFT - _RIGHT)
        return x, _TOP + (top - point[1]) / reach * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_axis(low, top, at=lambda y: at((first, y))[1]), _dates(first, last)]
    if limit is not None:
        y = at((first, limit))[1]
        parts.append(f'<line class="limit" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    for kind, line in (("two", other), ("one", points)):
        if line:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(at, line))
            parts.append(f'<polyline class="{kind}" points="{path}"/>')
    dots = "".join(
        f'<circle class="dot" cx="{at(one)[0]:.1f}" cy="{at(one)[1]:.1f}" r="3"><title>{_day(one[0])}: '
        f"{one[1]:.4g}</title></circle>"
        for one in points
    )
    return (
        f'<svg role="img" aria-label="{escape(label, quote=True)}" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f"{''.join(parts)}{dots}</svg>"
    )


def _axis(low: float, top: float, *, at: Callable[[float], float]) -> str:
    lines = []
    for part in range(4):
        figure = low + (top - low) * part / 3
        y = at(figure)
        lines.append(
            f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{figure:.3g}</text>'
        )
    return "".join(lines)


def _dates(first: float, last: float) -> str:
    if last <= first:
        return f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 6}" text-anchor="middle">{_day(first)}</text>'
    return (
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{_day(first)}</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 6}" text-anchor="end">{_day(last)}</text>'
    )


def _time(one: Watched) -> float:
    """When the batch's rows end, or when it was scored."""
    text = one.span[1] if one.span else one.scored
    return datetime.fromisoformat(text).timestamp()


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d")  # noqa: DTZ006 - the rows' own clock


def _span(one: Watched) -> str:
    return f"{one.span[0][:10]} to {one.span[1][:10]}" if one.span else ""


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"
