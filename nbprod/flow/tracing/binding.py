"""What stands left of `=`: names, and places inside values."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbprod.flow.tracing.calling import Calling
from nbprod.flow.tracing.parts import NAMESPACE, TABLE
from nbprod.libraries.calls import ENVIRONMENT

if TYPE_CHECKING:
    from nbprod.flow.aliases import Value

_PICKLES_ITSELF = ("__getstate__", "__reduce__", "__reduce_ex__", "__getnewargs__")
HASHING = ("__hash__", "__eq__")
LIBRARY_STATE = {"os.environ": ENVIRONMENT, "matplotlib.rcParams": "matplotlib.rcParams"}
LIBRARY_STATE |= {"matplotlib.pyplot.rcParams": "matplotlib.rcParams", "sys.path": "sys.path"}


class Binding(Calling):
    """Binds names and stores into values."""

    def bind(self, target: ast.expr, value: Value, *, of: ast.expr | None) -> None:
        """Bind what stands left of `=` to the value; `of` is the expression that it comes from, if it is one."""
        match target:
            case ast.Name(id=name):
                self.bind_name(name, value)
            case ast.Starred(value=inner):
                parts = self.part_of(value)
                self.bind(inner, self.container("builtins.list", parts.own), of=None)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                sources = (
                    of.elts if isinstance(of, ast.Tuple | ast.List) and len(of.elts) == len(targets) else ()
                )
                for position, part in enumerate(targets):
                    source = sources[position] if sources else None
                    one = self.unpacked.get(id(source)) if source is not None else None
                    self.bind(part, one if one is not None else self.part_of(value, iterated=True), of=source)
            case _:
                self._store(target, value)

    def _store(self, target: ast.expr, value: Value) -> None:
        if not isinstance(target, ast.Attribute | ast.Subscript):
            return
        if isinstance(target, ast.Subscript):
            self.operators(self.value_of(target.slice), HASHING)
        holder = self.place_of(target.value)
        if holder.type == NAMESPACE:
            self.bind_by_text(target, value)
            return
        if holder.library:
            path = holder.library if isinstance(target, ast.Subscript) else f"{holder.library}.{target.attr}"
            if not self._stored_in_state(path):
                self.patch(path)
            return
        self.operators(holder, ("__setitem__", "__setattr__", "__delitem__", "__set__"))
        if isinstance(target, ast.Attribute):
            self.run_properties(holder, target.attr)
            self._note_what_stays(holder, target.attr, value)
        self.effects.change(holder.own, surely=True)
        if holder.is_cell or self._is_in_cell(target):
            self.change_cells(holder)
        if holder.type == TABLE:
            self._fill_cells(holder, value)
        if _may_hold(holder, value):
            self.heap.keep(holder.own, value.own)

    def _note_what_stays(self, holder: Value, name: str, value: Value) -> None:
        """An object that holds an open file or a lock can't leave its process, unless its class says how it can."""
        objects = frozenset(own for own in holder.own if own in self.heap.class_of)
        if not objects or any(self.methods_of(holder, method) for method in _PICKLES_ITSELF):
            return
        # Functions and figures that stand in an object go along with it.
        goes_along = value.type in ("function", "class") or value.type.startswith("matplotlib.")
        stays = "" if goes_along else value.stays
        self.heap.set_attribute(objects, name, stays=stays, step=self.step)

    def _is_in_cell(self, target: ast.Attribute | ast.Subscript) -> bool:
        """Whether it is assigned to a part of what was taken out of a table: `df['tags'][0]['a'] = 1`."""
        match target.value:
            case ast.Subscript(value=inner):
                around = self.unpacked.get(id(inner))
                return around is not None and around.type == TABLE
            case _:
                return False

    def _fill_cells(self, table: Value, value: Value) -> None:
        if value.type == TABLE:
            self.heap.derive(table.own, value.own)
        elif value.type.startswith("builtins.") or value.type in ("", "instance"):
            inside = self.heap.parts(value.own) if value.type else value.own
            if objects := [one for one in sorted(inside) if one not in self.heap.code]:
                self.heap.put_in_cells(table.own, objects)

    def _stored_in_state(self, path: str) -> bool:
        for known, state in LIBRARY_STATE.items():
            if path == known or path.startswith(f"{known}."):
                self.set_state(state)
                return True
        return False


def _may_hold(holder: Value, value: Value) -> bool:
    """Whether storing the value in the holder makes it hold the very object: tables and arrays copy data."""
    if holder.type == "pandas.DataFrame":
        return False
    return holder.type != "numpy.ndarray" or value.type not in ("numpy.ndarray", "pandas.DataFrame", "plain")
