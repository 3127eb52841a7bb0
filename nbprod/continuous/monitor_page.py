"""The monitor as one page of HTML that needs nothing else: metric, drift, skew, data and decisions over time."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING

from nbprod.continuous.conditions import LARGE_PSI
from nbprod.continuous.decisions import Action
from nbprod.continuous.monitoring import news, skew_said, span_said
from nbprod.continuous.plots import STYLE, Happened, Mark, lanes, plot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbprod.continuous.decisions import Decision
    from nbprod.continuous.monitoring import Monitor, Watched
    from nbprod.expectations.drift import ColumnDrift
    from nbprod.tracking.parity import Parity
    from nbprod.tracking.registry import AliasChange

_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1f2937, #e5e7eb); --soft: light-dark(#5b6472, #9ca3af);
 --line: #8886; --paper: light-dark(#fff, #14171c); --one: light-dark(#2563eb, #74a9ff); --two: #8a94a6;
 --bad: light-dark(#c2410c, #ff8f66); --good: light-dark(#2b8a3e, #6fcf7f); }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
 color: var(--ink); background: var(--paper); overflow-wrap: break-word; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 2.2rem 0 .4rem; } p { margin: .3rem 0 .6rem; }
ul { margin: .3rem 0 .3rem 1.2rem; padding: 0; } .soft { color: var(--soft); }
.table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th { text-align: left; color: var(--soft); font-weight: 500; } td, th { padding: .25rem 1rem .25rem 0;
 border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
td { font-variant-numeric: tabular-nums; } td.said { white-space: normal; min-width: 15rem; width: 99%; }
@media (max-width: 640px) { .stacked tr { display: flex; flex-wrap: wrap; border-bottom: 1px solid var(--line); }
 .stacked td { border: 0; padding-bottom: 0; } .stacked th { display: none; }
 .stacked td.said { width: 100%; padding-bottom: .4rem; } }
.spot { fill: var(--two); } .promoted { color: var(--good); } .stopped, .failed, .bad { color: var(--bad); }
.spot.promoted { fill: var(--good); } .spot.stopped, .spot.failed { fill: var(--bad); } .spot.kept { fill: var(--one); }
"""
# Whatever a reason says, the page asks nobody for anything.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_LANES = (
    Action.PROMOTED,
    Action.KEPT,
    Action.NOTHING,
    Action.STOPPED,
    Action.FAILED,
    Action.ABANDONED,
    Action.UNDER_WAY,
)
_MOST_COLUMNS = 12
# A column of values all new has an infinite one: in the plot it stands here, above all others.
_HIGHEST_PSI = 10.0


