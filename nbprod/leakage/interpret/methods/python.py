"""Methods of Python's own texts, lists and dictionaries."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.leakage.interpret import (
    frames,
)
from nbprod.leakage.interpret.combining import join_values
from nbprod.leakage.interpret.values import (
    NONE,
    Cells,
    Const,
    Estimator,
    Mapped,
    Opaque,
    Ref,
    Seq,
    Table,
    Value,
)

if TYPE_CHECKING:
    from nbprod.leakage.interpret.context import Args, Run


def on_sequence(run: Run, owner: Value, sequence: Seq, name: str, args: Args) -> Value:
    first = args.places[0] if args.places else NONE
    if name in ("append", "add", "insert", "extend", "appendleft"):
        return _filled(run, owner, sequence, args, is_list=name == "extend")
    if name == "pop":
        return any_item_in(run, sequence)
    if name == "copy":
        return run.new(sequence)
    if name in ("drop", "difference") and sequence.items is not None:
        return run.new(_less(run, sequence, first))
    if name in ("remove", "sort", "reverse", "clear", "discard"):
        if name == "remove" and sequence.items is not None:
            kept = tuple(item for item in sequence.items if run.at(item) != run.at(first))
            _put(run, owner, replace(sequence, items=kept))
        return NONE
    if name in ("difference", "union", "intersection", "to_list", "tolist"):
        return sequence
    if name == "index":
        return Opaque()
    return Opaque(facts=run.facts(sequence))


def _filled(run: Run, owner: Value, sequence: Seq, args: Args, *, is_list: bool) -> Value:
    """An item, or those of another list, put into a list."""
    item = args.places[-1] if args.places else NONE
    held = run.at(item)
    if is_list and isinstance(held, Seq):
        item = held.any_item or (held.items[0] if held.items else Opaque())
    head = len(sequence.items or ())
    if run.loops and isinstance(owner, Ref):
        # what was in the list before the loop stands before all that the loop puts there
        head = run.filling.setdefault(owner.place, head)
    _put(run, owner, _with_item(run, sequence, item, head=head))
    return NONE


def _less(run: Run, sequence: Seq, names: Value) -> Seq:
    """The sequence without the named items."""
    gone = set(frames.columns_named(run, Table(), names) or ())
    kept = tuple(
        item
        for item in sequence.items or ()
        if not (isinstance(h := run.at(item), Const) and h.value in gone)
    )
    return replace(sequence, items=kept, is_list=True, without=sequence.without | gone)


def any_item_in(run: Run, sequence: Seq) -> Value:
    """Any item of a sequence."""
    value: Value = sequence.any_item or Opaque()
    for item in (sequence.items or ())[:16]:
        value = join_values(run, value, item)
    return value


def _with_item(run: Run, sequence: Seq, item: Value, *, head: int) -> Seq:
    if sequence.items is not None and not run.loops and len(sequence.items) < 64:
        return replace(sequence, items=(*sequence.items, item))
    if sequence.items is not None and run.loops and isinstance(run.at(item), Const | Estimator):
        if item not in sequence.items and len(sequence.items) < 64:
            return replace(sequence, items=(*sequence.items, item))
        return sequence
    return Seq(None, any_item=_beside_others(run, sequence, item, head=head), is_list=True)


def _beside_others(run: Run, sequence: Seq, item: Value, *, head: int) -> Value:
    """Any item of a list with one more: the `head` of known items without data moves its place."""
    held, before = run.at(item), run.at(sequence.any_item)
    if isinstance(held, Cells) and isinstance(before, Cells):
        held = replace(held, offset=before.offset, array=before.array)
    elif isinstance(held, Cells) and head and not run.facts(sequence).reads:
        held = replace(held, offset=held.offset - head)
        return replace(held, array=True)
    return join_values(run, any_item_in(run, sequence), held if isinstance(held, Cells) else item)


def _put(run: Run, owner: Value, value: Value) -> None:
    if isinstance(owner, Ref):
        run.heap[owner.place] = value


def on_mapping(run: Run, owner: Value, mapping: Mapped, name: str, args: Args) -> Value:  # noqa: C901
    if name == "get" and args.places:
        from nbprod.leakage.interpret.subscripts import under_key

        key = run.at(args.places[0])
        known = isinstance(key, Const) and frames.is_hashable(key.value) and key.value in mapping.items
        if not known and mapping.any_item is None:
            return args.places[1] if len(args.places) > 1 else Opaque()
        return under_key(run, mapping, key, run.node or ast.Pass())
    if name == "items":
        pairs = tuple(Seq((Const(key), value)) for key, value in mapping.items.items())
        if mapping.any_item is not None:
            return Seq(None, any_item=Seq((Opaque(hint="key"), mapping.any_item)))
        return Seq(pairs)
    if name == "values":
        return Seq(tuple(mapping.items.values()), any_item=mapping.any_item)
    if name == "keys":
        return Seq(tuple(Const(key) for key in mapping.items))
    if name == "copy":
        return run.new(mapping)
    if name == "update" and args.places:
        other = run.at(args.places[0])
        if isinstance(other, Mapped):
            _put(run, owner, Mapped({**mapping.items, **other.items}, mapping.any_item or other.any_item))
        return NONE
    if name in ("setdefault", "pop") and args.places:
        key = run.at(args.places[0])
        return (
            mapping.items.get(key.value, Opaque())
            if isinstance(key, Const) and frames.is_hashable(key.value)
            else Opaque()
        )
    return Opaque(facts=run.facts(mapping))


_TEXT_METHODS = frozenset(
    [
        "lower",
        "upper",
        "strip",
        "lstrip",
        "rstrip",
        "replace",
        "title",
        "capitalize",
        "format",
        "join",
        "startswith",
        "endswith",
    ]
)


def _listed(run: Run, value: Value) -> Value:
    """A list of known constants as one constant."""
    if not isinstance(value, Seq) or value.items is None:
        return value
    items = [run.at(item) for item in value.items]
    if not all(isinstance(item, Const) for item in items):
        return value
    return Const([item.value for item in items if isinstance(item, Const)])


def on_constant(held: Const, name: str, args: Args, run: Run) -> Value:
    values = [run.at(value) for value in args.places]
    if isinstance(held.value, str) and name == "join" and len(values) == 1:
        values = [_listed(run, values[0])]
    if isinstance(held.value, str) and name in _TEXT_METHODS and all(isinstance(v, Const) for v in values):
        try:
            return Const(getattr(held.value, name)(*(v.value for v in values if isinstance(v, Const))))
        except (TypeError, ValueError, IndexError, KeyError, AttributeError):
            return Opaque()
    if isinstance(held.value, str) and name == "split":
        try:
            separator = values[0].value if values and isinstance(values[0], Const) else None
            return Seq(tuple(Const(part) for part in held.value.split(separator)), is_list=True)
        except (TypeError, ValueError):
            return Opaque()
    facts = run.facts(Seq(tuple(args.every)))
    return Opaque(facts=facts)
