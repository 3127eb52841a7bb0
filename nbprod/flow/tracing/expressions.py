"""Expressions: what value each gives, and what evaluating it does."""

from __future__ import annotations

import ast
import posixpath
from typing import TYPE_CHECKING

from nbprod.flow.aliases import NOWHERE, PLAIN, Code, Frame, Regions, Value, joined, plain
from nbprod.flow.tracing.binding import HASHING, LIBRARY_STATE, Binding
from nbprod.flow.tracing.parts import MEMBER, NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONTAINERS = {ast.List: "builtins.list", ast.Set: "builtins.set", ast.Tuple: "builtins.tuple"}


class Expressions(Binding):
    """Evaluates expressions to what is known of their values."""

    def value_of(self, node: ast.expr) -> Value:
        value = self._value_of(node)
        self.unpacked[id(node)] = value
        return value

    def _value_of(self, node: ast.expr) -> Value:  # noqa: C901, PLR0912 - one case for each kind of expression
        match node:
            case ast.Constant(value=constant):
                return plain(constant if isinstance(constant, str) else None)
            case ast.Name(id=name):
                return self.load(name, node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Call():
                return self.call(node)
            case ast.Subscript(value=held, slice=index):
                return self._subscript(self.value_of(held), index)
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return self._collection(_CONTAINERS[type(node)], parts)
            case ast.Dict(keys=keys, values=values):
                for key in keys:
                    self.value_of(key) if key is not None else None
                return self._dictionary(keys, values)
            case ast.BinOp(left=left, right=right, op=op):
                return self._binary(self.value_of(left), self.value_of(right), op)
            case ast.BoolOp(values=values):
                return joined([self.value_of(value) for value in values])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.value_of(test)
                return joined([self.value_of(body), self.value_of(orelse)])
            case ast.Lambda():
                return self.function_value(node)
            case ast.ListComp(elt=element) | ast.SetComp(elt=element) | ast.GeneratorExp(elt=element):
                return self._comprehension(node, node.generators, element)
            case ast.DictComp(key=key, value=value):
                return self._comprehension(node, node.generators, key, value)
            case ast.NamedExpr(target=target, value=value):
                given = self.value_of(value)
                self.bind_name(target.id, given)
                return given
            case ast.JoinedStr(values=values):
                texts = [self.value_of(value) for value in values]
                known = [text.text for text in texts if text.text is not None]
                return plain("".join(known) if len(known) == len(texts) else None)
            case ast.FormattedValue(value=value, format_spec=spec, conversion=conversion):
                shown = self.value_of(value)
                self.operators(shown, ("__str__", "__repr__", "__format__"))
                if spec is not None:
                    self.value_of(spec)
                return plain(shown.text if spec is None and conversion == -1 else None)
            case ast.Starred(value=value):
                return self.part_of(self.value_of(value))
            case ast.Await(value=value):
                return self.value_of(value)
            case ast.Yield(value=value):
                if value is not None:
                    self.returned.append(self.value_of(value))
                return Value(own=frozenset([self.heap.fresh()]))
            case ast.YieldFrom(value=value):
                given = self.value_of(value)
                self.returned.append(self.part_of(given))
                return given
            case ast.UnaryOp(operand=operand):
                return self._unary(self.value_of(operand))
            case ast.Compare(left=left, comparators=others):
                compared = [self.value_of(left), *(self.value_of(one) for one in others)]
                for one in compared:
                    self.operators(
                        one, ("__eq__", "__lt__", "__gt__", "__le__", "__ge__", "__ne__", "__contains__")
                    )
                return self._derived(compared)
            case ast.Slice():
                for part in (node.lower, node.upper, node.step):
                    self.value_of(part) if part is not None else None
                return PLAIN
            case _:
                for child in ast.iter_child_nodes(node):
                    self.value_of(child) if isinstance(child, ast.expr) else None
                return Value(own=frozenset([self.heap.fresh()]))

    def _collection(self, type_name: str, parts: Sequence[ast.expr]) -> Value:
        held = [self.value_of(part) for part in parts]
        if type_name == "builtins.set":
            for one in held:
                self.operators(one, HASHING)
        return self.container(
            type_name,
            NOWHERE.union(*(one.own for one in held)),
            stays=next((one.stays for one in held if one.stays), ""),
        )

    def _dictionary(self, keys: Sequence[ast.expr | None], values: Sequence[ast.expr]) -> Value:
        held: list[Regions] = []
        stays = ""
        for key, node in zip(keys, values, strict=True):
            if key is not None:
                self.operators(self.value_of(key), HASHING)
            value = self.value_of(node)
            held.append(value.own if key is not None else self.heap.parts(value.own))
            stays = stays or value.stays
        return self.container("builtins.dict", NOWHERE.union(*held), stays=stays)

    def _binary(self, left: Value, right: Value, op: ast.operator) -> Value:
        for one in (left, right):
            self.operators(one, None)
        if isinstance(op, ast.Div) and left.text is not None and right.text is not None:
            return plain(posixpath.join(left.text, right.text))
        if isinstance(op, ast.Add) and left.text is not None and right.text is not None:
            return plain(left.text + right.text)
        result = self._derived([left, right])
        if result.type.startswith("builtins.") or not result.type:
            # A list plus a list holds the parts of both; of what is unknown the same is assumed.
            self.heap.keep(result.own, self.heap.parts(left.own) | self.heap.parts(right.own))
        return result

    def _unary(self, operand: Value) -> Value:
        self.operators(operand, None)
        return self._derived([operand])

    def _derived(self, operands: Sequence[Value]) -> Value:
        """A new value computed from these: plain if all are, else of the one type that isn't."""
        if all(not one.own and not one.library for one in operands):
            return PLAIN
        types = {one.type for one in operands if one.own}
        only = types.pop() if len(types) == 1 else ""
        if only == MEMBER:
            return joined([one for one in operands if one.own])
        return Value(own=frozenset([self.heap.fresh(closed=bool(only), of_type=only)]), type=only)

    def _comprehension(self, node: ast.expr, loops: Sequence[ast.comprehension], *parts: ast.expr) -> Value:
        names = frozenset(
            one.id for loop in loops for one in ast.walk(loop.target) if isinstance(one, ast.Name)
        )
        first = self.value_of(loops[0].iter)
        frame = Frame(parent=self.frame if self.frame is not self.module else None, local=names)
        frame.is_comprehension = True
        frame.region = self.heap.fresh()
        with self.inside(frame):
            for position, loop in enumerate(loops):
                several = first if position == 0 else self.value_of(loop.iter)
                self.bind(loop.target, self.part_of(several, iterated=True), of=None)
                for condition in loop.ifs:
                    self.value_of(condition)
            held = [self.value_of(part) for part in parts]
        own = NOWHERE.union(*(one.own for one in held))
        match node:
            case ast.ListComp():
                return self.container("builtins.list", own)
            case ast.SetComp():
                return self.container("builtins.set", own)
            case ast.DictComp():
                return self.container("builtins.dict", own)
            case _:
                return self.container("builtins.iterator", own, stays="a generator")

    def _attribute(self, node: ast.Attribute) -> Value:
        held = self.value_of(node.value)
        if held.library:
            path = f"{held.library}.{node.attr}"
            self.use_module(path)
            return Value(library=path)
        if found := self.member_of(held, node.attr):
            return found
        self.run_properties(held, node.attr)
        return self.attribute_of(held, node.attr)

    def _subscript(self, held: Value, index: ast.expr) -> Value:
        self.operators(self.value_of(index), HASHING)
        self.operators(held, ("__getitem__", "__missing__"))
        if held.type == NAMESPACE:
            return self.load_by_text(index)
        if held.library:
            if held.library in ("typing", "builtins.list", "builtins.dict") or held.library.startswith(
                "typing."
            ):
                return Value(library=held.library)
            return PLAIN if held.library in LIBRARY_STATE else Value(own=frozenset([self.heap.fresh()]))
        if held.type == "class":
            return held  # `Box[int]` is the class with a note on its types
        return self.element_of(held, index)

    def function_value(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Value:
        """The function as a value, its defaults evaluated now; it holds what its defaults and its scope hold."""
        arguments = node.args
        defaults = [
            self.value_of(one) for one in (*arguments.defaults, *arguments.kw_defaults) if one is not None
        ]
        held = NOWHERE.union(*(one.own for one in defaults)) if defaults else NOWHERE
        scope = self.scope_closed_over()
        region = self.heap.fresh(holds=held, closed=True, apart=True)
        if scope is not None:
            self.heap.keep(frozenset([region]), frozenset([scope.region]))
        self.heap.code[region] = Code(node=node, frame=scope, step=self.step)
        if scope is None:
            self.heap.defined_at[region] = self.step
        stays = "" if scope is None else "a function made inside another one"
        stays = stays or ("a lambda" if isinstance(node, ast.Lambda) else "")
        return Value(own=frozenset([region]), type="function", stays=stays)

    def annotate(self, annotation: ast.expr) -> None:
        """Read the names of an annotation, where Python evaluates it at once."""
        if not self.has_lazy_annotations:
            self.value_of(annotation)
