"""What stands inside a value: elements, attributes, columns, cells."""

from __future__ import annotations

import ast

from msgspec.structs import replace

from nbprod.flow.aliases import PLAIN, Regions, Value, plain
from nbprod.flow.scoping import Scoping
from nbprod.libraries.calls import Result, call_of

NAMESPACE = "namespace"
MEMBER = "enum.member"
TABLE = "pandas.DataFrame"
# Methods that change lists, dictionaries and sets, which tables and arrays don't have: they tell what a cell holds.
OF_CELLS = frozenset(
    [
        "append",
        "extend",
        "remove",
        "clear",
        "reverse",
        "setdefault",
        "popitem",
        "discard",
        "appendleft",
        "popleft",
        "rotate",
    ]
)
_OF_CELLS_TOO = frozenset(["add", "update", "insert", "pop", "sort", "subtract", "__setitem__"])
# What of a table can't hold objects that change.
_WITHOUT_OBJECTS = ("columns", "index", "dtypes", "dtype")


class Parts(Scoping):
    """Knows what is inside a value, and what of it is the very object."""

    # Answered by what is made of it

    def value_of(self, node: ast.expr) -> Value:
        raise NotImplementedError

    def operators(self, value: Value, names: tuple[str, ...] | None) -> None:
        raise NotImplementedError

    def container(self, type_name: str, held: Regions, *, stays: str = "") -> Value:
        """A new container that holds these."""
        if type_name == "builtins.tuple" and not held:
            return Value(type="builtins.tuple", stays=stays)
        region = self.heap.fresh(holds=held, closed=True, of_type=type_name)
        return Value(own=frozenset([region]), type=type_name, stays=stays)

    def part_of(self, value: Value, *, iterated: bool = False) -> Value:
        """What iterating over the value, or unpacking it, gives."""
        if iterated:
            self.operators(value, ("__iter__", "__next__", "__getitem__"))
            if value.type == "builtins.iterator":
                self.effects.change(value.own, surely=True)
        if value.fresh_parts:
            return self.fresh_value(of_type=value.part_type, closed=True)
        match value.type:
            case "plain":
                return plain(None)
            case "pandas.DataFrame":
                return self.taken_out(value, is_cell=iterated and not value.is_cell)
            case "polars.DataFrame" | "ibis.Expression":
                return self.fresh_value(of_type=value.type, closed=True)
            case "numpy.ndarray":
                return value
            case _:
                pass
        if value.library:
            return self.fresh_value()
        parts = self.heap.parts(value.own)
        if not parts:
            return PLAIN
        return Value(
            own=parts,
            type=self.heap.type_of(parts),
            stays=value.stays if value.type != "builtins.iterator" else "",
        )

    def element_of(self, held: Value, index: ast.expr) -> Value:
        """What a subscript gives."""
        if held.type == "collections.defaultdict":
            # What isn't there is made, and kept.
            made = self.heap.fresh()
            self.effects.change(held.own, surely=True)
            self.heap.keep(held.own, frozenset([made]))
            return Value(own=self.heap.parts(held.own) | {made})
        match held.type:
            case "numpy.ndarray" if isinstance(index, ast.Compare | ast.List):
                return self.fresh_value(of_type=held.type, closed=True)
            case "numpy.ndarray":
                return held
            case _:
                pass
        if isinstance(index, ast.Slice) and held.type.startswith("builtins."):
            return self.container(held.type, self.heap.parts(held.own), stays=held.stays)
        if isinstance(index, ast.Slice) and not held.type and held.own:
            piece = self.heap.fresh(holds=self.heap.parts(held.own))
            return Value(own=held.own | {piece}, stays=held.stays)
        part = self.part_of(held)
        if held.type == TABLE:
            return replace(part, is_cell=_is_one_cell(index))
        return replace(part, stays=part.stays or (held.stays if held.type.startswith("builtins.") else ""))

    def attribute_of(self, held: Value, name: str) -> Value:  # noqa: C901 - one case for each family of types
        """What an attribute that the notebook's own classes don't define gives."""
        match held.type:
            case "plain":
                return plain(None)
            case "pandas.DataFrame" if name in (
                "loc",
                "iloc",
                "at",
                "iat",
                "str",
                "dt",
                "cat",
                "attrs",
                "style",
                "flags",
            ):
                return held
            case "pandas.DataFrame" if name in ("values", "array"):
                return Value(own=held.own, type="numpy.ndarray")
            case "pandas.DataFrame" if name in ("shape", "size", "ndim", "empty", "name", "dtype", "nbytes"):
                return PLAIN
            case "pandas.DataFrame" if name not in _WITHOUT_OBJECTS:
                return self.taken_out(held)
            case "pandas.DataFrame" | "polars.DataFrame" | "ibis.Expression":
                return self.fresh_value(of_type=held.type, closed=True)
            case "numpy.ndarray" if name in (
                "shape",
                "size",
                "ndim",
                "dtype",
                "nbytes",
                "itemsize",
                "strides",
            ):
                return PLAIN
            case "numpy.ndarray":
                return held
            case _:
                pass
        if not held.own:
            return PLAIN
        call = call_of(f"{held.type}.{name}") if held.type else None
        if call is not None and (call.changes or call.keeps):
            return Value(own=held.own, stays=held.stays)  # the bound method: calling it changes its owner
        if (
            call is not None
            and call.result in (Result.FRESH, Result.PLAIN)
            and not call.changes
            and call.gives != held.type
        ):
            return self.fresh_value(of_type=call.gives)
        parts = self.heap.parts(held.own)
        type_name = held.type if held.type.startswith("matplotlib.") else self.heap.type_of(parts)
        return Value(own=parts, type="" if type_name == "instance" else type_name, stays=held.stays)

    def place_of(self, node: ast.expr) -> Value:
        """The value whose inside an assignment to a part of it changes."""
        match node:
            case ast.Attribute(value=inner) | ast.Subscript(value=inner):
                value, around = self.value_of(node), self.place_of(inner)
                if around.type == "pandas.DataFrame":
                    return around
                return value
            case _:
                return self.value_of(node)

    def taken_out(self, table: Value, *, is_cell: bool = False) -> Value:
        """A column, a row or a cell of a table: an object of its own but for the objects in its cells."""
        part = self.fresh_value(of_type=TABLE, closed=True)
        self.heap.derive(part.own, table.own)
        return replace(part, is_cell=is_cell)

    def _changes_cells(self, receiver: Value, method: str) -> bool:
        """Whether the method changes an object that a cell of a table or of an array holds."""
        of_cell = receiver.own & self.heap.cells
        if of_cell and method in OF_CELLS | _OF_CELLS_TOO:
            self.effects.is_copyable = False
            self.effects.change(receiver.own, surely=True)
            return True
        tables = [one for one in receiver.own if self.heap.types.get(one) in (TABLE, "numpy.ndarray")]
        if not tables or not (method in OF_CELLS or (receiver.is_cell and method in _OF_CELLS_TOO)):
            return False
        self.effects.is_copyable = False
        self.change_cells(receiver)
        return True

    def change_cells(self, value: Value) -> None:
        """An object changes that a cell of the table holds, or one of a table that shares its objects."""
        self.effects.change(value.own | self.heap.reach(self.heap.cells_of(value.own)), surely=True)


def _is_one_cell(index: ast.expr) -> bool:
    """Whether a subscript of a table names a row and a column, or a place in a column."""
    match index:
        case ast.Tuple(elts=parts):
            return not any(isinstance(part, ast.Slice | ast.List) for part in parts)
        case ast.Constant(value=int()):
            return True
        case _:
            return False
