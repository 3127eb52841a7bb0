"""A flow as an SVG picture: stages as boxes, the values that pass as labels on the wires.

Colours are JupyterLab's theme variables where they exist, and otherwise follow the reader's light or dark
preference; nothing is said by colour alone.
"""

from __future__ import annotations

from collections import Counter
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.faces.layout import Box, Wire, drawn
from nbprod.faces.words import cells_said, count_said, seconds_said
from nbprod.model import Kind, LinkReason, Severity, State

if TYPE_CHECKING:
    from nbprod.faces.layout import Placed, Route
    from nbprod.model import Finding, Flow, Link, Record, Stage, StageRun, Study

# Letter and hue of each kind; the hues stay apart for the common colour-blindnesses (Okabe and Ito, 2008).
KINDS = {
    Kind.LOAD: ("L", "#0072b2"),
    Kind.CLEAN: ("C", "#1b8a9c"),
    Kind.FEATURES: ("F", "#007d5a"),
    Kind.SPLIT: ("S", "#8a6a00"),
    Kind.TRAIN: ("T", "#b34a00"),
    Kind.EVALUATE: ("E", "#9c3d77"),
    Kind.SCORE: ("P", "#5b4bb3"),
    Kind.OTHER: ("O", "#5f6670"),
}
SIGNS = {
    State.WAITING: "○",
    State.RUNNING: "▶",
    State.DONE: "✓",
    State.CACHED: "↺",
    State.FAILED: "✗",
    State.BROKEN: "⚠",
    State.SKIPPED: "»",
    State.CANCELLED: "⊘",
}
LABEL_LINE = 13.0
LABEL_ROOM = 30
STYLE = """
.nbprod-flow{
 --nbp-ink:var(--jp-ui-font-color1,#1f2328);--nbp-soft:var(--jp-ui-font-color2,#59636e);
 --nbp-box:var(--jp-layout-color1,#ffffff);--nbp-line:var(--jp-border-color1,#9aa4af);
 --nbp-good:var(--jp-success-color0,#1a7f37);--nbp-bad:var(--jp-error-color1,#c62828);
 --nbp-warn:var(--jp-warn-color0,#9a5b00);--nbp-busy:var(--jp-brand-color1,#0969da);
 max-width:100%;height:auto;font-family:var(--jp-ui-font-family,system-ui,sans-serif)}
@media (prefers-color-scheme:dark){.nbprod-flow{
 --nbp-ink:var(--jp-ui-font-color1,#e6edf3);--nbp-soft:var(--jp-ui-font-color2,#9aa7b4);
 --nbp-box:var(--jp-layout-color1,#161b22);--nbp-line:var(--jp-border-color1,#5b6673);
 --nbp-good:var(--jp-success-color0,#56d364);--nbp-bad:var(--jp-error-color1,#ff7b72);
 --nbp-warn:var(--jp-warn-color0,#e3b341);--nbp-busy:var(--jp-brand-color1,#6cb6ff)}}
.nbprod-flow .box{fill:var(--nbp-box);stroke:var(--nbp-line)}
.nbprod-flow .failed .box,.nbprod-flow .broken .box{stroke:var(--nbp-bad);stroke-width:2}
.nbprod-flow .running .box{stroke:var(--nbp-busy);stroke-width:2}
.nbprod-flow .skipped,.nbprod-flow .cancelled{opacity:.65}
.nbprod-flow .name{fill:var(--nbp-ink);font-size:13px;font-weight:600}
.nbprod-flow .line{fill:var(--nbp-soft);font-size:11px}
.nbprod-flow .icon{fill:#fff;font-size:12px;font-weight:700;text-anchor:middle}
.nbprod-flow .good{fill:var(--nbp-good)}.nbprod-flow .bad{fill:var(--nbp-bad)}
.nbprod-flow .warn{fill:var(--nbp-warn)}.nbprod-flow .busy{fill:var(--nbp-busy)}
.nbprod-flow .wire{fill:none;stroke:var(--nbp-line);stroke-width:1.5}
.nbprod-flow .wire.file{stroke-dasharray:5 3}.nbprod-flow .wire.state{stroke-dasharray:2 3}
.nbprod-flow .head{fill:var(--nbp-line)}
.nbprod-flow .value{fill:var(--nbp-soft);font-size:11px;text-anchor:middle;
 font-family:var(--jp-code-font-family,ui-monospace,monospace)}
""".strip()


class _Card(Struct, frozen=True, kw_only=True):
    """What one stage's box says."""

    stage: Stage
    run: StageRun | None
    lines: tuple[tuple[str, str], ...]
    width: float
    height: float


