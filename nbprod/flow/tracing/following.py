"""Functions of the notebook followed by their code; what isn't followed may change whatever it gets at."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nbprod.flow.aliases import NOWHERE, PLAIN, Code, Frame, Regions, Value, joined
from nbprod.flow.names import around, bindings_of, free_names
from nbprod.flow.tracing.arguments import Arguments
from nbprod.flow.tracing.classes import Classes
from nbprod.libraries.calls import GENERATORS, call_of, harmless_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DEEPEST = 12
NESTED_CALLBACKS = 2
STATEMENTS_A_STEP = 800
STATEMENTS_IN_ALL = 400_000
WORK_A_STEP = 100_000


class Following(Classes):
    """Follows functions, as deep and as long as that is worth it."""

    # Answered by what is made of it

    def run(self, statements: Iterable[ast.stmt]) -> None:
        raise NotImplementedError

    def either(self, *ways: Callable[[], object]) -> None:
        raise NotImplementedError

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
        self._assume_worst(Code(node=around([node]), frame=None, step=self.step), Arguments())

    @property
    def _can_follow(self) -> bool:
        return (
            self.depth < DEEPEST
            and self._left_in_step > 0
            and self._left > 0
            and self.heap.work < WORK_A_STEP // 2
        )

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

    def _assume_worst(self, code: Code, arguments: Arguments) -> Value:
        """A call that isn't followed: it may read and change what the function and those it names can get at."""
        if code.node in self._following:
            return self._touch(arguments.own, what="a call of itself")
        reached, seen, pending = arguments.own, set[ast.AST](), [code]
        while pending:
            read = NOWHERE
            for one in pending:
                seen.add(one.node)
                self.effects.may |= bindings_of(one.node).shared
                names = sorted(free_names(one.node) & self.module.names.keys())
                read = read.union(*(self.load(name, one.node).own for name in names))
            below = self.heap.reach(read)
            reached |= below
            found = [self.heap.code[region] for region in sorted(below & self.heap.code.keys())]
            pending = list({each.node: each for each in found if each.node not in seen}.values())
        return self._touch(reached, what="a deep call")

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

    def _call_unknown(self, target: Value, arguments: Arguments, *, what: str) -> Value:
        returned = self._call_back([target, *arguments.all], NOWHERE)
        self._hold_each_other([target, *arguments.all])
        result = self._touch(target.own | arguments.own, what=what)
        return replace(result, own=result.own | returned)

    def _call_unknown_method(self, receiver: Value, method: str, arguments: Arguments) -> Value:
        for code in self.all_methods_of(receiver):
            self.maybe_follow(replace(code, receiver=receiver), arguments)
        if method in harmless_names() and "inplace" not in arguments.named:
            # Harmless wherever it is known: told apart from what nothing is known of.
            self.effects.is_copyable = False
            self._call_back(arguments.all, receiver.own)
            self.effects.change(self.heap.reach(receiver.own) - self.heap.cells, surely=False)
            return Value(own=self.heap.parts(receiver.own) | {self.heap.fresh()})
        return self._call_unknown(receiver, arguments, what=f".{method}()")

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
                answer |= self.maybe_follow(
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

    def maybe_follow(self, code: Code, arguments: Arguments) -> Regions:
        returned: list[Value] = []
        if not isinstance(code.node, ast.ClassDef) and code.node not in self._following:
            self.either(lambda: returned.append(self.follow(code, arguments)), lambda: None)
        return NOWHERE.union(*(value.own for value in returned))
