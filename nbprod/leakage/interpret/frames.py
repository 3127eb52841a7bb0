"""Frames and their columns: what a free name stands for, which rows a mask leaves, how a column is stored."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.horizon import Reach
from nbprod.leakage.interpret import knowledge, positions
from nbprod.leakage.interpret.combining import misaligned, without_borders
from nbprod.leakage.interpret.facts import NOTHING, Ahead, Bound, Clock, Facts, Rows
from nbprod.leakage.interpret.values import (
    BY_COLUMN,
    IN_TIME,
    Cells,
    Const,
    Deferred,
    Opaque,
    Order,
    Picks,
    Ref,
    Row,
    Scope,
    Seq,
    Table,
    Value,
)
from nbprod.model import Step

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run

OTHER_COLUMNS = Opaque(hint="any column")
INDEXERS = frozenset({"loc", "iloc", "at", "iat", "ix"})


def is_class_name(name: str) -> bool:
    """Whether a free capitalised name is a class that some library's table knows."""
    return knowledge.function(name) is not None


def is_library_function(name: str) -> bool:
    """Whether a free name is a function that everyone imports by that name, as after a star import."""
    return name in knowledge.BARE_FUNCTIONS


def is_hashable(value: object) -> bool:
    """Whether a constant can be a key."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def free(run: Run, name: str) -> Ref | Value:
    """Data that the notebook uses but does not make: a table of unknown columns, remembered from then on."""
    root = name
    run.record.free.add(root)
    side = side_of_name(name)
    rows = Rows(tables=frozenset({root}))
    if side:
        rows = rows.narrowed(Bound(kind="part", subject=name, side=side))
    table = Table(rest=NOTHING, rows=rows, root=root, library=run.libraries.get(name, ""), order=IN_TIME)
    place = run.new(table)
    run.frees[name] = place
    counts = run.record.shown if run.showing else run.record.used
    counts[name] = counts.get(name, 0) + 1
    return place


_TRAIN = frozenset({"train", "training", "tr", "trn", "dev", "fit"})
_TEST = frozenset(
    {"test", "testing", "te", "tst", "val", "va", "valid", "validation", "holdout", "eval", "oos", "ts_"}
)


def side_of_name(name: str) -> str:
    """The side of a split that a name speaks of, or nothing."""
    from nbprod.leakage.interpret.clocks import words

    found = set(words(name))
    # `Xtr`, `yte`: the letter of features or labels and the side in one word
    found |= {word[1:] for word in found if word[0] in "xy" and len(word) > 2}
    if found & _TEST:
        return "test"
    return "train" if found & _TRAIN else ""


def is_whole(table: Table, name: str) -> bool:
    """Whether a part of a data set of scikit-learn's is its whole frame: `fetch_california_housing(as_frame=True).frame`."""
    return name == "frame" and table.root.startswith(("load_", "fetch_")) and name not in table.columns


def index_of(run: Run, table: Table) -> Value:
    """The index as data where it holds times, else as labels that pick rows."""
    if table.keyed == BY_COLUMN:
        return labels_of(table.all_facts, table.rows)
    if table.index:
        return column(run, table, table.index[0])
    last = table.rows.bounds[-1] if table.rows.bounds else Bound(kind="all")
    return Picks(last, rows=table.rows)


def labels_of(facts: Facts, rows: Rows) -> Cells:
    """The labels of an aggregate: which ones are there depends on what was aggregated."""
    return Cells(facts=replace(facts, reads={}, clock=None), rows=rows, shape="scalar")


def as_matrix(run: Run, table: Table) -> Cells:
    """The frame as an array, its columns no longer told apart."""
    width = len(table.columns) if table.rest is None else None
    return Cells(
        facts=known_facts(run, table),
        shape="matrix" if table.up_to is None else "element",
        rows=table.rows,
        order=table.order,
        array=True,
        library="numpy",
        within=table.within,
        keyed=table.keyed,
        presence=table.presence,
        name=next(iter(table.columns)) if width == 1 else None,
    )


def known_facts(run: Run, table: Table) -> Facts:
    """All columns joined; of an open table, a source that stands for those not named."""
    _ = run
    return table.every_fact


