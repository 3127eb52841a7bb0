"""Calls followed: of functions and classes of the notebook by their code, of libraries by their tables."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nbprod.flow import magics
from nbprod.flow.aliases import NOWHERE, PLAIN, Code, Frame, Heap, Regions, Value, joined, plain
from nbprod.flow.effects import ANY_FILE
from nbprod.flow.names import NO_ARGUMENTS, bindings_of, free_names
from nbprod.flow.scoping import Scoping
from nbprod.libraries.calls import GENERATORS, Call, Result, call_of, harmless_names, known_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

NAMESPACE = "namespace"
MEMBER = "enum.member"
TABLE = "pandas.DataFrame"
# Methods that change lists, dictionaries and sets, which tables and arrays don't have: they tell what a cell holds.
_OF_CELLS = frozenset(
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
DEEPEST = 12
NESTED_CALLBACKS = 2
STATEMENTS_A_STEP = 800
STATEMENTS_IN_ALL = 400_000
WORK_A_STEP = 100_000
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_SEED_WORDS = ("random_state", "seed", "rng", "generator")
# Calls whose text arguments are code that reads the notebook's names.
_SPEAKING = frozenset(
    [
        "query",
        "eval",
        "sql",
        "execute",
        "sqldf",
        "dmatrix",
        "dmatrices",
        "from_formula",
        "from_query",
        "ols",
        "wls",
        "gls",
        "glm",
        "logit",
        "probit",
        "poisson",
        "mixedlm",
        "rlm",
        "gee",
        "mnlogit",
        "quantreg",
        "phreg",
    ]
)
# Decorators under which a function's effects come with its first call only.
_REMEMBERING = ("functools.lru_cache", "functools.cache")
_REGISTERING = ("setter", "getter", "deleter", "register")
_SPREADING = frozenset(["extend", "update", "union"])
# Objects of these libraries look at what they are made of and never change it.
_LOOKERS = ("pandas.", "polars.", "ibis.", "statsmodels.", "duckdb.")
_SHALLOW = ("builtins.", "pandas.", "polars.", "numpy.", "plain")
_CLASS_MAKERS = (
    "collections.namedtuple",
    "typing.NamedTuple",
    "typing.NewType",
    "enum.Enum",
    "types.new_class",
)


@dataclass(slots=True)
class Arguments:
    """The values that a call brings."""

    positional: list[Value] = field(default_factory=list)
    named: dict[str, Value] = field(default_factory=dict)
    spread: list[Value] = field(default_factory=list)
    nodes: dict[str, ast.expr] = field(default_factory=dict)

    @property
    def all(self) -> list[Value]:
        return [*self.positional, *self.named.values(), *self.spread]

    @property
    def own(self) -> Regions:
        return NOWHERE.union(*(value.own for value in self.all))


class Calling(Scoping):
    """Follows calls. The tracer that is made of it follows the statements that they lead to."""

    def __init__(self, *, folder: str = "") -> None:
        super().__init__(folder=folder)
        self._following: list[ast.AST] = []
        self._left_in_step = STATEMENTS_A_STEP
        self._left = STATEMENTS_IN_ALL
        # What the functions called back in this step were given, and what they gave: not to go in circles.
        self._calling_back = 0
        self._handlers: list[Value] = []
        self._patched: set[str] = set()
        self._remembering: set[ast.AST] = set()
        self.raised: Regions = NOWHERE
        self._called_back: dict[ast.AST, tuple[Regions | None, Regions]] = {}

    def run(self, statements: Iterable[ast.stmt]) -> None:
        raise NotImplementedError

    def value_of(self, node: ast.expr) -> Value:
        raise NotImplementedError

    def container(self, type_name: str, held: Regions, *, stays: str = "") -> Value:
        raise NotImplementedError

    def _either(self, *ways: Callable[[], object]) -> None:
        raise NotImplementedError

    def start_step(self, index: int, *, line: int) -> None:
        self.step, self.line = index, line
        self._left_in_step = STATEMENTS_A_STEP
        self._called_back.clear()
        self.raised = NOWHERE
        self.heap.start_step()
        self.unpacked.clear()

    def spend(self) -> None:
        if self.depth:
            self._left_in_step -= 1
            self._left -= 1

    @property
    def gives_up(self) -> bool:
        """Whether following the statement has cost so much that its effects are better taken for anything."""
        return self._left_in_step < -STATEMENTS_A_STEP or self.heap.work > WORK_A_STEP

    def touch_all(self, node: ast.stmt) -> None:
        """A statement that isn't followed to its end reads and changes whatever the names in it lead to."""
        around = ast.FunctionDef(name="", args=NO_ARGUMENTS, body=[node], decorator_list=[])
        self._assume_worst(Code(node=around, frame=None, step=self.step), Arguments())

    @property
    def _can_follow(self) -> bool:
        return (
            self.depth < DEEPEST
            and self._left_in_step > 0
            and self._left > 0
            and self.heap.work < WORK_A_STEP // 2
        )

    # Calls

    def call(self, node: ast.Call) -> Value:
        """The value of a call, its effects told."""
        if self.gives_up:
            return self.fresh_value()
        self._left_in_step -= self.depth > 0
        receiver, target, method = self._callee(node.func)
        arguments = self._arguments(node)
        name = method or target.library.rpartition(".")[2]
        if name in _SPEAKING or method == "sql":
            self._load_spoken(node)
        if receiver is not None:
            return self._call_method(receiver, method, arguments)
        if target.library:
            if self._changes_what_is_patched(target.library):
                return self.fresh_value()
            return self._call_library(target.library, arguments)
        return self.call_value(target, arguments)

    def _changes_what_is_patched(self, path: str) -> bool:
        """Whether a method changes what stands in a module: it is as good as set anew."""
        holder, _, method = path.rpartition(".")
        is_unknown = path not in known_calls() and f"{holder}.*" not in known_calls()
        is_object = "." in holder and is_unknown and method in _OF_CELLS
        if holder not in self._patched and not is_object:
            return False
        self.set_state(holder)
        return True

    def patch(self, path: str) -> None:
        """An attribute of a library's module or class is set."""
        self._patched.add(path)
        self.set_state(path)

    def _callee(self, function: ast.expr) -> tuple[Value | None, Value, str]:
        if not isinstance(function, ast.Attribute):
            return None, self.value_of(function), ""
        held = self.value_of(function.value)
        if held.library:
            path = f"{held.library}.{function.attr}"
            self.use_module(path)
            return None, Value(library=path), function.attr
        return held, PLAIN, function.attr

    def _arguments(self, node: ast.Call) -> Arguments:
        arguments = Arguments()
        for position, one in enumerate(node.args):
            if isinstance(one, ast.Starred):
                arguments.spread.append(self.part_of(self.value_of(one.value)))
            else:
                arguments.positional.append(self.value_of(one))
                arguments.nodes[str(position)] = one
        for keyword in node.keywords:
            value = self.value_of(keyword.value)
            if keyword.arg is None:
                arguments.spread.append(self.part_of(value))
            else:
                arguments.named[keyword.arg] = value
                arguments.nodes[keyword.arg] = keyword.value
        return arguments

    def _load_spoken(self, node: ast.Call) -> None:
        for one in (*node.args, *(keyword.value for keyword in node.keywords)):
            for text in ast.walk(one):
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    self.load_words(text.value, node)
            known = self.unpacked.get(id(one))
            if known is not None and known.text is not None:
                self.load_words(known.text, node)

    def load_words(self, text: str, node: ast.AST) -> None:
        """Read each word of the text that is a name of the notebook's."""
        for word in dict.fromkeys(_IDENTIFIER.findall(text)):
            if word in self.module.names:
                value = self.load(word, node)
                self._call_back([value], NOWHERE)

    def call_value(self, target: Value, arguments: Arguments) -> Value:
        """Call whatever the value may be: functions and classes of the notebook are followed."""
        codes = [(region, self.heap.code[region]) for region in target.own if region in self.heap.code]
        instances = [region for region in target.own if region in self.heap.class_of]
        results: list[Value] = []
        for region, code in codes:
            if isinstance(code.node, ast.ClassDef):
                results.append(self._instance(region, code, arguments))
            else:
                results.append(self.follow(code, arguments))
        if instances:
            calls = self.methods_of(target, "__call__")
            results += [self.follow(replace(code, receiver=target), arguments) for code in calls]
        if len(codes) + len(instances) < len(target.own) or not results:
            results.append(self._call_unknown(target, arguments, what="a value that is called"))
        return joined(results)

    def follow(self, code: Code, arguments: Arguments) -> Value:
        """The result of a function of the notebook's, its body followed with these arguments."""
        node = code.node
        if isinstance(node, ast.ClassDef):
            return self.fresh_value()
        if code.receiver is not None:
            arguments = replace(arguments, positional=[code.receiver, *arguments.positional])
        if node in self._following or not self._can_follow:
            return self._assume_worst(code, arguments)
        bindings = bindings_of(node)
        frame = Frame(
            parent=code.frame,
            local=bindings.local,
            shared=bindings.shared,
            outer=bindings.outer,
            region=self.heap.fresh(),
        )
        frame.names.update(self._bound_parameters(node, arguments, code))
        saved, self.returned = self.returned, []
        before = self._extent_of_effects()
        self._following.append(node)
        self.depth += 1
        self.spend()
        with self.inside(frame):
            if isinstance(node, ast.Lambda):
                self.returned.append(self.value_of(node.body))
            else:
                self.run(node.body)
        self.depth -= 1
        self._following.pop()
        given, self.returned = joined(self.returned), saved
        if node in self._remembering and self._extent_of_effects() != before:
            # Calling it again does something else: the function itself has changed.
            self.effects.change(frozenset(self._regions_with(node)), surely=True)
        held = NOWHERE.union(*(value.own for value in frame.names.values()))
        self.heap.keep(frozenset([frame.region]), held)
        if bindings.yields:
            return self.container("builtins.iterator", given.own, stays="a generator")
        return given

    def _bound_parameters(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, arguments: Arguments, code: Code
    ) -> dict[str, Value]:
        parameters = node.args
        ordered = [one.arg for one in (*parameters.posonlyargs, *parameters.args)]
        # Defaults live as long as the function does: what it holds stands for them.
        defaults = frozenset[int]().union(*(self.heap.inside[r] for r in self._regions_of(code)))
        default = Value(own=defaults) if defaults else PLAIN
        if arguments.spread:
            default = joined([default, *arguments.spread])
        bound = dict.fromkeys((*ordered, *(one.arg for one in parameters.kwonlyargs)), default)
        bound |= dict(zip(ordered, arguments.positional, strict=False))
        bound |= {name: value for name, value in arguments.named.items() if name in bound}
        if parameters.vararg is not None:
            rest = [*arguments.positional[len(ordered) :], *arguments.spread]
            bound[parameters.vararg.arg] = self.container(
                "builtins.tuple", NOWHERE.union(*(v.own for v in rest))
            )
        if parameters.kwarg is not None:
            rest = [*(v for name, v in arguments.named.items() if name not in bound), *arguments.spread]
            bound[parameters.kwarg.arg] = self.container(
                "builtins.dict", NOWHERE.union(*(v.own for v in rest))
            )
        return bound

    def _regions_of(self, code: Code) -> list[int]:
        if not (code.node.args.defaults or code.node.args.kw_defaults):  # type: ignore[union-attr]
            return []
        return self._regions_with(code.node)

    def _regions_with(self, node: ast.AST) -> list[int]:
        return [region for region, known in self.heap.code.items() if known.node is node]

    def _extent_of_effects(self) -> tuple[int, ...]:
        effects = self.effects
        return tuple(len(one) for one in (effects.changed, effects.may, effects.drawn, effects.writes))

    def _assume_worst(self, code: Code, arguments: Arguments) -> Value:
        """A call that isn't followed: it may read and change what the function and those it names can get at."""
        if code.node in self._following:
            return self._touch(arguments.own, what="a call of itself")
        reached = set(arguments.own)
        seen: set[ast.AST] = set()
        pending = [code]
        while pending:
            one = pending.pop()
            if one.node in seen:
                continue
            seen.add(one.node)
            self.effects.may |= bindings_of(one.node).shared
            for name in sorted(free_names(one.node) & self.module.names.keys()):
                below = self.heap.reach(self.load(name, one.node).own)
                reached |= below
                pending += [self.heap.code[region] for region in sorted(below & self.heap.code.keys())]
        return self._touch(frozenset(reached), what="a deep call")

    def _touch(self, own: Regions, *, what: str) -> Value:
        """Whatever can be got at from here may change and come back; generators may move."""
        self.effects.is_copyable = False
        self.effects.opaque.setdefault(what, self.line)
        self.effects.change(self.heap.reach(own) - self.heap.code.keys() - self.heap.cells, surely=False)
        for state in GENERATORS:
            self.draw(state)
        # A region of which nothing is known stands for what comes back as well.
        made = NOWHERE if self.heap.has_unknown(own) else frozenset([self.heap.fresh()])
        return Value(own=self.heap.collapsed(own | made))

    def _instance(self, region: int, code: Code, arguments: Arguments) -> Value:
        made = self.heap.fresh(apart=True)
        self.heap.class_of[made] = frozenset([region])
        self.heap.keep(frozenset([made]), arguments.own)
        self.heap.look_at(frozenset([made]), frozenset([region]))
        value = Value(own=frozenset([made]), type="instance")
        self.heap.types[made] = "instance"
        for name in ("__new__", "__init__", "__post_init__"):
            for method in self.methods_of(value, name):
                self.follow(
                    replace(method, receiver=value), arguments if name != "__post_init__" else Arguments()
                )
        for base in code.bases:
            if (
                base.library
                and call_of(base.library) is None
                and not base.library.startswith(("builtins.", "abc."))
            ):
                self._call_back(arguments.all, NOWHERE)
        return value

    def _call_method(self, receiver: Value, method: str, arguments: Arguments) -> Value:
        if receiver.type == "logging.Logger":
            if method == "addHandler":
                self._handlers += arguments.all
            else:
                self._call_back(self._handlers, NOWHERE)
        if receiver.type == NAMESPACE:
            self.effects.opaque.setdefault("the table of all names", self.line)
            return self.fresh_value()
        if self._changes_cells(receiver, method):
            return self.fresh_value()
        if receiver.own and (receiver.type in ("instance", "class", "") or not receiver.type):
            found = self.methods_of(receiver, method)
            if found:
                bound = [
                    code if self._is_static(code, receiver) else replace(code, receiver=receiver)
                    for code in found
                ]
                results = [self.follow(code, arguments) for code in bound]
                if not all(
                    region in self.heap.class_of or region in self.heap.code for region in receiver.own
                ):
                    results.append(self._call_unknown_method(receiver, method, arguments))
                return joined(results)
            member = self.member_of(receiver, method)
            if member is not None:
                return self.call_value(member, arguments)
        call = call_of(f"{receiver.type}.{method}") if receiver.type else None
        if call is None:
            return self._call_unknown_method(receiver, method, arguments)
        return self._apply(call, arguments, receiver=receiver, name=method)

    def _changes_cells(self, receiver: Value, method: str) -> bool:
        """Whether the method changes an object that a cell of a table or of an array holds."""
        of_cell = receiver.own & self.heap.cells
        if of_cell and method in _OF_CELLS | _OF_CELLS_TOO:
            self.effects.is_copyable = False
            self.effects.change(receiver.own, surely=True)
            return True
        tables = [one for one in receiver.own if self.heap.types.get(one) in (TABLE, "numpy.ndarray")]
        if not tables or not (method in _OF_CELLS or (receiver.is_cell and method in _OF_CELLS_TOO)):
            return False
        self.effects.is_copyable = False
        self.change_cells(receiver)
        return True

    def change_cells(self, value: Value) -> None:
        """An object changes that a cell of the table holds, or one of a table that shares its objects."""
        self.effects.change(value.own | self.heap.reach(self.heap.cells_of(value.own)), surely=True)

    def _is_static(self, code: Code, receiver: Value) -> bool:
        node = code.node
        if isinstance(node, ast.Lambda):
            return False
        decorators = {one.id for one in getattr(node, "decorator_list", ()) if isinstance(one, ast.Name)}
        of_class = receiver.type == "class" and "classmethod" not in decorators
        return "staticmethod" in decorators or of_class

    def _call_unknown_method(self, receiver: Value, method: str, arguments: Arguments) -> Value:
        for code in self.all_methods_of(receiver):
            self._maybe_follow(replace(code, receiver=receiver), arguments)
        if method in harmless_names() and "inplace" not in arguments.named:
            # Harmless wherever it is known: told apart from what nothing is known of.
            self.effects.is_copyable = False
            self._call_back(arguments.all, receiver.own)
            self.effects.change(self.heap.reach(receiver.own) - self.heap.cells, surely=False)
            return Value(own=self.heap.parts(receiver.own) | {self.heap.fresh()})
        return self._call_unknown(receiver, arguments, what=f".{method}()")

    def _call_unknown(self, target: Value, arguments: Arguments, *, what: str) -> Value:
        returned = self._call_back([target, *arguments.all], NOWHERE)
        self._hold_each_other([target, *arguments.all])
        result = self._touch(target.own | arguments.own, what=what)
        return replace(result, own=result.own | returned)

    def _hold_each_other(self, values: Sequence[Value]) -> None:
        """What can't be looked into may put any of the values into any other."""
        apart = self.heap.code.keys() | self.heap.cells
        several = [one.own - apart for one in values if one.own - apart]
        if len(several) < 2:
            return
        hub = frozenset([self.heap.fresh(holds=NOWHERE.union(*several))])
        for own in several:
            self.heap.keep(own, hub)

    def _call_back(self, values: Sequence[Value], among: Regions) -> Regions:
        """Functions of the notebook's that the values lead to may be called, with anything the values lead to.

        Gives the regions of what they return.
        """
        if not self.heap.code:
            return NOWHERE
        if self._calling_back >= NESTED_CALLBACKS:
            return self._read_codes(values)
        reached = self.heap.reach(NOWHERE.union(*(value.own for value in values)) if values else NOWHERE)
        self._left_in_step -= len(reached) // 20
        codes = [self.heap.code[region] for region in sorted(reached) if region in self.heap.code]
        for region in sorted(reached & self.heap.class_of.keys()):
            instance = Value(own=frozenset([region]), type="instance")
            codes += [replace(code, receiver=instance) for code in self.all_methods_of(instance)]
        given = Value(own=self.heap.collapsed(frozenset(reached - self.heap.code.keys()) | among))
        returned: set[int] = set()
        for code in codes:
            brought = given.own | (code.receiver.own if code.receiver is not None else NOWHERE)
            met, answer = self._called_back.get(code.node, (None, NOWHERE))
            if met is None or not brought <= met:
                self._called_back[code.node] = (brought | (met or NOWHERE), answer)
                self._calling_back += 1
                answer |= self._maybe_follow(
                    code, Arguments(spread=[given if given.own else self.fresh_value()])
                )
                self._calling_back -= 1
                self._called_back[code.node] = (brought | (met or NOWHERE), answer)
            returned |= answer
        return frozenset(returned)

    def _read_codes(self, values: Sequence[Value]) -> Regions:
        """Functions that a callback would call in turn aren't followed: they may do anything with what they name."""
        reached = self.heap.reach(NOWHERE.union(*(value.own for value in values)) if values else NOWHERE)
        returned = NOWHERE
        for region in sorted(reached & self.heap.code.keys()):
            returned |= self._assume_worst(self.heap.code[region], Arguments()).own
        return self.heap.collapsed(returned)

    def _maybe_follow(self, code: Code, arguments: Arguments) -> Regions:
        returned: list[Value] = []
        if not isinstance(code.node, ast.ClassDef) and code.node not in self._following:
            self._either(lambda: returned.append(self.follow(code, arguments)), lambda: None)
        return NOWHERE.union(*(value.own for value in returned))

    # Libraries

    def _call_library(self, path: str, arguments: Arguments) -> Value:  # noqa: C901, PLR0912 - one case a call
        match path:
            case "builtins.exec" | "builtins.eval":
                return self._run_text(arguments)
            case "builtins.globals" | "builtins.locals" | "builtins.vars" if not arguments.all:
                return Value(type=NAMESPACE)
            case "builtins.__import__" | "importlib.import_module":
                known = arguments.positional[0].text if arguments.positional else None
                return Value(library=known or "unknown")
            case "builtins.get_ipython":
                return Value(library="ipython.shell")
            case "decimal.getcontext":
                return Value(library="decimal.context", stays="the arithmetic of a process")
            case "builtins.super":
                return self._parent_of_self()
            case "os.path.join" if all(one.text is not None for one in arguments.all):
                return plain("/".join(one.text or "" for one in arguments.all))
            case "builtins.str" | "pathlib.Path" | "os.fspath" if (
                len(arguments.positional) == 1 and not arguments.own
            ):
                return plain(arguments.positional[0].text)
            case "builtins.open" | "pathlib.Path.open":
                self._open(arguments)
            case "builtins.setattr" | "builtins.delattr" if (
                arguments.positional and arguments.positional[0].library
            ):
                name = arguments.positional[1].text if len(arguments.positional) > 1 else None
                self.patch(f"{arguments.positional[0].library}.{name or '*'}")
                return PLAIN
            case "builtins.getattr" if len(arguments.positional) >= 2 and arguments.positional[1].text:
                return self._attribute_by_text(arguments)
        if path.startswith("ipython.shell."):
            return magics.follow(
                self, path.rpartition(".")[2], [one.text or "" for one in arguments.positional]
            )
        call = call_of(path)
        if call is None:
            return self._call_unknown(PLAIN, arguments, what=f"{path}()")
        receiver = None
        if "self" in call.changes and arguments.positional:
            # A method called through its type: what it is called on comes first.
            receiver, *rest = arguments.positional
            arguments = replace(arguments, positional=rest)
        result = self._apply(call, arguments, receiver=receiver, name=path.rpartition(".")[2])
        if path in _CLASS_MAKERS:
            for region in result.own:
                self.heap.defined_at[region] = self.step
        return result

    def _attribute_by_text(self, arguments: Arguments) -> Value:
        held, name = arguments.positional[0], arguments.positional[1].text or ""
        if held.library:
            return Value(library=f"{held.library}.{name}")
        return self.member_of(held, name) or self.attribute_of(held, name)

    def _parent_of_self(self) -> Value:
        frame: Frame | None = self.frame
        while frame is not None and frame is not self.module:
            for name in ("self", "cls"):
                if name in frame.names:
                    return replace(frame.names[name], type="parent")
            frame = frame.parent
        return self.fresh_value()

    def _run_text(self, arguments: Arguments) -> Value:
        text = arguments.positional[0].text if arguments.positional else None
        self.effects.is_copyable = False
        try:
            tree = ast.parse(text or "")
        except SyntaxError:
            tree = ast.Module(body=[], type_ignores=[])
        if text is None or len(arguments.all) > 1:
            self.effects.opaque.setdefault("code made while running", self.line)
            return self._call_unknown(PLAIN, arguments, what="code made while running")
        with self.inside(self.frame):
            self.depth += 1
            self.run(tree.body)
            self.depth -= 1
        return self.fresh_value()

    def _open(self, arguments: Arguments) -> None:
        mode = arguments.named.get("mode") or (
            arguments.positional[1] if len(arguments.positional) > 1 else plain("r")
        )
        name = _file_name(arguments)
        if mode.text is None or set(mode.text) & set("wax+"):
            self.effects.writes.add(name)
        if mode.text is None or set(mode.text) & set("r+"):
            self.effects.reads.add(name)

    def _apply(self, call: Call, arguments: Arguments, *, receiver: Value | None, name: str) -> Value:
        """What a call does by its table."""
        effects = self.effects
        if call.role is not None:
            effects.roles.append(call.role)
        if not (call.cheap or call.sets or call.seeds):
            effects.is_copyable = False
        self._apply_changes(call, arguments, receiver, name)
        self._apply_draws(call, arguments, receiver)
        if call.sets:
            self.set_state(call.sets)
        if call.seeds:
            self.seed(call.seeds)
        if call.reads_file:
            effects.reads.add(_file_name(arguments) if receiver is None else ANY_FILE)
        if call.writes_file and (arguments.all or call.reads_file):
            effects.writes.add(_file_name(arguments))
        returned = self._called_by(arguments, receiver)
        result = self._with_what_is_shared(self._result(call, arguments, receiver), call, arguments, receiver)
        if call.reads_file and arguments.named.keys() & {"chunksize", "iterator"}:
            result = replace(result, stays="a reader of an open file")
        self.heap.keep(result.own, returned)
        return self._with_cells(result, arguments, receiver, name)

    def _called_by(self, arguments: Arguments, receiver: Value | None) -> Regions:
        """What functions return that a library calls because they are among what it is given."""
        functions = [
            one
            for one in arguments.all
            if one.type in ("function", "class", "", "instance") or one.type.startswith("builtins.")
        ]
        if receiver is not None and receiver.type.startswith(("sklearn.", "builtins.iterator")):
            functions.append(receiver)
        if not functions:
            return NOWHERE
        others = [
            one for one in (*arguments.all, *([receiver] if receiver else [])) if one.type != "function"
        ]
        among = self.heap.parts(NOWHERE.union(*(one.own for one in others)))
        if receiver is not None and receiver.type == TABLE:
            among |= self.taken_out(receiver).own
        return self._call_back(functions, among)

    def _with_cells(self, result: Value, arguments: Arguments, receiver: Value | None, name: str) -> Value:
        """The result, which holds the objects in the cells of the tables that it is made of."""
        given = arguments.own | (receiver.own if receiver is not None else NOWHERE)
        tables = [
            one
            for one in sorted(given | self.heap.parts(given))
            if self.heap.types.get(one) == TABLE and one not in result.own
        ]
        if receiver is not None and receiver.type == TABLE and name in ("tolist", "to_list", "to_dict"):
            return replace(result, own=frozenset([self.heap.fresh(holds=self.heap.cells_of(receiver.own))]))
        if result.type != TABLE:
            return result
        if tables:
            self.heap.derive(result.own, tables)
        objects = self._objects_in(arguments) if receiver is None else ()
        if objects:
            self.heap.put_in_cells(result.own, objects)
        return result

    def _objects_in(self, arguments: Arguments) -> list[int]:
        """What lists and dictionaries that a table is made of hold, as far as that can change."""
        found: set[int] = set()
        for one in arguments.all:
            inside = self.heap.parts(one.own)
            found |= self.heap.parts(inside) | (NOWHERE if one.type == "builtins.dict" else inside)
        return [
            one
            for one in sorted(found)
            if self.heap.types.get(one) not in (TABLE, "numpy.ndarray", "plain") and one not in self.heap.code
        ]

    def _with_what_is_shared(
        self, result: Value, call: Call, arguments: Arguments, receiver: Value | None
    ) -> Value:
        """The result, which is what the call was told to write into, or to look at instead of copying."""
        shared = [arguments.named["out"]] if "out" in arguments.named else []
        if call.gives == "numpy.ndarray":
            shared += [value for one in call.changes if (value := _argument(arguments, one)) is not None]
        stays = result.stays
        copies = arguments.nodes.get("copy")
        if copies is not None and not _is_true(copies):
            seen = [receiver] if receiver is not None else arguments.positional[:1]
            arrays = [one for one in seen if one.type == "numpy.ndarray"]
            shared += arrays if call.gives == "pandas.DataFrame" else seen
            if arrays and call.gives == "pandas.DataFrame":
                stays = "a table that shares the memory of an array"
        own = NOWHERE.union(*(one.own for one in shared)) if shared else NOWHERE
        return replace(result, own=self.heap.collapsed(result.own | own), stays=stays) if own else result

    def _apply_changes(self, call: Call, arguments: Arguments, receiver: Value | None, name: str) -> None:
        effects = self.effects
        for changed in call.changes:
            value = receiver if changed == "self" else _argument(arguments, changed)
            if value is None:
                continue
            is_shallow = value.type.startswith(_SHALLOW)
            reached = value.own if is_shallow else self.heap.reach(value.own) - self.heap.code.keys()
            effects.change(reached, surely=True)
        inplace = arguments.nodes.get("inplace") or arguments.nodes.get("in_place")
        if inplace is not None and receiver is not None and not _is_false(inplace):
            effects.change(receiver.own, surely=True)
        if (out := arguments.named.get("out")) is not None:
            effects.change(out.own | self.heap.parts(out.own), surely=True)
        if not call.keeps:
            return
        # A receiver may be its own argument (`row.append(row)`): only the place tells holder from kept.
        holder, kept = receiver if receiver is not None else PLAIN, arguments.all
        if receiver is None and arguments.positional:
            holder, kept = arguments.positional[0], arguments.all[1:]
        if receiver is not None and receiver.type.startswith("sklearn."):
            # Estimators copy tables and may go on looking at arrays.
            seen = NOWHERE.union(
                *(one.own for one in kept if one.type not in ("pandas.DataFrame", "polars.DataFrame"))
            )
            self.heap.look_at(holder.own, seen)
            return
        for one in kept:
            self.heap.keep(holder.own, self.heap.parts(one.own) if name in _SPREADING else one.own)

    def _apply_draws(self, call: Call, arguments: Arguments, receiver: Value | None) -> None:
        given = [arguments.named[word] for word in _SEED_WORDS if word in arguments.named]
        for generator in given:
            if generator.own:
                self.effects.change(generator.own, surely=True)
        is_seeded = any(
            not _is_none(arguments.nodes.get(word)) for word in _SEED_WORDS if word in arguments.named
        )
        if call.draws and not is_seeded and not (receiver is not None and receiver.seeded):
            self.draw(call.draws)

    def _result(self, call: Call, arguments: Arguments, receiver: Value | None) -> Value:
        base = (
            receiver if receiver is not None else (arguments.positional[0] if arguments.positional else None)
        )
        held = arguments.own | (receiver.own if receiver is not None else NOWHERE)
        is_seeded = any(word in arguments.named for word in _SEED_WORDS)
        match call.result:
            case Result.PLAIN:
                return PLAIN
            case Result.SELF:
                return base if base is not None else self.fresh_value()
            case Result.VIEW:
                return self._view(call, arguments, base)
            case Result.PART:
                # A default or the largest of several is handed back itself.
                parts = self.heap.parts(held) | arguments.own
                if receiver is None and not held:
                    return PLAIN
                return Value(own=parts, type=call.gives or self.heap.type_of(parts), stays=call.stays)
            case Result.SEVERAL:
                value = self.fresh_value()
                return replace(value, fresh_parts=True, part_type=call.gives)
            case Result.PAIRS:
                pair = self.container("builtins.tuple", self.heap.parts(held))
                return replace(self.container(call.gives, pair.own), stays=call.stays)
            case Result.HOLDS:
                return replace(self._holding(call, held), stays=call.stays, seeded=is_seeded)
            case Result.FRESH:
                region = self.heap.fresh(of_type=call.gives, closed=call.gives.startswith(_SHALLOW))
                return Value(own=frozenset([region]), type=call.gives, stays=call.stays, seeded=is_seeded)

    def taken_out(self, table: Value, *, is_cell: bool = False) -> Value:
        """A column, a row or a cell of a table: an object of its own but for the objects in its cells."""
        part = self.fresh_value(of_type=TABLE, closed=True)
        self.heap.derive(part.own, table.own)
        return replace(part, is_cell=is_cell)

    def _view(self, call: Call, arguments: Arguments, base: Value | None) -> Value:
        own = base.own if base is not None else NOWHERE
        if arguments.positional[1:] and call.gives != "numpy.ndarray":
            own |= {self.heap.fresh(holds=arguments.own - own)}
        return Value(own=own or frozenset([self.heap.fresh()]), type=call.gives, stays=call.stays)

    def _holding(self, call: Call, held: Regions) -> Value:
        if call.gives == "builtins.iterator" and (self.heap.type_of(held) == TABLE):
            held = self.taken_out(Value(own=held, type=TABLE)).own
            return Value(
                own=frozenset([self.heap.fresh(holds=held, closed=True, of_type=call.gives)]), type=call.gives
            )
        if call.gives.startswith(_LOOKERS):
            region = self.heap.fresh(of_type=call.gives, closed=True)
            self.heap.look_at(frozenset([region]), held)
            codes = frozenset(one for one in held if one in self.heap.code)
            self.heap.keep(frozenset([region]), codes)
        elif call.gives == "builtins.dict":
            # Pairs make values of what is inside them.
            region = self.heap.fresh(holds=self.heap.reach(held), of_type=call.gives)
        elif call.gives.startswith("builtins."):
            region = self.heap.fresh(holds=self.heap.parts(held), closed=True, of_type=call.gives)
            if call.gives == "builtins.view":
                self.heap.look_at(frozenset([region]), held)
        else:
            region = self.heap.fresh(holds=held, of_type=call.gives)
        return Value(own=frozenset([region]), type=call.gives)

    # Parts of values

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

    # The notebook's own classes

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

    def _is_property(self, code: Code) -> bool:
        decorators = getattr(code.node, "decorator_list", ())
        return any(
            "property" in ast.unparse(one) or ast.unparse(one).endswith(".setter") for one in decorators
        )

    def run_properties(self, held: Value, name: str) -> None:
        """Reading an attribute of an instance runs what its class has for that."""
        if held.type not in ("instance", "parent", "") or not held.own:
            return
        for code in (*self.methods_of(held, name), *self.methods_of(held, "__getattr__")):
            if self._is_property(code) or getattr(code.node, "name", "") == "__getattr__":
                self._maybe_follow(replace(code, receiver=held), Arguments())

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
                        self._maybe_follow(replace(self.heap.code[own], receiver=value), given)

    def run_methods(self, values: Sequence[Value], names: tuple[str, ...], *, receiver: Value) -> None:
        for value in values:
            for name in names:
                for code in self.methods_of(value, name):
                    self._maybe_follow(replace(code, receiver=receiver), Arguments())

    def decorated(self, decorator: ast.expr, value: Value) -> Value:
        """What a decorator makes of a function or class: a library's keeps it callable as it is."""
        function = self.value_of(decorator)
        if function.library:
            call = call_of(function.library)
            if call is not None and call.sets:
                self.set_state(call.sets)
            if function.library in _REMEMBERING:
                self._remembering |= {self.heap.code[own].node for own in value.own if own in self.heap.code}
            return value
        if any(own in self.heap.code for own in function.own):
            return self.call_value(function, Arguments(positional=[value]))
        if isinstance(decorator, ast.Attribute) and decorator.attr in _REGISTERING:
            family = self.value_of(decorator.value)
            self.effects.change(family.own, surely=True)
            self.heap.keep(family.own | function.own, value.own)
            return value
        if function.own and not isinstance(decorator, ast.Call):
            self._call_unknown(function, Arguments(positional=[value]), what="a decorator")
        return value

    # Names given as text

    def bind_by_text(self, target: ast.Attribute | ast.Subscript, value: Value) -> None:
        key = target.slice if isinstance(target, ast.Subscript) else None
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and self.scope_closed_over() is None:
            self.bind_name(key.value, value)
        else:
            self.effects.opaque.setdefault("the table of all names", self.line)
            self.effects.is_copyable = False

    def load_by_text(self, index: ast.expr) -> Value:
        if isinstance(index, ast.Constant) and isinstance(index.value, str):
            return self.load(index.value, index)
        self.effects.opaque.setdefault("the table of all names", self.line)
        return self.fresh_value()


def _is_one_cell(index: ast.expr) -> bool:
    """Whether a subscript of a table names a row and a column, or a place in a column."""
    match index:
        case ast.Tuple(elts=parts):
            return not any(isinstance(part, ast.Slice | ast.List) for part in parts)
        case ast.Constant(value=int()):
            return True
        case _:
            return False


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


def _argument(arguments: Arguments, position: str) -> Value | None:
    if position.isdecimal():
        return arguments.positional[int(position)] if int(position) < len(arguments.positional) else None
    return arguments.named.get(position)


def _file_name(arguments: Arguments) -> str:
    words = (
        "path",
        "filepath_or_buffer",
        "path_or_buf",
        "fname",
        "file",
        "filename",
        "source",
        "name",
        "buf",
        "excel_writer",
    )
    named = next((arguments.named[word] for word in words if word in arguments.named), None)
    several = arguments.positional if named is None else [named]
    texts = [one.text for one in several if one.text is not None]
    if not texts or (several and several[0].text is None and not several[0].own and several[0] == PLAIN):
        return ANY_FILE
    return _normal(texts[0])


def _normal(name: str) -> str:
    return name.removeprefix("./")


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)