def flow_svg(study: Study, *, record: Record | None = None) -> str:
    """The study's flow drawn from top to bottom, with the states of `record` where one is given."""
    counts = _counts(study)
    runs = {one.stage: one for one in reversed(record.stages)} if record else {}
    cards = {
        stage.name: _card(stage, runs.get(stage.name), counts[stage.name]) for stage in study.flow.stages
    }
    links = _by_pair(study.flow)
    labels = {pair: _label_lines(several) for pair, several in links.items()}
    wires = [
        Wire(
            giver=giver,
            taker=taker,
            label_width=max(map(_code_width, lines), default=0.0),
            label_height=LABEL_LINE * len(lines) + 4.0,
        )
        for (giver, taker), lines in labels.items()
    ]
    boxes = [Box(name=name, width=card.width, height=card.height) for name, card in cards.items()]
    drawing = drawn(boxes, wires)
    if not cards:
        return _document(study, 320, 48, ['<text class="line" x="12" y="28">No cell has a stage yet.</text>'])
    body = [
        _wire_svg(
            route, labels[route.wire.giver, route.wire.taker], links[route.wire.giver, route.wire.taker]
        )
        for route in drawing.routes
    ]
    body += [_card_svg(card, drawing.boxes[name]) for name, card in cards.items()]
    return _document(study, drawing.width, drawing.height, body)


def _document(study: Study, width: float, height: float, body: list[str]) -> str:
    stages = study.flow.stages
    title = f"Pipeline of {count_said(len(stages), 'stage')}"
    described = _described(study.flow) or "No cell has a stage yet."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="nbprod-flow" role="img" width="{width:g}" '
        f'height="{height:g}" viewBox="0 0 {width:g} {height:g}" aria-label="{escape(f"{title}: {described}")}">'
        f"<title>{escape(title)}</title><desc>{escape(described)}</desc><style>{STYLE}</style>\n"
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _described(flow: Flow) -> str:
    givers: dict[str, list[str]] = {}
    for link in flow.links:
        givers.setdefault(link.taker, []).append(link.giver)
    return "; ".join(
        f"{stage.name} ({stage.kind})"
        + (f" after {', '.join(givers[stage.name])}" if stage.name in givers else "")
        for stage in flow.stages
    )


# What a box says


def _card(stage: Stage, run: StageRun | None, counts: list[tuple[str, str]]) -> _Card:
    lines = [("line", f"{stage.kind} · {cells_said(stage.cells)}")]
    if run is not None:
        lines.append((_tone(run.state), _run_said(run)))
    lines += counts
    widths = [_text_width(text, 6.3) for _, text in lines] + [_text_width(stage.name, 9.0)]
    return _Card(
        stage=stage,
        run=run,
        lines=tuple(lines),
        width=max(150.0, 58.0 + max(widths)),
        height=30.0 + 16.0 * len(lines),
    )


def _run_said(run: StageRun) -> str:
    seconds = f" · {seconds_said(run.seconds)}" if run.seconds is not None else ""
    return f"{SIGNS[run.state]} {run.state}{seconds}"


def _tone(state: State) -> str:
    match state:
        case State.DONE | State.CACHED:
            return "line good"
        case State.FAILED | State.BROKEN:
            return "line bad"
        case State.RUNNING:
            return "line busy"
        case State.WAITING | State.SKIPPED | State.CANCELLED:
            return "line"


def _counts(study: Study) -> dict[str, list[tuple[str, str]]]:
    """For each stage the lines that say how much was found in it and is expected of what it gives."""
    stage_at = {cell: stage.name for stage in study.flow.stages for cell in stage.cells}
    found: dict[str | None, list[Finding]] = {}
    for one in study.findings:
        own = one.stage or (stage_at.get(one.span.cell) if one.span else None)
        found.setdefault(own, []).append(one)
    last_giver = {name: stage.name for stage in study.flow.stages for name in stage.gives}
    expected: Counter[str | None] = Counter()
    for suite in study.suites:
        expected[suite.stage or last_giver.get(suite.value)] += len(suite.expectations)
    return {
        stage.name: _counted(found.get(stage.name, []), expected[stage.name]) for stage in study.flow.stages
    }


def _counted(findings: list[Finding], expected: int) -> list[tuple[str, str]]:
    lines = []
    if findings:
        is_error = any(one.severity is Severity.ERROR for one in findings)
        lines.append(("line bad" if is_error else "line warn", f"▲ {count_said(len(findings), 'finding')}"))
    if expected:
        lines.append(("line", f"◇ {count_said(expected, 'expectation')}"))
    return lines