def column(run: Run, table: Table, name: str, *, scope: Scope | None = None) -> Cells:
    """One column of a frame as cells, with what is declared about it."""
    facts = table.facts(name)
    if facts is None:
        if table.index and name == table.index[0]:
            facts = Facts(clock=Clock())
        else:
            facts = Facts(reads={f"{table.root or '?'}.{name}": 0.0})
    if run.showing:
        run.record.columns_shown.add((table.root, name))
    else:
        run.record.columns_used.add((table.root, name))
    if table.root:
        run.saw_column(table.root, name)
    if facts.clock is None and run.is_time(name, facts) and not facts.derived:
        facts = replace(facts, clock=Clock())
    facts = awaited(run, table, name, facts)
    scope = scope or Scope()
    return Cells(
        facts=facts,
        rows=table.rows,
        order=scope.order or table.order,
        name=name,
        keyed=table.keyed,
        library=table.library or "pandas",
        index=table.index[0] if table.index else None,
        within=(*table.within, *scope.keys),
        frame=scope.frame,
        array=bool(table.offset) or table.up_to is not None,
        offset=table.offset,
        shape="column" if table.up_to is None else "element",
        width=None if table.up_to is None else 2,
        presence=table.presence,
    )


def row_of(run: Run, table: Table) -> Cells:
    """The row that a loop over a frame stands on, its columns told apart when they are named."""
    facts = known_facts(run, table)
    return Cells(facts=facts, shape="element", rows=table.rows, order=table.order, row=Row(table=table))


def in_row(run: Run, cells: Cells, name: str, node: ast.AST) -> Cells:
    """A column's value in a row: what the column reads, and what has been found of the row since."""
    row = cells.row
    if row is None or not isinstance(row.table, Table):
        return replace(cells, name=name, conditions=())
    facts = column(run, row.table, name).facts
    if row.place is not None:
        from nbprod.leakage.interpret.subscripts import ahead_of_position

        facts = ahead_of_position(run, facts, row.place, node)
    known = {ahead.key for ahead in row.table.all_facts.aheads}
    found = (
        tuple(ahead for ahead in cells.facts.aheads if ahead.key not in known) if row.place is None else ()
    )
    return replace(
        cells, facts=facts.with_ahead(*found) if found else facts, name=name, conditions=(), row=None
    )


def awaited(run: Run, table: Table, name: str, facts: Facts) -> Facts:
    """A column that is declared to be known only from another column's time on."""
    known = run.known.get(name)
    if known is None or known == run.time or facts.derived or not facts.reads or run.node is None:
        return facts
    if (
        any(ahead.rule == "not-yet-known" for ahead in facts.aheads)
        or known in table.index
        or table.order.by == known
    ):
        return facts
    span = run.span(run.node)
    says = f"{name!r} is known only from {known!r} on"
    ahead = Ahead(
        rule="not-yet-known",
        reach=Reach(awaits=known),
        span=span,
        says=says,
        sources=facts.sources,
        detail=known,
    )
    return replace(facts, aheads=(*facts.aheads, ahead))


def masked(run: Run, value: Value, mask: Cells, node: ast.AST) -> Value:
    """The rows of a frame or column where a mask is true."""
    bounds = mask.conditions or (
        Bound(kind="where", subject=run.text(node), low=run.text(node), span=run.span(node)),
    )
    chosen = tuple(ahead for ahead in mask.facts.aheads if _decides(ahead, node))
    chosen = tuple(a.then(Step(span=run.span(node), says="decides which rows are kept")) for a in chosen)
    from nbprod.leakage.interpret.learning import noted_draw

    for bound in bounds:
        if bound.subject.startswith("random@"):
            noted_draw(run, bound, value)
    before = any(bound.kind == "before" for bound in bounds)
    if before:
        chosen = tuple(ahead for ahead in chosen if ahead.rule != "unbounded-join")
    order = _of_one_entity(value, bounds) if isinstance(value, Table | Cells) else IN_TIME
    if isinstance(value, Table):
        rows = value.rows.narrowed(*bounds)
        kept = replace(value, rows=rows, order=order, presence=(*value.presence, *chosen))
        if any(bound.kind == "border" for bound in bounds):
            kept = kept.mapped(lambda facts: without_borders(facts, bounds))
        return kept.mapped(_in_time) if before else kept
    if isinstance(value, Cells):
        facts = value.facts.with_ahead(*chosen) if chosen else value.facts
        return replace(value, facts=facts, rows=value.rows.narrowed(*bounds), order=order, conditions=())
    return value


def _decides(ahead: Ahead, mask: ast.AST) -> bool:
    """Whether a way of looking ahead decides which rows exist.

    A comparison with a later row does, where it stands in the mask itself; a stored column may be the label, and
    rows that no later one follows are left out by everybody.
    """
    if ahead.rule == "codes":
        return False
    if ahead.reach.whole:
        return True
    here = any(isinstance(each, ast.Compare) for each in ast.walk(mask))
    return here and ahead.rule == "shift-into-future" and not any("stored as" in s.says for s in ahead.steps)