def monitor_page(found: Monitor) -> str:
    """The page."""
    title = f"{found.model}: version {found.champion} is champion"
    told = "".join(f"<li>{escape(one)}</li>" for one in news(found)) or "<li>Nothing wants attention.</li>"
    batches = found.batches
    sections = (
        _section("Metric", _metric(batches)),
        _section("Drift of the features", _drift(batches)),
        _section("Skew between training and serving", _skew(found.skew)),
        _section("Predictions", _predictions(batches)),
        _section("Data", _data(batches)),
        _section("Decisions", _decisions(found.decisions)),
        _section("Champions", _champions(found.changes)),
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}{STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1><ul>{told}</ul>{''.join(sections)}</body></html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _metric(batches: Sequence[Watched]) -> str:
    # A metric may be undefined for a batch, such as the area under the curve where all labels are the same.
    live = [(_time(one), one.live) for one in batches if one.live is not None and isfinite(one.live)]
    if not live:
        return _soft("No labels have arrived yet: give them with --labels.")
    promised = [
        (_time(one), one.promised)
        for one in batches
        if one.promised is not None and isfinite(one.promised) and live[0][0] <= _time(one) <= live[-1][0]
    ]
    name = batches[-1].metric
    return _soft(
        f"Line: {name}, live, as labels arrived. Dashes: what the version promised on its own held-out rows."
    ) + plot(live, promised, label=f"{name} over time", marks=_versions(batches))


def _drift(batches: Sequence[Watched]) -> str:
    if not batches:
        return _nothing_scored()
    worst = [
        (_time(one), min(max((column.psi for column in one.drift), default=0.0), _HIGHEST_PSI))
        for one in batches
    ]
    last = batches[-1]
    rows = [_column_row(one, has_alarm=one in last.alarms) for one in last.drift[:_MOST_COLUMNS]]
    left = len(last.drift) - len(rows)
    return (
        _soft(
            "The largest population stability index (PSI) of any feature against what the version learned from; the "
            f"dotted line is {LARGE_PSI}, a large change."
        )
        + plot(worst, limit=LARGE_PSI, label="largest PSI over time", marks=_versions(batches))
        + _table(("feature, latest batch", "PSI", "missing then → now", "p", ""), rows)
        + (_soft(f"{left} more features changed less.") if left else "")
    )


def _column_row(one: ColumnDrift, *, has_alarm: bool) -> str:
    chance = f"{one.p_value:.2g}" if one.p_value >= 1e-6 else "&lt; 1e-06"
    missing = f"{one.nulls_reference:.1%} → {one.nulls_batch:.1%}"
    drifted = '<span class="bad">drifted</span>' if has_alarm else ""
    return _row(escape(one.column), f"{one.psi:.3f}", missing, chance, drifted)


def _skew(found: Parity | None) -> str:
    if found is None:
        return _soft(
            "No features that were served were given: --served holds them against the training's own."
        )
    rows = [
        _row(escape(one.column), f"{one.rows:,}", escape(one.first), escape(one.trained), escape(one.served))
        for one in found.skewed
    ]
    head = ("feature", "rows that differ", "first", "in training", "served")
    return _soft(skew_said(found)) + (_table(head, rows) if rows else "")


def _predictions(batches: Sequence[Watched]) -> str:
    points = [
        (_time(one), one.predicted_mean)
        for one in batches
        if one.predicted_mean is not None and isfinite(one.predicted_mean)
    ]
    if not points:
        return _nothing_scored()
    return _soft("The mean of what was predicted.") + plot(
        points, label="mean prediction over time", marks=_versions(batches)
    )


def _data(batches: Sequence[Watched]) -> str:
    if not batches:
        return _nothing_scored()
    rows = [
        _row(
            escape(span_said(one)),
            f"{one.rows:,}",
            str(one.version),
            "none yet" if one.live is None else f"{one.live:.4g}",
            escape(", ".join(column.column for column in one.alarms)) or "nothing",
            _moment(one.scored),
        )
        for one in reversed(batches)
    ]
    head = ("batch", "rows", "version", batches[-1].metric, "drifted", "scored (UTC)")
    return (
        _soft("Rows of each batch that was scored, by the time of its last row.")
        + plot([(_time(one), float(one.rows)) for one in batches], label="rows over time")
        + _table(head, rows)
    )


def _decisions(decisions: Sequence[Decision]) -> str:
    if not decisions:
        return _soft("None yet: `nbprod retrain` decides.")
    happened = [
        Happened(at=_seconds(one.started), lane=str(one.action), says=f"{one.started[:16]}: {one.reason}")
        for one in decisions
    ]
    rows = [
        _row(
            _moment(one.started),
            f'<span class="{escape(one.action)}">{escape(one.action)}</span>',
            str(one.challenger or ""),
            said=_because(one),
        )
        for one in reversed(decisions)
    ]
    head = ("begun (UTC)", "decision", "challenger", "because")
    return lanes(happened, order=list(_LANES), label="decisions over time") + _table(
        head, rows, kind="stacked"
    )


def _because(one: Decision) -> str:
    was_first = one.champion is None
    triggers = "" if was_first else "; ".join(one.triggers)
    led = f'<span class="soft">Trained as {escape(triggers)}.</span> ' if triggers else ""
    return f"{led}{escape(one.reason)}"


def _champions(changes: Sequence[AliasChange]) -> str:
    rows = [
        _row(
            _moment(one.made),
            escape(one.kind),
            f"{one.was or 'none'} → {one.version}",
            escape(one.who),
            said=escape(one.why),
        )
        for one in reversed(changes)
        if one.alias == "champion"
    ]
    return _table(("when (UTC)", "how", "champion", "who", "why"), rows, kind="stacked")


def _table(head: Sequence[str], rows: Iterable[str], *, kind: str = "") -> str:
    names = "".join(f"<th>{escape(one)}</th>" for one in head)
    # It scrolls where it is wider than the window, so the keyboard must reach it.
    return (
        f'<div class="table" tabindex="0"><table class="{kind}"><tr>{names}</tr>{"".join(rows)}</table></div>'
    )


def _row(*cells: str, said: str | None = None) -> str:
    """A row of cells that are HTML; `said` is a last one that may be long."""
    last = "" if said is None else f'<td class="said">{said}</td>'
    return f"<tr>{''.join(f'<td>{one}</td>' for one in cells)}{last}</tr>"


def _soft(text: str) -> str:
    return f'<p class="soft">{escape(text)}</p>'


def _nothing_scored() -> str:
    return _soft("Nothing has been scored yet.")


def _versions(batches: Sequence[Watched]) -> tuple[Mark, ...]:
    """Where another version began to score."""
    return tuple(
        Mark(at=_time(after), says=f"version {after.version}")
        for before, after in pairwise(batches)
        if before.version != after.version
    )


def _time(one: Watched) -> float:
    """When the batch's rows end, or when it was scored."""
    return _seconds(one.span[1] if one.span else one.scored)


def _seconds(text: str) -> float:
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _moment(text: str) -> str:
    return escape(text[:16].replace("T", " "))
