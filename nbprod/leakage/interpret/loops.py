"""Loops and comprehensions: over a few known items they are unrolled, over rows they stand on one row."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret.combining import join_values
from nbprod.leakage.interpret.learning import a_batch, folds_of
from nbprod.leakage.interpret.values import (
    Cells,
    Const,
    Estimator,
    Folds,
    Grouped,
    Mapped,
    Opaque,
    Picks,
    Position,
    Seq,
    Symbol,
    Table,
    Value,
)

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Run

MOST_TURNS = 12


def items_of(run: Run, value: Value) -> tuple[Value, ...] | None:
    """The items of an iterable where they are few and known."""
    held = run.at(value)
    match held:
        case Seq(items=items, any_item=None) if items is not None and len(items) <= MOST_TURNS:
            return items
        case Seq(items=items) if items is not None:
            return None
        case Const(range() | list() | tuple() | set() | frozenset() as inner) if len(inner) <= MOST_TURNS:
            return tuple(Const(item) for item in inner)
        case Const(str(text)) if len(text) <= MOST_TURNS:
            return tuple(Const(letter) for letter in text)
        case Mapped(items=items, any_item=None) if len(items) <= MOST_TURNS:
            return tuple(Const(key) for key in items)
        case Table(rest=None, columns=columns) if 0 < len(columns) <= MOST_TURNS:
            return tuple(Const(name) for name in columns)
    return None


def any_item_of(run: Run, value: Value) -> Value:  # noqa: C901, PLR0912
    """What any item of an iterable may be."""
    held = run.at(value)
    match held:
        case Cells(shape="column") | Cells(shape="matrix"):
            return replace(held, shape="element", conditions=())
        case Cells():
            return held
        case Table():
            return Opaque(hint="any column") if held.rest is not None else _columns(held)
        case Folds():
            return folds_of(run, held)
        case Estimator(role="data"):
            return a_batch(run, held)
        case Grouped(base=base, keys=keys):
            inner = run.at(base)
            if isinstance(inner, Table):
                part = replace(inner, within=(*inner.within, *keys))
                return Seq((Opaque(hint="key"), run.new(part)))
            return Seq((Opaque(hint="key"), inner))
        case Seq(items=items, any_item=any_item):
            result: Value = any_item if any_item is not None else Opaque()
            for item in (items or ())[:32]:
                result = join_values(run, result, item)
            return result
        case Const(range()):
            return Position()
        case Const(list() | tuple() | set() as inner) if inner:
            return Opaque()
        case Mapped(items=items):
            return Opaque(hint="key")
        case Position() | Picks():
            return held
        case Opaque(hint="columns"):
            return Opaque(hint="any column")
        case Opaque(hint="zip"):
            return held
        case _:
            pass
    return Opaque(facts=run.facts(held), rows=run.rows(held))


def _columns(table: Table) -> Value:
    names = list(table.columns)
    return Const(names[0]) if len(names) == 1 else Opaque(hint="any column")


def comprehended(run: Run, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
    """A comprehension, unrolled where its items are known."""
    outer = run.env
    run.env = dict(outer)
    run.comprehensions += 1
    try:
        return _turns(run, node, list(node.generators))
    finally:
        run.comprehensions -= 1
        run.env = outer


def _turns(run: Run, node: ast.expr, generators: list[ast.comprehension]) -> Value:
    from nbprod.leakage.interpret.statements import assign

    generator, *inner = generators
    source = run.evaluate(run, generator.iter)
    items = items_of(run, source)
    if inner:
        return _nested(run, node, generator, inner, source)
    named = _of_columns(run, node, generator, source)
    if named is not None:
        return named
    if items is None:
        assign(run, generator.target, any_item_of(run, source), generator.iter)
        for test in generator.ifs:
            run.evaluate(run, test)
        return _element(run, node, rows=source)
    made: list[Value] = []
    pairs: dict[object, Value] = {}
    for item in items:
        assign(run, generator.target, item, generator.iter)
        tests = [run.at(run.evaluate(run, test)) for test in generator.ifs]
        if any(isinstance(test, Const) and not test.value for test in tests):
            continue
        if isinstance(node, ast.DictComp):
            _paired(run, pairs, node)
        else:
            made.append(run.evaluate(run, node.elt))  # type: ignore[attr-defined]
    if isinstance(node, ast.DictComp):
        return run.new(Mapped(pairs))
    if made and all(isinstance(item, Const) for item in made) and isinstance(node, ast.SetComp):
        return Seq(tuple(made))
    return run.new(Seq(tuple(made), is_list=True))


def _paired(run: Run, pairs: dict[object, Value], node: ast.DictComp) -> None:
    """Put one turn's pair beside those before it; under a key that nobody knows stands what any turn gives."""
    key = run.at(run.evaluate(run, node.key))
    value = run.evaluate(run, node.value)
    if isinstance(key, Const) and isinstance(key.value, str | int):
        pairs[key.value] = value
        return
    text = run.text(node.key)
    pairs[text] = join_values(run, pairs[text], value) if text in pairs else value