def _of_one_entity(value: Table | Cells, bounds: tuple[Bound, ...]) -> Order:
    """The order of rows of which only those of one entity are left: nothing comes before time in it."""
    equal = {bound.subject for bound in bounds if bound.kind == "where" and bound.low == bound.high}
    kept = tuple(name for name in value.order.entity_first if name not in equal)
    return replace(value.order, entity_first=kept)


def _in_time(facts: Facts) -> Facts:
    return facts.without(lambda ahead: ahead.rule in ("unbounded-join", "not-yet-known"))


def stored_column(run: Run, table: Table, name: str, value: Value, node: ast.AST) -> Table:
    """The frame with a column set to a value."""
    value = run.at(value)
    facts = by_place(run, table, value, node)
    if isinstance(value, Cells) and value.keyed and not table.keyed and not value.array:
        from nbprod.leakage.interpret.joining import within_bars

        facts = within_bars(facts)
    if isinstance(value, Cells) and value.array and value.shape in ("column", "matrix"):  # noqa: SIM102
        if value.order.newest_first != table.order.newest_first and facts.reads:
            facts = facts.with_ahead(misaligned(run, value, node))
    if isinstance(value, Deferred):
        from nbprod.leakage.interpret.deferred import built

        facts = run.facts(built(run, value, table))
    if (number := positions.number_in(run, value)) is not None:
        facts = replace(facts, numbers=number)
    facts = replace(facts, derived=True).then(Step(span=run.span(node), says=f"stored as column {name!r}"))
    run.record.stored[name] = run.span(node)
    if facts.clock is not None and table.root:
        run.record.times.setdefault(table.root, set()).add(name)
    presence = value.presence if isinstance(value, Table) else ()
    _ = presence
    return table.with_column(name, facts)


def by_place(run: Run, table: Table, value: Value, node: ast.AST) -> Facts:
    """The facts of a value beside the rows of a frame, where a list or an array is put by place."""
    from nbprod.leakage.interpret.moving import placed

    item = run.at(value.any_item) if isinstance(value, Seq) and value.items is None else value
    if not isinstance(item, Cells):
        return run.facts(value)
    cut = sum(b.low for b in table.rows.bounds if b.kind == "slice" and isinstance(b.low, int) and b.low > 0)
    return placed(run, item, cut if item.offset else 0, node)


def columns_named(run: Run, table: Table, value: Value) -> tuple[str, ...] | None:
    """The column names that a value lists, None where they aren't known."""
    value = run.at(value)
    match value:
        case Const(str(name)):
            return (name,)
        case Const(list() | tuple() as names) if all(isinstance(name, str) for name in names):
            return tuple(names)
        case Opaque(hint=hint) if hint and hint != "columns" and not hint.startswith("forward"):
            return (f"<{hint}>" if "<" not in hint else hint,)
        case Seq(items=items) if items is not None:
            names_: list[str] = []
            for item in items:
                inner = columns_named(run, table, item)
                if inner is None:
                    return None
                names_.extend(inner)
            return tuple(names_)
    return None


def projected(run: Run, table: Table, names: tuple[str, ...]) -> Table:
    """The frame with these columns only."""
    columns = {}
    for name in names:
        facts = column(run, table, name).facts
        # what is passed on as it is awaits its time where it is used, not here
        columns[name] = facts if facts.derived else facts.without(lambda a: a.rule == "not-yet-known")
    return replace(table, columns=columns, rest=None, gone=frozenset())


def chosen(run: Run, table: Table, names: Value) -> Table:
    """The frame with columns that nobody can tell: all of them, still told apart, and how they were chosen."""
    found = tuple(ahead for ahead in run.facts(names).aheads if ahead.over is not None)
    kept = replace(table, guessed=True)
    if not found:
        return kept
    known = replace(kept, rest=known_facts(run, kept)) if kept.rest is not None else kept
    return known.mapped(lambda facts: facts.with_ahead(*found))


def with_others(run: Run, table: Table, names: tuple[str, ...], *, without: frozenset[str]) -> Table:
    """The frame with these columns and those that nobody has named; the named ones left out are gone."""
    kept = projected(run, table, names)
    gone = table.gone | without | (frozenset(table.columns) - frozenset(names))
    return replace(kept, rest=table.rest, gone=gone)


def dropped(table: Table, names: tuple[str, ...]) -> Table:
    """The frame without these columns."""
    kept = {name: facts for name, facts in table.columns.items() if name not in names}
    return replace(table, columns=kept, gone=table.gone | frozenset(names))
