"""Calls: whose function is meant, and what is known of it."""

from __future__ import annotations

import ast
import re

from msgspec.structs import replace

from nbprod.flow.aliases import NOWHERE, PLAIN, Frame, Value, joined, plain
from nbprod.flow.tracing import magics
from nbprod.flow.tracing.applying import Applying
from nbprod.flow.tracing.arguments import Arguments, file_name
from nbprod.flow.tracing.parts import NAMESPACE, OF_CELLS
from nbprod.libraries.calls import call_of, known_calls
from nbprod.trees import module_tree

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
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
_CLASS_MAKERS = (
    "collections.namedtuple",
    "typing.NamedTuple",
    "typing.NewType",
    "enum.Enum",
    "types.new_class",
)


class Calling(Applying):
    """Finds out what is called, and has it followed or applied."""

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
        is_object = "." in holder and is_unknown and method in OF_CELLS
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
            tree = module_tree(text or "")
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
        name = file_name(arguments)
        if mode.text is None or set(mode.text) & set("wax+"):
            self.effects.writes.add(name)
        if mode.text is None or set(mode.text) & set("r+"):
            self.effects.reads.add(name)

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