def _nested(
    run: Run,
    node: ast.expr,
    generator: ast.comprehension,
    inner: list[ast.comprehension],
    source: Value,
) -> Value:
    """The outermost of several loops, turn by turn where its items are known."""
    from nbprod.leakage.interpret.statements import assign

    items = items_of(run, source)
    made: list[Value] = []
    pairs: dict[object, Value] = {}
    anything: Value | None = None
    for item in items if items is not None else (any_item_of(run, source),):
        assign(run, generator.target, item, generator.iter)
        tests = [run.at(run.evaluate(run, test)) for test in generator.ifs]
        if any(isinstance(test, Const) and not test.value for test in tests):
            continue
        match run.at(_turns(run, node, inner)):
            case Seq(items=tuple(found), any_item=None) if items is not None:
                made.extend(found)
            case Mapped(items=found, any_item=other):
                unknown = run.text(node.key) if isinstance(node, ast.DictComp) else None
                if unknown in pairs and unknown in found:
                    found = {**found, unknown: join_values(run, pairs[unknown], found[unknown])}
                pairs |= found
                anything = other or anything
            case held:
                one = any_item_of(run, held)
                anything = one if anything is None else join_values(run, anything, one)
    if isinstance(node, ast.DictComp):
        return run.new(Mapped(pairs, anything))
    if anything is None:
        return run.new(Seq(tuple(made), is_list=True))
    for item in made[:32]:
        anything = join_values(run, anything, item)
    return run.new(Seq(None, any_item=anything, is_list=True))


def _of_columns(run: Run, node: ast.expr, generator: ast.comprehension, source: Value) -> Value | None:
    """`[c for c in df.columns if ...]` of a frame with columns that nobody has named: those asked for by name."""
    from nbprod.leakage.interpret.statements import assign

    held = run.at(source)
    if isinstance(held, Table) and held.rest is not None and held.columns:
        # a frame gives its columns' names
        held = Seq(tuple(Const(name) for name in held.columns), any_item=Opaque(hint="any column"))
    if not isinstance(held, Seq) or held.any_item is None or held.items is None or len(held.items) > 200:
        return None
    if held.any_item != Opaque(hint="any column") or isinstance(node, ast.DictComp):
        return None
    kept: list[Value] = []
    for item in held.items:
        assign(run, generator.target, item, generator.iter)
        tests = [run.at(run.evaluate(run, test)) for test in generator.ifs]
        if any(isinstance(test, Const) and not test.value for test in tests):
            continue
        kept.append(run.evaluate(run, node.elt))  # type: ignore[attr-defined]
    if not all(isinstance(run.at(item), Const) for item in kept):
        return None
    without = held.without | _left_out(run, generator)
    return run.new(Seq(tuple(kept), any_item=held.any_item, is_list=True, without=without))


def _left_out(run: Run, generator: ast.comprehension) -> frozenset[str]:
    """Names that the conditions of a comprehension mention, and do not let pass."""
    from nbprod.leakage.interpret.statements import assign

    mentioned: set[str] = set()
    for each in (inner for test in generator.ifs for inner in ast.walk(test)):
        match each:
            case ast.Constant(value=str(text)):
                mentioned.add(text)
            case ast.Name(id=name) if name in run.env:
                held = run.at(run.env[name])
                items = held.items or () if isinstance(held, Seq) else (held,)
                mentioned |= {
                    inner.value
                    for item in items[:64]
                    if isinstance(inner := run.at(item), Const) and isinstance(inner.value, str)
                }
            case _:
                pass
    found = set()
    for name in mentioned:
        assign(run, generator.target, Const(name), generator.iter)
        tests = [run.at(run.evaluate(run, test)) for test in generator.ifs]
        if any(isinstance(test, Const) and not test.value for test in tests):
            found.add(name)
    return frozenset(found)


def _element(run: Run, node: ast.expr, *, rows: Value | None) -> Value:
    if isinstance(node, ast.DictComp):
        key = run.evaluate(run, node.key)
        _ = key
        return run.new(Mapped({}, run.evaluate(run, node.value)))
    value = run.evaluate(run, node.elt)  # type: ignore[attr-defined]
    held = run.at(rows) if rows is not None else None
    if isinstance(held, Opaque) and held.hint == "columns":
        return Opaque(hint="columns")
    return run.new(Seq(None, any_item=value, is_list=True))


def is_range(value: Value) -> bool:
    """Whether a value is the builtin `range`."""
    return isinstance(value, Symbol) and value.path == "builtins.range"
