"""Statements and expressions followed for their effects, functions included, without running anything.

Every way through is taken and joined; a loop's body is taken twice; a call of a function that the notebook
defines is followed with the values it gets, so that names inside are those at the time of the call. What cannot
be followed may change whatever it can get at.
"""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from nbprod.flow.aliases import NOWHERE, PLAIN, Code, Frame, Heap, Regions, Value, joined, plain
from nbprod.flow.calling import MEMBER, NAMESPACE, TABLE, Calling
from nbprod.flow.names import bindings_of
from nbprod.flow.stars import UnreadableModuleError, exports_of
from nbprod.libraries.calls import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_OPERATOR_METHODS = re.compile(r"__(?!init__|new__|repr__|str__|class_getitem__|init_subclass__)\w+__$")
_HASHING = ("__hash__", "__eq__")
_CONTAINERS = {ast.List: "builtins.list", ast.Set: "builtins.set", ast.Tuple: "builtins.tuple"}
_UNCHANGEABLE = ("builtins.tuple", "ibis.Expression", "polars.DataFrame", MEMBER)
_LIBRARY_STATE = {"os.environ": ENVIRONMENT, "matplotlib.rcParams": "matplotlib.rcParams"}
_LIBRARY_STATE |= {"matplotlib.pyplot.rcParams": "matplotlib.rcParams", "sys.path": "sys.path"}


