"""Models, promotions and decisions as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.faces.paint import no_paint

if TYPE_CHECKING:
    from nbprod.api.models import Promotion
    from nbprod.continuous.gates import Gate
    from nbprod.faces.paint import Paint
    from nbprod.tracking.registry import AliasChange


def promotion_text(found: Promotion, *, paint: Paint = no_paint) -> str:
    """Whether the version is champion now, and what the gate saw."""
    if found.change is None:
        head = f"{paint('bad', 'Refused')}: {found.version} stays challenger. {found.gate.reason}"
    else:
        head = f"{paint('good', 'Promoted')}: {change_said(found.change)}"
    return "\n".join([head, f"  {gate_said(found.gate)}"])


def change_said(change: AliasChange) -> str:
    """`flights champion: 2 → 3, by ann: better by 1.2`."""
    was = "none" if change.was is None else change.was
    return f"{change.model} {change.alias}: {was} → {change.version}, by {change.who}: {change.why}"


def gate_said(gate: Gate) -> str:
    """The figures of a contest on one line."""
    parts = []
    if gate.challenger is not None:
        parts.append(f"{gate.metric} {gate.challenger:.4g}")
    if gate.champion is not None:
        parts.append(f"champion's {gate.champion:.4g}")
    if gate.lower is not None:
        parts.append(f"gain surely above {gate.lower:.4g}")
    if gate.rows:
        parts.append(
            f"{gate.rows:,} rows" + (f" in {gate.blocks} blocks of {gate.block}" if gate.blocks else "")
        )
    if gate.window:
        parts.append(f"{gate.window[0][:16]} to {gate.window[1][:16]}".replace("T", " "))
    return ", ".join(parts)
