"""What IPython's magics and shell lines do to names, state and files."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nbprod.flow.aliases import PLAIN, Frame, Value
from nbprod.flow.effects import ANY_FILE
from nbprod.flow.names import around, bindings_of
from nbprod.libraries.calls import ENVIRONMENT, WORKING_FOLDER
from nbprod.trees import module_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbprod.flow.tracing.calling import Calling

_SETTINGS = frozenset(
    ["matplotlib", "load_ext", "reload_ext", "config", "autoreload", "precision", "colors", "gui", "xmode"]
)
_RUNNING = frozenset(["timeit", "prun", "lprun", "memit", "mprun", "snakeviz", "pyinstrument"])
_OPAQUE = {
    "run": "%run",
    "store": "%store",
    "reset": "%reset",
    "reset_selective": "%reset_selective",
    "load": "%load",
}
_OPAQUE |= {
    "recall": "%recall",
    "rerun": "%rerun",
    "macro": "%macro",
    "xdel": "%xdel",
    "pylab": "%pylab",
    "loadpy": "%loadpy",
}
_HARMLESS_COMMANDS = frozenset(
    [
        "pip",
        "conda",
        "mamba",
        "uv",
        "ls",
        "pwd",
        "cat",
        "head",
        "tail",
        "wc",
        "echo",
        "nvidia-smi",
        "which",
        "python",
        "free",
        "df",
        "du",
        "date",
    ]
)
_SUBSTITUTED = re.compile(r"\{([^{}]*)\}|\$\{?(\w+)")


def follow(calling: Calling, method: str, texts: Sequence[str]) -> Value:
    """The value of a call on IPython's shell, as `python_of` writes magics down."""
    match method, list(texts):
        case "run_line_magic", [name, *rest]:
            return _line(calling, name, " ".join(rest))
        case "run_cell_magic", [name, line, *body]:
            return _cell(calling, name, line, "\n".join(body))
        case "system" | "getoutput", [command, *_]:
            return _shell(calling, command)
        case _:
            calling.effects.is_copyable = False
            return calling.fresh_value()


def _line(calling: Calling, name: str, rest: str) -> Value:
    effects = calling.effects
    if name in ("load_ext", "reload_ext") and rest.strip() == "nbprod":
        return PLAIN  # stages need no magics of nbprod's
    if name in _SETTINGS:
        calling.set_state(f"ipython.{name}")
        return PLAIN
    effects.is_copyable = False
    if name in _OPAQUE:
        effects.opaque.setdefault(_OPAQUE[name], calling.line)
        return calling.fresh_value()
    match name:
        case "cd" | "pushd" | "popd":
            calling.set_state(WORKING_FOLDER)
            effects.is_copyable = True
        case "env" | "set_env" if "=" in rest or name == "set_env":
            calling.set_state(ENVIRONMENT)
            effects.is_copyable = True
        case "sql":
            calling.load_words(rest, ast.Pass())
        case "time" | "pinfo" | "pinfo2" | "psearch" | "who" | "whos" | "pip" | "conda" | "pwd" | "env":
            pass
        case _:
            _read_substituted(calling, rest)
    if name in _RUNNING:
        _run_apart(calling, rest)
    return calling.fresh_value()


def _cell(calling: Calling, name: str, line: str, body: str) -> Value:
    effects = calling.effects
    effects.is_copyable = False
    match name:
        case "capture":
            return calling.fresh_value()
        case "bash" | "sh" | "script" | "cmd" | "perl" | "ruby" | "python" | "python3" | "system" | "!":
            effects.reads.add(ANY_FILE)
            effects.writes.add(ANY_FILE)
        case "writefile" | "file":
            effects.writes.add(line.rpartition(" ")[2] or ANY_FILE)
        case "sql":
            calling.load_words(f"{line}\n{body}", ast.Pass())
        case "html" | "HTML" | "javascript" | "js" | "latex" | "markdown" | "svg" | "SVG":
            pass
        case _:
            effects.opaque.setdefault(f"%%{name}", calling.line)
    _read_substituted(calling, line)
    return calling.fresh_value()


def _shell(calling: Calling, command: str) -> Value:
    calling.effects.is_copyable = False
    _read_substituted(calling, command)
    words = command.split()
    if not words or words[0] not in _HARMLESS_COMMANDS or ">" in command:
        calling.effects.writes.add(ANY_FILE)
    calling.effects.reads.add(ANY_FILE)
    return calling.fresh_value(of_type="builtins.list")


def _read_substituted(calling: Calling, text: str) -> None:
    for expression, name in _SUBSTITUTED.findall(text):
        calling.load_words(expression or name, ast.Pass())


def _run_apart(calling: Calling, rest: str) -> None:
    """Code that a magic runs in a scope of its own: it reads and changes, and binds nothing."""
    code = re.sub(r"^(-\w+(\s+\d+)?\s+)*", "", rest)
    try:
        body = module_tree(code).body
    except SyntaxError:
        calling.load_words(code, ast.Pass())
        return
    scope = around(body)
    frame = Frame(local=bindings_of(scope).local, region=calling.heap.fresh())
    with calling.inside(frame):
        calling.run(body)
