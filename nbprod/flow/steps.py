"""A notebook's code cells read into steps: one a top-level statement, with its effects and its text."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.flow.aliases import Frame, Heap, Value
from nbprod.flow.definitions import is_definition
from nbprod.flow.effects import Effects, Step
from nbprod.flow.ipython import cell_magic, parsed, python_text
from nbprod.flow.names import around, bindings_of
from nbprod.flow.remembering import CellRead, StepMemory
from nbprod.flow.tracing import Tracer
from nbprod.model import Finding, Severity, Span
from nbprod.notebook import body_of, code_points

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbprod.flow.states import State
    from nbprod.model import Cell

_ALL_NAMES = re.compile(r"\bimport[\s\\]*\*")


class Reading(Struct, frozen=True, kw_only=True):
    """All steps of a notebook in order, and the heap that their values live on; `end` is the state after them."""

    steps: tuple[Step, ...]
    heap: Heap
    findings: tuple[Finding, ...]
    end: State | None = None


def read_steps(cells: Sequence[Cell], *, folder: str = "", memory: StepMemory | None = None) -> Reading:
    """The steps of these code cells, as if they ran one after the other in one process.

    `folder` is where the notebook lies: star imports of modules beside it are read there. A memory is used and
    brought up to date; the reading holds until it is used again.
    """

    def read(tracer: Tracer, at: int, index: int) -> CellRead:
        return _read_cell(tracer, cells[at], index=index)

    memory = memory or StepMemory(keeps=False)
    tracer, known = memory.read(
        [_key(cell) for cell in cells], tracer=lambda: Tracer(folder=folder), read=read
    )
    return Reading(
        steps=tuple(step for cell in known for step in cell.steps),
        heap=tracer.heap,
        findings=tuple(finding for cell in known for finding in cell.findings),
        end=memory.tapes[0].states.get(len(known)),
    )


def syntax_problem(cell: Cell) -> Finding | None:
    """What is wrong with a cell that is no Python."""
    try:
        parsed(python_text(body_of(cell)), cell.position)
    except (SyntaxError, ValueError) as error:
        return _syntax_finding(cell, error)
    return None


def _key(cell: Cell) -> tuple[int | None, str]:
    return cell.position, body_of(cell)


def _read_cell(tracer: Tracer, cell: Cell, *, index: int) -> CellRead:
    """One cell followed; `index` is that of its first step."""
    read = _followed(tracer, cell, index=index)
    tracer.heap.end_cell()
    return read


def _followed(tracer: Tracer, cell: Cell, *, index: int) -> CellRead:
    text = body_of(cell)
    python = python_text(text)
    try:
        tree = parsed(python, cell.position)
    except (SyntaxError, ValueError) as error:
        return CellRead(key=_key(cell), steps=(), findings=(_syntax_finding(cell, error),))
    magic = cell_magic(text)
    is_apart = magic is not None and magic.name == "timeit"
    source = _Source(text.split("\n"), python.split("\n"))
    steps = tuple(
        _step(tracer, node, cell=cell, index=at, source=source, is_apart=is_apart)
        for at, node in enumerate(tree.body, start=index)
    )
    return CellRead(key=None if _reads_modules(python) else _key(cell), steps=steps, findings=())


def _reads_modules(text: str) -> bool:
    """Whether what the cell binds may stand in files beside the notebook, which may change at any time."""
    return _ALL_NAMES.search(text) is not None


def _step(tracer: Tracer, node: ast.stmt, *, cell: Cell, index: int, source: _Source, is_apart: bool) -> Step:
    effects = tracer.effects = Effects()
    tracer.start_step(index, line=node.lineno)
    if is_apart:
        _follow_apart(tracer, node)
    else:
        tracer.run_one(node)
    if tracer.gives_up:
        tracer.touch_all(node)
    values = {name: tracer.module.names[name] for name in effects.may if name in tracer.module.names}
    return Step(
        index=index,
        cell=cell.position or 0,
        node=node,
        span=source.span(node, cell=cell.position or 0),
        code=source.text(node),
        effects=effects,
        values=values,
        is_definition=is_definition(node, effects=effects, known=tracer.module.names),
        shows=isinstance(node, ast.Expr),
    )


def _follow_apart(tracer: Tracer, node: ast.stmt) -> None:
    scope = around([node])
    frame = Frame(local=bindings_of(scope).local, region=tracer.heap.fresh())
    with tracer.inside(frame):
        tracer.run_one(node)


def _syntax_finding(cell: Cell, error: SyntaxError | ValueError) -> Finding:
    line = getattr(error, "lineno", None) or 1
    message = getattr(error, "msg", None) or str(error)
    return Finding(
        rule="syntax-error",
        severity=Severity.ERROR,
        message=f"This cell is no Python: {message}.",
        span=Span(cell=cell.position or 0, line=line, end_line=line),
        remedy="Correct the cell, or tag it `skip`.",
    )


class _Source:
    """A cell's text beside its plain Python, line by line."""

    def __init__(self, text: list[str], python: list[str]) -> None:
        self._text = text
        self._python = python

    def span(self, node: ast.stmt, *, cell: int) -> Span:
        first = _first_line(node)
        end_line = node.end_lineno or first
        start = code_points(self._python[first - 1], node.col_offset)
        end = code_points(self._python[end_line - 1], node.end_col_offset or 0)
        return Span(cell=cell, line=first, column=start, end_line=end_line, end_column=end)

    def text(self, node: ast.stmt) -> str:
        """The statement as the notebook has it; whole lines where IPython's syntax stands in them."""
        first, last = _first_line(node), node.end_lineno or node.lineno
        lines = self._text[first - 1 : last]
        if lines != self._python[first - 1 : last]:
            while last < len(self._text) and self._text[last - 1].endswith("\\"):
                last += 1
            return "\n".join(self._text[first - 1 : last]).strip()
        lines[-1] = lines[-1][: code_points(lines[-1], node.end_col_offset or 0)]
        lines[0] = lines[0][code_points(lines[0], node.col_offset) :]
        return "\n".join(lines)


def _first_line(node: ast.stmt) -> int:
    decorators: Iterator[int] = (one.lineno for one in getattr(node, "decorator_list", ()))
    return min([node.lineno, *decorators])


__all__ = ["Reading", "Value", "read_steps"]
