"""What the tab key offers in nbprod's magics: stages, options, columns of live tables, expectations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from IPython.core.completer import SimpleCompletion

from nbprod.errors import NbprodError
from nbprod.model import Kind
from nbprod.notebook import stage_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from IPython.core.completer import CompletionContext, SimpleMatcherResult

    from nbprod.faces.session import Session

STAGE_OPTIONS = (
    "--kind",
    "--time",
    "--entity",
    "--known",
    "--retries",
    "--timeout",
    "--cell-timeout",
    "--replay",
)
PIPELINE_OPTIONS = {
    "show": ("--json",),
    "check": ("--json",),
    "extract": ("-o", "--allow", "--force"),
    "run": ("-p", "--from", "--until", "--only", "--workers", "--force", "--allow"),
}
TABLE_LIBRARIES = frozenset({"pandas", "polars", "ibis"})
_FRAGMENT = re.compile(r"[\w.-]*\Z")
_OPEN_CALL = re.compile(r"(\w+)\(((?:[^()]|\([^()]*\))*)\Z")
_OPEN_TEXT = re.compile(r"(?:column\w*\s*=|column_list\s*=\s*\[.*?)\s*[\"']([^\"']*)\Z")


def matches(
    context: CompletionContext, names: Mapping[str, object], *, session: Session
) -> SimpleMatcherResult:
    """What stands to reason at the cursor, and nothing else; no word outside of nbprod's magics."""
    lines = context.full_text.split("\n")
    above, line = lines[: context.cursor_line], lines[context.cursor_line][: context.cursor_position]
    found = _offers("\n".join([*above, line]), names, stages=lambda: _stages(session))
    if found is None:
        return {"completions": []}
    fragment, offers = found
    texts = dict.fromkeys(one for one in offers if one.startswith(fragment))
    return {
        "completions": [SimpleCompletion(text=text, type="nbprod") for text in texts],
        "matched_fragment": fragment,
        "suppress": True,
    }


def _offers(
    text: str, names: Mapping[str, object], *, stages: Callable[[], list[str]]
) -> tuple[str, Iterable[str]] | None:
    """The piece of text before the cursor that is to be completed, and what may stand there."""
    head, _, body = text.lstrip().partition("\n")
    line = text.rpartition("\n")[2].lstrip()
    if head.startswith("%%stage ") and not body:
        return _fragment(head), _stage_offers(head.split(" "), names, stages)
    if head.startswith("%%expect ") and "\n" not in text.lstrip():
        return _fragment(head), _expect_offers(head.split(" "), names, stages)
    if head.startswith("%%expect "):
        return _suite_offers(body, names.get(head.split()[1]))
    if line.startswith("%expect "):
        words = line.split()
        return _fragment(line), _tables(names) if words[1:2] == ["infer"] and line != "%expect infer" else (
            "infer",
            "list",
        )
    if line.startswith("%pipeline "):
        return _fragment(line), _pipeline_offers(line.split(" ")[1:], stages)
    return None


def _fragment(text: str) -> str:
    found = _FRAGMENT.search(text)
    return found.group() if found else ""


def _stage_offers(
    words: list[str], names: Mapping[str, object], stages: Callable[[], list[str]]
) -> Iterable[str]:
    before = words[-2] if len(words) > 2 else ""
    if before == "--kind":
        return [kind.value for kind in Kind]
    if before in ("--time", "--entity", "--known"):
        return _all_columns(names)
    if len(words) == 2:
        return [*stages(), *(kind.value for kind in Kind if kind is not Kind.OTHER)]
    return [option for option in STAGE_OPTIONS if option == "--known" or option not in words[:-1]]


def _expect_offers(
    words: list[str], names: Mapping[str, object], stages: Callable[[], list[str]]
) -> Iterable[str]:
    if len(words) == 2:
        return _tables(names)
    return stages() if words[-2] == "--stage" else ("--stage",)


def _pipeline_offers(words: list[str], stages: Callable[[], list[str]]) -> Iterable[str]:
    if len(words) == 1:
        return tuple(PIPELINE_OPTIONS)
    if words[-2] in ("--from", "--until", "--only"):
        return stages()
    return PIPELINE_OPTIONS.get(words[0], ())


def _suite_offers(body: str, table: object) -> tuple[str, Iterable[str]]:
    """Within a suite: columns within the quotes of `column=`, arguments within a call, else expectations."""
    from nbprod.expectations import all_signatures, signature

    call = _OPEN_CALL.search(body)
    if call is None:
        return _fragment(body), [f"{one.short_name}(" for one in all_signatures()]
    text = _OPEN_TEXT.search(call.group(2))
    if text is not None:
        return text.group(1), _columns(table)
    try:
        arguments = signature(call.group(1)).arguments
    except NbprodError:
        return _fragment(body), ()
    given = set(re.findall(r"(\w+)\s*=", call.group(2)))
    offered = [one.name for one in arguments] + ["severity", "notes"]
    return _fragment(body), [f"{name}=" for name in offered if name not in given]


def _stages(session: Session) -> list[str]:
    """The stages that the session's cells name, and that can be read."""
    stages: dict[str, None] = {}
    for cell in session.notebook().code:
        try:
            line = stage_line(cell)
        except NbprodError:
            continue
        if line is not None:
            stages[line.stage] = None
    return list(stages)


def _tables(names: Mapping[str, object]) -> list[str]:
    return [name for name, value in names.items() if not name.startswith("_") and _columns(value)]


def _all_columns(names: Mapping[str, object]) -> list[str]:
    return [column for name in _tables(names) for column in _columns(names[name])]


def _columns(value: object) -> list[str]:
    """The columns of a live table; asked only of libraries whose answer is cheap and runs no code of the user's."""
    library = type(value).__module__.partition(".")[0]
    if library not in TABLE_LIBRARIES or isinstance(value, type):
        return []
    columns = getattr(value, "columns", None)
    return [str(one) for one in columns] if columns is not None and not callable(columns) else []
