"""IPython's syntax turned into plain Python without IPython: line by line, so that positions stay those of the cell.

Magics and shell lines become the calls that IPython makes of them, except where Python hides in them: the body of
`%%time` and the statement of `%time` stand as they are. A cell magic whose body is another language keeps its text
as an argument.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.notebook import body_of
from nbprod.trees import module_tree

if TYPE_CHECKING:
    import ast

    from nbprod.model import Cell

PYTHON_BODIES = frozenset(
    [
        "time",
        "timeit",
        "capture",
        "prun",
        "memit",
        "debug",
        "heat",
        "snakeviz",
        "pyinstrument",
        "scalene",
        "ipytest",
    ]
)
_PYTHON_LINES = frozenset(["time"])
_AUTOMAGIC = re.compile(
    r"(?P<name>pip|conda|mamba|cd|ls|ll|mkdir|pwd|matplotlib|load_ext|reload_ext|autoreload|pylab)"
    r"(?:[ \t]+(?![-+*/%<>!&|^@]?=|[.,(\[+*/%<>&|^@:)]|(?:in|is|and|or|not|if|for|else)\b)(?P<rest>.+))?$"
)
_MAY_BE_MAGIC = re.compile(
    r"[%!?]|^\s*(?:[/,;]|>>>|In \[|(?:pip|conda|mamba|cd|ls|ll|mkdir|pwd|matplotlib|\w*load_ext|autoreload|pylab)\b)",
    re.MULTILINE,
)
_CELL_MAGIC = re.compile(r"%%(?P<name>[^\s%]+)[ \t]*(?P<rest>.*)$")
_LINE_MAGIC = re.compile(r"%{1,2}(?P<name>[^\s%]\S*)[ \t]*(?P<rest>.*)$", re.DOTALL)
_ASSIGNED = re.compile(
    r"(?P<target>[^=!<>#'\"({]+?)=\s*(?P<mark>!|%(?=[A-Za-z_]))(?P<rest>[^=].*)$", re.DOTALL
)
_HELP = re.compile(
    r"(?P<before>\?{0,2})(?P<name>%{0,2}(?!\d)[\w*]+(?:\.[\w*]+|\[-?\d+\])*)(?P<after>\?{0,2});?\s*$"
)
_PROMPT = re.compile(r"(?:>>>|\.\.\.|In \[\d+\]:|[ ]*\.\.\.+:) ?")
_STRING_OPENING = re.compile(r"[rRbBuUfFtT]{0,2}('''|\"\"\"|'|\")")
_OUTPUT_NAME = re.compile(r"(?:--out|-o)[ =](\w+)|^(\w+)\s*<<")


class CellMagic(Struct, frozen=True, kw_only=True):
    """The cell magic that a cell's own text starts with, nbprod's aside."""

    name: str
    rest: str
    line: int


def python_of(cell: Cell) -> str:
    """The cell in plain Python: as many lines as its source has, columns kept where a line holds no magic."""
    return python_text(body_of(cell))


def tree_of(cell: Cell) -> ast.Module | None:
    """The cell's syntax tree; None for a cell that is no Python, or nested deeper than Python itself goes."""
    try:
        return parsed(python_of(cell), cell.position)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# A notebook in which somebody writes is read again and again, and all but one cell is the same.
@lru_cache(maxsize=1024)
def parsed(python: str, position: int | None) -> ast.Module:
    """The tree of a cell's plain Python, not to be changed; cells of the same text have trees of their own."""
    _ = position
    return module_tree(python)


def cell_magic(text: str) -> CellMagic | None:
    """The cell magic that the text starts with, blank lines before it not counted."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            found = _CELL_MAGIC.match(line)
            return CellMagic(name=found["name"], rest=found["rest"].strip(), line=number) if found else None
    return None


@lru_cache(maxsize=4096)  # the flow, the leaks and the allow comments of a study each ask for every cell
def python_text(text: str) -> str:
    """As `python_of`, for source without nbprod's own magic line."""
    magic = cell_magic(text)
    if magic is None:
        return _plain(text)
    lines = text.split("\n")
    before, body = lines[: magic.line - 1], lines[magic.line :]
    if magic.name not in PYTHON_BODIES:
        return "\n".join([*before, _foreign(magic, "\n".join(body)), *("" for _ in body)])
    target = magic.rest.split()[-1:] if magic.name == "capture" and not magic.rest.startswith("--") else []
    head = f"{target[0]} = get_ipython().run_cell_magic('capture', {target[0]!r}, '')" if target else ""
    rest = python_text("\n".join(body)) if body else None
    return "\n".join([*before, head, *([] if rest is None else [rest])])


def _foreign(magic: CellMagic, body: str) -> str:
    call = f"get_ipython().run_cell_magic({magic.name!r}, {magic.rest!r}, {body!r})"
    found = _OUTPUT_NAME.search(magic.rest)
    return f"{found[1] or found[2]} = {call}" if found else call


