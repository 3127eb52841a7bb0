"""Names in their scopes while statements are followed: loading, binding, and what each way through leaves behind."""

from __future__ import annotations

import builtins
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from nbprod.flow.aliases import PLAIN, Frame, Heap, Value
from nbprod.flow.effects import Effects
from nbprod.flow.stars import is_loaded_apart

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

Journal: TypeAlias = dict[tuple[int, str], tuple[Frame, Value | None]]

BUILTIN_NAMES = frozenset(dir(builtins)) | {
    "display",
    "get_ipython",
    "__file__",
    "__IPYTHON__",
    "exit",
    "quit",
}
HISTORY_NAME = re.compile(r"(_{1,3}|_\d+|_i{0,3}|_i\d+|_oh|_ih|_dh|In|Out)\Z")


class Scoping:
    """The state of a trace: the module's names, the scope that is being followed, the heap and the effects."""

    def __init__(self, *, folder: str = "") -> None:
        self.folder = folder  # where the notebook lies, and modules beside it
        self.heap = Heap()
        self.module = Frame()
        self.frame = self.module
        self.effects = Effects()
        self.step = 0
        self.line = 1
        self.depth = 0
        self.has_lazy_annotations = False
        self.returned: list[Value] = []
        self.unpacked: dict[int, Value] = {}
        self._journals: list[Journal] = []
        self._modules: set[str] = set()

    @contextmanager
    def inside(self, frame: Frame) -> Iterator[None]:
        """Follow what stands in this scope."""
        around, self.frame = self.frame, frame
        try:
            yield
        finally:
            self.frame = around

    def scope_closed_over(self) -> Frame | None:
        """The function scope that a function made here closes over, None at the top level and in its classes."""
        frame: Frame | None = self.frame
        while frame is not None and frame.is_class:
            frame = frame.parent
        return None if frame is self.module else frame

    def fresh_value(self, *, of_type: str = "", closed: bool = False) -> Value:
        return Value(own=frozenset([self.heap.fresh(of_type=of_type, closed=closed)]), type=of_type)

    # Names

    def load(self, name: str, node: ast.AST) -> Value:
        """The value of a name where it is read now, resolved as Python does."""
        frame: Frame | None = self.frame
        is_inmost = True
        while frame is not None and frame is not self.module:
            if name in frame.shared:
                break
            if is_inmost or not frame.is_class:
                if name in frame.names:
                    return frame.names[name]
                if name in frame.local and not frame.is_class:
                    return PLAIN  # read before it is bound: Python raises
            is_inmost = is_inmost and frame.is_comprehension
            frame = frame.parent
        return self._load_global(name, node)

    def _load_global(self, name: str, node: ast.AST) -> Value:
        known = self.module.names.get(name)
        if known is None and name in BUILTIN_NAMES and name not in self.effects.must:
            return Value(library=f"builtins.{name}")
        if name not in self.effects.must:
            line = getattr(node, "lineno", self.line) if self.depth == 0 else self.line
            self.effects.uses.setdefault(name, line)
        if known is not None:
            return known
        if HISTORY_NAME.match(name):
            self.effects.history = True
        return self.fresh_value()

    def bind_name(self, name: str, value: Value) -> None:
        """The name stands for the value from now on, in the scope to which it belongs."""
        frame: Frame = self.frame
        while frame.is_comprehension and name not in frame.local:
            frame = frame.parent or self.module
        if frame is self.module or name in frame.shared:
            self.effects.must.add(name)
            self.effects.may.add(name)
            self.effects.deleted.discard(name)
            self.write(self.module, name, value)
        elif name in frame.outer:
            self._bind_outer(frame, name, value)
        else:
            self.write(frame, name, value)

    def _bind_outer(self, frame: Frame, name: str, value: Value) -> None:
        owner = frame.parent
        while owner is not None and (owner.is_class or (name not in owner.names and name not in owner.local)):
            owner = owner.parent
        if owner is None:
            return
        self.effects.change(frozenset([owner.region]), surely=True)
        self.heap.keep(frozenset([owner.region]), value.own)
        self.write(owner, name, value)

    def unbind(self, name: str) -> None:
        if self.frame is self.module or name in self.frame.shared:
            self.effects.deleted.add(name)
            self.effects.must.discard(name)
            self.effects.may.add(name)
            self.write(self.module, name, None)
        else:
            self.write(self.frame, name, None)

    # Modules within packages

    def load_module(self, path: str) -> None:
        """An import loads a module; one within a package can be got at through the package from then on."""
        if self.frame is not self.module:
            return
        if "." in path:
            name = _name_of_module(path)
            self._modules.add(path)
            self.effects.must.add(name)
            self.effects.may.add(name)

    def use_module(self, path: str) -> None:
        """A module is got at through its package, which works because some statement has imported it."""
        name = _name_of_module(path)
        if path in self._modules and name not in self.effects.must:
            self.effects.uses.setdefault(name, self.line)
        elif path.count(".") == 1 and path not in self._modules and is_loaded_apart(path):
            # Another import has loaded it on its way, or a call that imports late.
            self.effects.apart.add(path)

    # Ways through

    def write(self, frame: Frame, name: str, value: Value | None) -> None:
        """Set or remove a name, so that it can be undone where several ways are followed."""
        if self._journals:
            self._journals[-1].setdefault((id(frame), name), (frame, frame.names.get(name)))
        if value is None:
            frame.names.pop(name, None)
        else:
            frame.names[name] = value

    def start_journal(self) -> Journal:
        self._journals.append({})
        return self._journals[-1]

    def undo(self, journal: Journal) -> Journal:
        """Put back what was written since the journal was started; gives what was there at its end."""
        self._journals.remove(journal) if self._journals[-1] is not journal else self._journals.pop()
        ending: Journal = {}
        for key, (frame, old) in journal.items():
            ending[key] = (frame, frame.names.get(key[1]))
            if old is None:
                frame.names.pop(key[1], None)
            else:
                frame.names[key[1]] = old
        return ending

    # Hidden state

    def set_state(self, state: str) -> None:
        """State of the process or of a module changes; what it was before still counts."""
        self.effects.uses.setdefault(state, self.line)
        self.effects.may.add(state)
        self.effects.sets.add(state)

    def seed(self, state: str) -> None:
        """A generator starts anew."""
        self.effects.must.add(state)
        self.effects.may.add(state)
        self.effects.sets.add(state)

    def draw(self, state: str) -> None:
        """A generator moves on."""
        if state not in self.effects.must:
            self.effects.uses.setdefault(state, self.line)
        self.effects.may.add(state)
        self.effects.drawn.add(state)


def _name_of_module(path: str) -> str:
    # A name that no notebook can bind, and without the dot that marks hidden state.
    return f"import {path.replace('.', '/')}"
