"""The columns of a grouped frame, each knowing its groups, and back to a frame; knows no method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import frames
from nbprod.leakage.interpret.facts import Facts
from nbprod.leakage.interpret.values import Cells, Grouped, Table, Value

if TYPE_CHECKING:
    import ast

    from nbprod.leakage.interpret.context import Args, Run


def parts_of(run: Run, grouped: Grouped) -> tuple[Cells, ...]:
    """The selected columns, each knowing its groups; one that stands for the rest where it is open."""
    base = run.at(grouped.base)
    if isinstance(base, Cells):
        return (replace(base, within=(*base.within, *grouped.keys)),)
    assert isinstance(base, Table)  # noqa: S101 - asked just before
    keys = {key.name for key in grouped.keys}
    names = grouped.picked if grouped.picked is not None else tuple(n for n in base.columns if n not in keys)
    cells = []
    for name in names:
        column = frames.column(run, base, name)
        cells.append(replace(column, within=(*column.within, *grouped.keys)))
    return tuple(cells)


def rest_of(run: Run, grouped: Grouped) -> Cells | None:
    base = run.at(grouped.base)
    if not isinstance(base, Table) or base.rest is None or grouped.picked is not None:
        return None
    facts = base.rest | Facts(reads={f"{base.root}.*": 0.0}) if base.root else base.rest
    return Cells(facts=facts, rows=base.rows, order=base.order, within=(*base.within, *grouped.keys))


def one_a_row(run: Run, cells: Cells, grouped: Grouped) -> Cells:
    base = run.at(grouped.base)
    within = base.within if isinstance(base, Table | Cells) else ()
    return replace(
        cells, within=within, shape="column", keyed=base.keyed if isinstance(base, Table | Cells) else ()
    )


def one_or_table(  # noqa: PLR0917
    run: Run, grouped: Grouped, made: list[tuple[str, Cells]], name: str, args: Args, node: ast.AST
) -> Value:
    base = run.at(grouped.base)
    if (grouped.single or isinstance(base, Cells)) and made:
        return made[0][1]
    from nbprod.leakage.interpret.methods import on_cells

    rest = rest_of(run, grouped)
    rest_facts = None
    if rest is not None:
        rest_facts = run.facts(on_cells(run, rest, rest, name, args, node))
    assert isinstance(base, Table)  # noqa: S101 - asked just before
    return run.new(replace(base, columns={n: c.facts for n, c in made}, rest=rest_facts, root=""))