def _card_svg(card: _Card, at: Placed) -> str:
    letter, hue = KINDS[card.stage.kind]
    left = at.x - at.width / 2
    state = f" {card.run.state}" if card.run else ""
    rows = "".join(
        f'<text class="{tone}" x="44" y="{38 + 16 * row}">{escape(text)}</text>'
        for row, (tone, text) in enumerate(card.lines)
    )
    return (
        f'<g class="stage{state}" data-stage="{escape(card.stage.name)}" transform="translate({left:g},{at.y:g})">'
        f"<title>{escape(_tooltip(card))}</title>"
        f'<rect class="box" width="{at.width:g}" height="{at.height:g}" rx="6"/>'
        f'<circle cx="22" cy="{at.height / 2:g}" r="12" fill="{hue}"/>'
        f'<text class="icon" x="22" y="{at.height / 2 + 4.5:g}">{letter}</text>'
        f'<text class="name" x="44" y="21">{escape(card.stage.name)}</text>{rows}</g>'
    )


def _tooltip(card: _Card) -> str:
    stage = card.stage
    lines = [stage.name, *(text for _, text in card.lines)]
    if stage.needs:
        lines.append("needs " + ", ".join(f"{need.name} (from {need.giver})" for need in stage.needs))
    if stage.gives:
        lines.append("gives " + ", ".join(stage.gives))
    if card.run is not None and card.run.reason:
        lines.append(card.run.reason)
    return "\n".join(lines)


# What a wire says


def _by_pair(flow: Flow) -> dict[tuple[str, str], list[Link]]:
    """The links of each pair of stages that are linked, however many reasons there are."""
    by_pair: dict[tuple[str, str], list[Link]] = {}
    for link in flow.links:
        by_pair.setdefault((link.giver, link.taker), []).append(link)
    return by_pair


def _label_lines(links: list[Link]) -> list[str]:
    names = [_carried(name, link.reason) for link in links for name in link.carries]
    lines, line = [], ""
    for name in names:
        longer = f"{line}, {name}" if line else name
        if line and len(longer) > LABEL_ROOM:
            lines.append(f"{line},")
            longer = name
        line = longer
    lines.append(line)
    if len(lines) > 3:
        shown = sum(one.count(",") for one in lines[:2])
        lines = [*lines[:2], f"and {len(names) - shown} more"]
    return [one if len(one) <= LABEL_ROOM + 2 else f"{one[:LABEL_ROOM]}…" for one in lines if one]


def _carried(name: str, reason: LinkReason) -> str:
    return f"“{name}”" if reason is LinkReason.FILE else name


def _wire_svg(route: Route, lines: list[str], links: list[Link]) -> str:
    reasons = {link.reason for link in links}
    kind = "" if LinkReason.VALUES in reasons else f" {links[0].reason}"
    said = "; ".join(f"{link.reason}: {', '.join(link.carries)}" for link in links)
    label = route.label
    texts = "".join(
        f'<text class="value" x="{label.x:g}" y="{_baseline(label, row, len(lines)):g}">{escape(line)}</text>'
        for row, line in enumerate(lines)
    )
    return (
        f'<g class="link"><title>{escape(f"{route.wire.giver} → {route.wire.taker} · {said}")}</title>'
        f'<path class="wire{kind}" d="{_path(route, has_label=bool(lines))}"/>{_head(route)}{texts}</g>'
    )


def _baseline(label: Placed, row: int, rows: int) -> float:
    return round(label.y + (label.height - rows * LABEL_LINE) / 2 + row * LABEL_LINE + 10, 1)


def _path(route: Route, *, has_label: bool) -> str:
    """Curves between layers, straight lines through them; the wire is cut where its label stands."""
    points = route.points
    drawn_path = f"M{points[0][0]:g},{points[0][1]:g}"
    for number, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
        last = number == len(points) - 2
        if number % 2 == 1:
            is_label = number == 1 and has_label
            drawn_path += f"M{x1:g},{y1:g}" if is_label else f"L{x1:g},{y1:g}"
            continue
        end = y1 - 6 if last else y1
        middle = (y0 + end) / 2
        drawn_path += f"C{x0:g},{middle:g} {x1:g},{middle:g} {x1:g},{end:g}"
    return drawn_path


def _head(route: Route) -> str:
    x, y = route.points[-1]
    return f'<path class="head" d="M{x:g},{y - 1:g}l-4,-7h8z"/>'


def _text_width(text: str, pixels_a_letter: float) -> float:
    return len(text) * pixels_a_letter


def _code_width(text: str) -> float:
    return len(text) * 6.7
