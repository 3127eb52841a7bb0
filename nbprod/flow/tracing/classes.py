"""Classes of the notebook: which methods a name stands for, and what operators and attributes run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.flow.aliases import Code, Heap, Regions, Value
from nbprod.flow.tracing.arguments import Arguments
from nbprod.flow.tracing.parts import MEMBER, Parts

if TYPE_CHECKING:
    from collections.abc import Sequence


class Classes(Parts):
    """Knows the notebook's own classes."""

    def maybe_follow(self, code: Code, arguments: Arguments) -> Regions:
        raise NotImplementedError

    def classes_of(self, value: Value) -> list[Code]:
        """The classes of which the value may be an instance, or which it is, nearest first."""
        regions = [
            class_region for own in sorted(value.own) for class_region in self.heap.class_of.get(own, ())
        ]
        regions += [own for own in sorted(value.own) if own in self.heap.code]
        found: list[Code] = []
        while regions:
            code = self.heap.code.get(regions.pop(0))
            if code is not None and isinstance(code.node, ast.ClassDef) and code not in found:
                found.append(code)
                regions += [own for base in code.bases for own in base.own]
        return found if value.type != "parent" else found[1:]

    def methods_of(self, value: Value, name: str) -> list[Code]:
        """The functions that a method's name may stand for: the nearest class that has it."""
        for code in self.classes_of(value):
            member = code.members.names.get(name) if code.members is not None else None
            if member is not None:
                return [self.heap.code[own] for own in sorted(member.own) if own in self.heap.code]
        return []

    def all_methods_of(self, value: Value) -> list[Code]:
        """Every method of the value's classes: a library's method may call any of them."""
        return [
            self.heap.code[own]
            for code in self.classes_of(value)
            if code.members is not None
            for member in code.members.names.values()
            for own in sorted(member.own)
            if own in self.heap.code
        ]

    def member_of(self, held: Value, name: str) -> Value | None:
        """What the notebook's class of a value defines under this name, methods bound to the value."""
        if held.type not in ("instance", "class", "parent", ""):
            return None
        for code in self.classes_of(held):
            member = code.members.names.get(name) if code.members is not None else None
            if member is None or (held.type != "class" and _is_field(code, member, self.heap)):
                continue
            if held.type == "class" and not _holds_code(member, self.heap) and _is_enumeration(code):
                return Value(own=held.own, type=MEMBER)
            if held.type == "class" or not any(own in self.heap.code for own in member.own):
                return member
            own = next(own for own in sorted(member.own) if own in self.heap.code)
            if self._is_property(self.heap.code[own]):
                return None
            region = self.heap.fresh(holds=held.own | member.own, closed=True, apart=True)
            self.heap.code[region] = replace(self.heap.code[own], receiver=held)
            return Value(own=frozenset([region]), type="function")
        return None

    def run_properties(self, held: Value, name: str) -> None:
        """Reading an attribute of an instance runs what its class has for that."""
        if held.type not in ("instance", "parent", "") or not held.own:
            return
        for code in (*self.methods_of(held, name), *self.methods_of(held, "__getattr__")):
            if self._is_property(code) or getattr(code.node, "name", "") == "__getattr__":
                self.maybe_follow(replace(code, receiver=held), Arguments())

    def operators(self, value: Value, names: tuple[str, ...] | None) -> None:
        """An operator on an instance runs the methods that its class has for it; all such ones where names is None."""
        if not value.own or not self.heap.class_of or value.type not in ("instance", "class", ""):
            return
        for code in self.classes_of(value):
            for name, member in (code.members.names if code.members is not None else {}).items():
                if not (name.startswith("__") and name != "__init__") or (
                    names is not None and name not in names
                ):
                    continue
                for own in sorted(member.own):
                    if own in self.heap.code:
                        given = Arguments(spread=[Value(own=self.heap.parts(value.own))])
                        self.maybe_follow(replace(self.heap.code[own], receiver=value), given)

    def run_methods(self, values: Sequence[Value], names: tuple[str, ...], *, receiver: Value) -> None:
        for value in values:
            for name in names:
                for code in self.methods_of(value, name):
                    self.maybe_follow(replace(code, receiver=receiver), Arguments())

    def _is_property(self, code: Code) -> bool:
        decorators = getattr(code.node, "decorator_list", ())
        return any(
            "property" in ast.unparse(one) or ast.unparse(one).endswith(".setter") for one in decorators
        )

    def _is_static(self, code: Code, receiver: Value) -> bool:
        node = code.node
        if isinstance(node, ast.Lambda):
            return False
        decorators = {one.id for one in getattr(node, "decorator_list", ()) if isinstance(one, ast.Name)}
        of_class = receiver.type == "class" and "classmethod" not in decorators
        return "staticmethod" in decorators or of_class


def _holds_code(member: Value, heap: Heap) -> bool:
    return any(own in heap.code for own in member.own)


def _is_enumeration(code: Code) -> bool:
    """Whether the class's members are constants: those of an enumeration."""
    return any(base.library.startswith("enum.") for base in code.bases)


def _is_field(code: Code, member: Value, heap: Heap) -> bool:
    """Whether a data class only declares the member: each instance has one of its own."""
    decorators = [ast.unparse(one) for one in getattr(code.node, "decorator_list", ())]
    is_code = any(own in heap.code for own in member.own)
    return not is_code and any("dataclass" in one or "define" in one for one in decorators)