def _plain(text: str) -> str:
    if not _MAY_BE_MAGIC.search(text):
        return text
    lines = _without_prompts(text.split("\n"))
    made: list[str] = []
    scan = _Scan()
    while len(made) < len(lines):
        line = lines[len(made)]
        if not scan.starts_statement:
            scan.feed(line)
            made.append(line)
            continue
        joined = _joined(lines[len(made) :])
        python = _of_line(joined)
        if python is None:
            scan.feed(line)
            made.append(line)
        else:
            made.extend([python, *([""] * joined.count("\n"))])
    return "\n".join(made)


def _without_prompts(lines: list[str]) -> list[str]:
    first = next((line for line in lines if line.strip()), "")
    if not re.match(r"(>>>|In \[\d+\]:)( |$)", first):
        return lines
    return [_PROMPT.sub("", line, count=1) if _PROMPT.match(line) else line for line in lines]


def _joined(lines: list[str]) -> str:
    taken = 1
    while lines[taken - 1].endswith("\\") and taken < len(lines):
        taken += 1
    return "\n".join(lines[:taken])


def _of_line(line: str) -> str | None:
    """The Python of one statement's line (with its continuations), None if it is Python already."""
    body = line.lstrip(" \t")
    indent = line[: len(line) - len(body)]
    code = _of_body(body.replace("\\\n", " "))
    return None if code is None else indent + code


def _of_body(body: str) -> str | None:
    if body.startswith("!!"):
        return _call("getoutput", body[2:].strip())
    if body.startswith("!"):
        return _call("system", body[1:].strip())
    if found := _help(body):
        return found
    if body.startswith("%"):
        return _line_magic(body)
    if body[:1] in ("/", ",", ";") and body[1:2].isidentifier():
        return _autocall(body)
    if found := _assigned(body):
        return found
    if (automagic := _AUTOMAGIC.match(body)) and "=" not in (automagic["rest"] or ""):
        return _call("run_line_magic", automagic["name"], (automagic["rest"] or "").strip())
    return None


def _help(body: str) -> str | None:
    if "?" not in body:
        return None
    found = _HELP.match(body.split("#", maxsplit=1)[0].rstrip() if body[:1] != "?" else body)
    if not found or not (found["before"] or found["after"]):
        return None
    detail = max(len(found["before"]), len(found["after"])) > 1
    magic = "psearch" if "*" in found["name"] else "pinfo2" if detail else "pinfo"
    return _call("run_line_magic", magic, found["name"])


def _line_magic(body: str) -> str | None:
    found = _LINE_MAGIC.match(body)
    if not found:
        return None
    name, rest = found["name"], found["rest"].strip()
    if name in _PYTHON_LINES and _parses(rest):
        return rest or "pass"
    return _call("run_line_magic", name, rest)


def _assigned(body: str) -> str | None:
    found = _ASSIGNED.match(body)
    if not found or not _parses(f"{found['target'].strip()} = 0"):
        return None
    target, rest = found["target"], found["rest"].strip()
    if found["mark"] == "!":
        return f"{target}= {_call('getoutput', rest)}"
    magic = _line_magic(f"%{rest}")
    return None if magic is None else f"{target}= {magic}"


def _autocall(body: str) -> str | None:
    name, _, rest = body[1:].partition(" ")
    match body[0]:
        case "/":
            call = f"{name}({', '.join(rest.split(', ')) if rest else ''})"
        case ",":
            call = f"{name}({', '.join(repr(word) for word in rest.split())})"
        case _:
            call = f"{name}({rest!r})"
    return call if _parses(call) else None


def _call(method: str, *arguments: str) -> str:
    return f"get_ipython().{method}({', '.join(repr(one) for one in arguments)})"


def _parses(code: str) -> bool:
    try:
        module_tree(code)
    except (SyntaxError, ValueError):
        return False
    return True


class _Scan:
    """Where a line ends within Python's brackets, strings and continuations: fed line after line."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""
        self._continues = False

    @property
    def starts_statement(self) -> bool:
        return not (self._depth or self._quote or self._continues)

    def feed(self, line: str) -> None:
        at = 0
        self._continues = False
        while at < len(line):
            at = self._string(line, at) if self._quote else self._code(line, at)
        if len(self._quote) == 1 and not line.endswith("\\"):
            self._quote = ""  # unterminated: Python reports it

    def _string(self, line: str, at: int) -> int:
        if line[at] == "\\":
            return at + 2
        if line.startswith(self._quote, at):
            end = at + len(self._quote)
            self._quote = ""
            return end
        return at + 1

    def _code(self, line: str, at: int) -> int:
        character = line[at]
        if character == "#":
            return len(line)
        if character == "\\" and at == len(line) - 1:
            self._continues = True
        elif character in "([{":
            self._depth += 1
        elif character in ")]}":
            self._depth = max(0, self._depth - 1)
        elif character in "'\"" and (found := _STRING_OPENING.match(line, at)):
            self._quote = found[1]
            return found.end()
        return at + 1