class Tracer(Calling):
    """Follows statements in order; `effects` are those of the statement being followed."""

    # Statements

    def run(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self.run_one(statement)

    def run_one(self, node: ast.stmt) -> None:  # noqa: C901, PLR0912, PLR0915 - one case for each kind of statement
        self.spend()
        if self.gives_up and self.depth:
            return
        match node:
            case ast.Expr(value=value) | ast.Await(value=value):
                self.value_of(value)
            case ast.Assign(targets=targets, value=value):
                given = self.value_of(value)
                for target in targets:
                    self.bind(target, given, of=value)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                if self.frame is self.module or self.frame.is_class:
                    self.annotate(annotation)
                if value is not None:
                    self.bind(target, self.value_of(value), of=value)
            case ast.AugAssign():
                self._augment(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(node)
            case ast.ClassDef():
                self._define_class(node)
            case ast.Return(value=value):
                self.returned.append(PLAIN if value is None else self.value_of(value))
            case ast.Delete(targets=targets):
                for target in targets:
                    self._delete(target)
            case ast.If(test=test, body=body, orelse=orelse):
                self.value_of(test)
                self._either(lambda: self.run(body), lambda: self.run(orelse))
            case ast.For() | ast.AsyncFor():
                self._loop(node)
            case ast.While(test=test, body=body, orelse=orelse):
                self.value_of(test)
                self._either(lambda: self._twice(lambda: self._run_tested(body, test)), _nothing)
                self.run(orelse)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    entered = self.value_of(item.context_expr)
                    self.operators(entered, ("__enter__", "__exit__", "__aenter__", "__aexit__"))
                    if item.optional_vars is not None:
                        self.bind(item.optional_vars, entered, of=None)
                self.run(body)
            case ast.Try() | ast.TryStar():
                self._try(node)
            case ast.Match(subject=subject, cases=cases):
                self._match(self.value_of(subject), cases)
            case ast.Import(names=aliases):
                for alias in aliases:
                    self._import(alias)
            case ast.ImportFrom():
                self._import_from(node)
            case ast.Raise(exc=ast.expr() as raised):
                self.raised |= self.value_of(raised).own
            case ast.Assert():
                for child in ast.iter_child_nodes(node):
                    self.value_of(child) if isinstance(child, ast.expr) else None
            case _ if type(node).__name__ == "TypeAlias":
                self.bind_name(node.name.id, PLAIN)  # type: ignore[attr-defined]
            case _:
                pass

    def _augment(self, node: ast.AugAssign) -> None:
        added = self.value_of(node.value)
        target = node.target
        if not isinstance(target, ast.Name):
            held = self.value_of(target)
            if held.own:
                self.effects.change(held.own, surely=True)
            self._store(target, joined([held, added]))
            return
        before = self.load(target.id, node)
        if before.library in _LIBRARY_STATE:
            self.set_state(_LIBRARY_STATE[before.library])
        self.operators(
            before, ("__iadd__", "__isub__", "__imul__", "__ior__", "__iand__", "__add__", "__matmul__")
        )
        if before.own and before.type not in _UNCHANGEABLE:
            self.effects.change(before.own, surely=True)
            self.heap.keep(before.own, self.heap.parts(added.own) if _is_data(added) else NOWHERE)
            self.bind_name(target.id, before)
            return
        self.bind_name(target.id, joined([replace(before, text=None), replace(added, text=None)]))

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        value = self.function_value(node)
        for annotation in (
            argument.annotation for argument in ast.walk(node.args) if isinstance(argument, ast.arg)
        ):
            if annotation is not None:
                self.annotate(annotation)
        if node.returns is not None:
            self.annotate(node.returns)
        for decorator in reversed(node.decorator_list):
            value = self.decorated(decorator, value)
        self.bind_name(node.name, value)

    def annotate(self, annotation: ast.expr) -> None:
        """Read the names of an annotation, where Python evaluates it at once."""
        if not self.has_lazy_annotations:
            self.value_of(annotation)

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

    def _define_class(self, node: ast.ClassDef) -> None:
        bases = tuple(self.value_of(base) for base in node.bases)
        metaclasses = [self.value_of(one.value) for one in node.keywords if one.arg == "metaclass"]
        for keyword in node.keywords:
            self.value_of(keyword.value)
        members = Frame(parent=self.scope_closed_over(), local=bindings_of(node).local, is_class=True)
        region = self.heap.fresh(closed=True, apart=True)
        self.heap.code[region] = Code(
            node=node, frame=members.parent, step=self.step, members=members, bases=bases
        )
        if members.parent is None:
            self.heap.defined_at[region] = self.step
        with self.inside(members):
            self.run(node.body)
        held = frozenset().union(
            *(value.own for value in members.names.values()), *(base.own for base in bases)
        )
        self.heap.keep(frozenset([region]), held)
        stays = "a class made inside a function" if members.parent is not None else ""
        value = Value(own=frozenset([region]), type="class", stays=stays)
        for decorator in reversed(node.decorator_list):
            value = self.decorated(decorator, value)
        self.bind_name(node.name, value)
        self.run_methods(bases, ("__init_subclass__",), receiver=value)
        self.run_methods(metaclasses, ("__prepare__", "__new__", "__init__"), receiver=value)

    def _delete(self, target: ast.expr) -> None:
        match target:
            case ast.Name(id=name):
                self.load(name, target)
                self.unbind(name)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self._delete(part)
            case _:
                self._store(target, PLAIN)

    def _loop(self, node: ast.For | ast.AsyncFor) -> None:
        several = self.value_of(node.iter)

        def once() -> None:
            self.bind(node.target, self.part_of(several, iterated=True), of=None)
            self.run(node.body)

        certain = _surely_runs(node.iter)
        if certain:
            self._twice(once)
        else:
            self._either(lambda: self._twice(once), _nothing)
        self.run(node.orelse)

    def _run_tested(self, body: Sequence[ast.stmt], test: ast.expr) -> None:
        self.run(body)
        self.value_of(test)

    def _twice(self, body: Callable[[], object]) -> None:
        body()
        body()

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        def handled(handler: ast.ExceptHandler) -> Callable[[], None]:
            def follow() -> None:
                self._either(lambda: self.run(node.body), _nothing)
                if handler.type is not None:
                    self.value_of(handler.type)
                if handler.name:
                    self.bind_name(handler.name, Value(own=self.raised | {self.heap.fresh()}))
                self.run(handler.body)
                if handler.name:
                    self.unbind(handler.name)

            return follow

        def whole() -> None:
            self.run(node.body)
            self.run(node.orelse)

        self._either(whole, *(handled(handler) for handler in node.handlers))
        self.run(node.finalbody)

    def _match(self, subject: Value, cases: Sequence[ast.match_case]) -> None:
        def chosen(case: ast.match_case) -> Callable[[], None]:
            def follow() -> None:
                for node in ast.walk(case.pattern):
                    match node:
                        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                            self.bind_name(name, joined([subject, self.part_of(subject)]))
                        case ast.MatchMapping(rest=str(name)):
                            self.bind_name(name, subject)
                        case ast.MatchValue(value=value):
                            self.value_of(value)
                        case ast.MatchClass(cls=cls):
                            self.value_of(cls)
                        case _:
                            pass
                if case.guard is not None:
                    self.value_of(case.guard)
                self.run(case.body)

            return follow

        self._either(*(chosen(case) for case in cases), _nothing)

    def _import(self, alias: ast.alias) -> None:
        top = alias.name.partition(".")[0]
        path = alias.name if alias.asname else top
        self.load_module(alias.name)
        self.bind_name(alias.asname or top, Value(library=path))

    def _import_from(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self._import_star("." * node.level + (node.module or ""))
            elif node.module == "__future__":
                self.set_state("python.__future__")  # holds for every cell that follows
                self.has_lazy_annotations |= alias.name == "annotations"
            else:
                self.load_module(f"{node.module or ''}.{alias.name}")
                self.bind_name(alias.asname or alias.name, Value(library=f"{node.module or ''}.{alias.name}"))

    def _import_star(self, module: str) -> None:
        try:
            exports = exports_of(module, folder=self.folder)
        except UnreadableModuleError as error:
            self.effects.unknown_stars[module] = str(error)
            self.effects.stars.append(module)
            return
        for name in exports.names:
            self.bind_name(name, Value(library=f"{module}.{name}"))
        if not exports.is_complete:
            self.effects.stars.append(module)

    # Binding

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
            self.operators(self.value_of(target.slice), _HASHING)
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
        self.effects.change(holder.own, surely=True)
        if holder.is_cell or self._is_in_cell(target):
            self.change_cells(holder)
        if holder.type == TABLE:
            self._fill_cells(holder, value)
        if _may_hold(holder, value):
            self.heap.keep(holder.own, value.own)

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
        for known, state in _LIBRARY_STATE.items():
            if path == known or path.startswith(f"{known}."):
                self.set_state(state)
                return True
        return False

    # Expressions

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
                self.operators(one, _HASHING)
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
                self.operators(self.value_of(key), _HASHING)
            value = self.value_of(node)
            held.append(value.own if key is not None else self.heap.parts(value.own))
            stays = stays or value.stays
        return self.container("builtins.dict", NOWHERE.union(*held), stays=stays)

    def container(self, type_name: str, held: Regions, *, stays: str = "") -> Value:
        """A new container that holds these."""
        if type_name == "builtins.tuple" and not held:
            return Value(type="builtins.tuple", stays=stays)
        region = self.heap.fresh(holds=held, closed=True, of_type=type_name)
        return Value(own=frozenset([region]), type=type_name, stays=stays)

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
        self.operators(self.value_of(index), _HASHING)
        self.operators(held, ("__getitem__", "__missing__"))
        if held.type == NAMESPACE:
            return self.load_by_text(index)
        if held.library:
            if held.library in ("typing", "builtins.list", "builtins.dict") or held.library.startswith(
                "typing."
            ):
                return Value(library=held.library)
            return PLAIN if held.library in _LIBRARY_STATE else Value(own=frozenset([self.heap.fresh()]))
        if held.type == "class":
            return held  # `Box[int]` is the class with a note on its types
        return self.element_of(held, index)

    # Ways through

    def _either(self, *ways: Callable[[], object]) -> None:
        """Follow each way from the same start and join what they leave behind."""
        before = set(self.effects.must)
        endings: list[tuple[dict[tuple[int, str], tuple[Frame, Value | None]], set[str]]] = []
        for way in ways:
            self.effects.must = set(before)
            journal = self.start_journal()
            way()
            endings.append((self.undo(journal), self.effects.must))
        self.effects.must = set.intersection(*(must for _, must in endings))
        touched = {key: frame for ending, _ in endings for key, (frame, _) in ending.items()}
        for key, frame in touched.items():
            old = frame.names.get(key[1])
            values = [ending[key][1] if key in ending else old for ending, _ in endings]
            known = [value for value in values if value is not None]
            self.write(frame, key[1], joined(known) if known else None)


def _nothing() -> None:
    pass


def _is_data(value: Value) -> bool:
    return value.type not in ("numpy.ndarray", "pandas.DataFrame", "plain")


def _may_hold(holder: Value, value: Value) -> bool:
    """Whether storing the value in the holder makes it hold the very object: tables and arrays copy data."""
    if holder.type == "pandas.DataFrame":
        return False
    return holder.type != "numpy.ndarray" or value.type not in ("numpy.ndarray", "pandas.DataFrame", "plain")


def _surely_runs(several: ast.expr) -> bool:
    match several:
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return any(not isinstance(part, ast.Starred) for part in parts)
        case ast.Constant(value=str(text)):
            return bool(text)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(count))]):
            return count > 0
        case _:
            return False


__all__ = ["Heap", "Tracer"]
