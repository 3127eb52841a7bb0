"""Statements: in order, every way through taken and joined, a loop's body taken twice."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.flow.aliases import NOWHERE, PLAIN, Code, Frame, Value, joined
from nbprod.flow.names import bindings_of
from nbprod.flow.stars import UnreadableModuleError, exports_of
from nbprod.flow.tracing.binding import LIBRARY_STATE
from nbprod.flow.tracing.expressions import Expressions
from nbprod.flow.tracing.parts import MEMBER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_UNCHANGEABLE = ("builtins.tuple", "ibis.Expression", "polars.DataFrame", MEMBER)


class Tracer(Expressions):
    """Follows statements in order; `effects` are those of the statement being followed."""

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
                self.either(lambda: self.run(body), lambda: self.run(orelse))
            case ast.For() | ast.AsyncFor():
                self._loop(node)
            case ast.While(test=test, body=body, orelse=orelse):
                self.value_of(test)
                self.either(lambda: self._twice(lambda: self._run_tested(body, test)), _nothing)
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
        if before.library in LIBRARY_STATE:
            self.set_state(LIBRARY_STATE[before.library])
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
            self.either(lambda: self._twice(once), _nothing)
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
                self.either(lambda: self.run(node.body), _nothing)
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

        self.either(whole, *(handled(handler) for handler in node.handlers))
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

        self.either(*(chosen(case) for case in cases), _nothing)

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

    def either(self, *ways: Callable[[], object]) -> None:
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
