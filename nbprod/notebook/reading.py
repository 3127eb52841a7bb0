"""The text of a notebook file turned into a `Notebook`: nbformat 4 as JSON, `.py` in percent format by jupytext."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nbprod.errors import NotebookError
from nbprod.model import Cell, CellKind, Notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

_PERCENT = (".py",)
_KINDS = {str(kind): kind for kind in CellKind}
_NEEDS_JUPYTEXT = "Give a .ipynb file, or a .py file in percent format (`# %%` before each cell)."


def parse(text: str, *, name: str) -> Notebook:
    """The notebook that `text` holds; `name` is its path, which tells the format and stands in messages.

    Ids missing before nbformat 4.5 become `cell-INDEX`, in memory only.
    Raises NotebookError for text that is no notebook, or one that nbprod cannot work on.
    """
    if name.endswith(_PERCENT):
        return _notebook(_percent(text, name), name=name, text=text)
    return _notebook(_json(text, name), name=name, text=text)


def taken(raw: object, *, name: str) -> Notebook:
    """As `parse`, for JSON that is read already; the notebook has no text."""
    return _notebook(_upgradable(raw, name), name=name, text="")


def _json(text: str, name: str) -> dict[str, Any]:
    if not text.strip():
        raise NotebookError("The file is empty.", where=name, remedy="Save the notebook once in Jupyter.")
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise NotebookError(
            f"This is no JSON: {error.msg}.",
            where=f"{name}, line {error.lineno}",
            remedy="A notebook is a JSON file; restore it from a checkpoint or from version control.",
        ) from error
    return _upgradable(raw, name)


def _upgradable(raw: object, name: str) -> dict[str, Any]:
    if not isinstance(raw, dict) or not isinstance(raw.get("nbformat"), int):
        raise NotebookError(
            "This JSON is no notebook: it has no 'nbformat' number.", where=name, remedy=_NEEDS_JUPYTEXT
        )
    return raw if raw["nbformat"] == 4 else _upgraded(raw, name)


def _upgraded(raw: dict[str, Any], name: str) -> dict[str, Any]:
    major = raw["nbformat"]
    if major > 4:
        raise NotebookError(
            f"The notebook is of format {major}, newer than nbprod knows (4).",
            where=name,
            remedy="Save it as nbformat 4, or update nbprod.",
        )
    import nbformat

    try:
        upgraded: dict[str, Any] = json.loads(nbformat.writes(nbformat.convert(nbformat.from_dict(raw), 4)))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise NotebookError(
            f"The notebook of format {major} can't be upgraded: {error}.",
            where=name,
            remedy="Open and save it once in Jupyter.",
        ) from error
    return upgraded


def _percent(text: str, name: str) -> dict[str, Any]:
    if not any(line.startswith("# %%") for line in text.splitlines()):
        raise NotebookError("This Python file has no cells.", where=name, remedy=_NEEDS_JUPYTEXT)
    import jupytext

    raw: dict[str, Any] = json.loads(json.dumps(jupytext.reads(text, fmt="py:percent")))
    for index, cell in enumerate(raw["cells"]):
        cell["id"] = f"cell-{index}"  # the text keeps none, and jupytext's are new at each reading
    return raw


def _notebook(raw: dict[str, Any], *, name: str, text: str) -> Notebook:
    metadata = raw.get("metadata", {})
    cells = raw.get("cells")
    if not isinstance(cells, list) or not isinstance(metadata, dict):
        raise NotebookError(
            "The notebook has no list of 'cells'.", where=name, remedy="Open and save it once in Jupyter."
        )
    language, kernel = _language(metadata)
    if language.lower() not in ("python", "python3", "ipython"):
        raise NotebookError(
            f"The notebook is written in {language}; nbprod reads Python.",
            where=name,
            remedy="Choose a Python kernel in Jupyter, or leave this notebook out.",
        )
    parsed = tuple(_cells(cells, name))
    _refuse_duplicate_ids(parsed, name)
    nbprod = metadata.get("nbprod")
    options = nbprod.get("stages") if isinstance(nbprod, dict) else None
    return Notebook(
        name=name,
        language="python",
        kernel=kernel,
        cells=parsed,
        stage_options=options if isinstance(options, dict) else {},
        text=text,
    )


def _language(metadata: dict[str, Any]) -> tuple[str, str]:
    info, spec = metadata.get("language_info"), metadata.get("kernelspec")
    info = info if isinstance(info, dict) else {}
    spec = spec if isinstance(spec, dict) else {}
    return str(info.get("name") or spec.get("language") or "python"), str(spec.get("name") or "python3")


def _cells(raw: list[Any], name: str) -> Iterator[Cell]:
    position = 0
    for index, cell in enumerate(raw):
        told = cell.get("cell_type") if isinstance(cell, dict) else None
        kind = _KINDS.get(told) if isinstance(told, str) else None
        if kind is None:
            raise NotebookError(
                f"Entry {index + 1} of 'cells' is no cell: its cell_type is {told!r}.",
                where=name,
                remedy="It should be 'code', 'markdown' or 'raw'.",
            )
        is_code = kind is CellKind.CODE
        yield Cell(
            id=str(cell.get("id") or f"cell-{index}"),
            index=index,
            position=position if is_code else None,
            kind=kind,
            source=_source(cell.get("source", ""), index, name),
            tags=_tags(cell.get("metadata")),
        )
        position += is_code


def _source(source: object, index: int, name: str) -> str:
    match source:
        case str():
            return source
        case list() if all(isinstance(line, str) for line in source):
            return "".join(source)
        case _:
            raise NotebookError(
                f"The source of entry {index + 1} of 'cells' is {type(source).__name__}, not text.",
                where=name,
                remedy="Open and save the notebook once in Jupyter.",
            )


def _tags(metadata: object) -> tuple[str, ...]:
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _refuse_duplicate_ids(cells: tuple[Cell, ...], name: str) -> None:
    seen: dict[str, int] = {}
    for cell in cells:
        if cell.id in seen:
            raise NotebookError(
                f"Two cells have the id {cell.id!r}: entries {seen[cell.id] + 1} and {cell.index + 1} of 'cells'.",
                where=name,
                remedy="Copy one of them to a new cell in Jupyter and delete the old one.",
            )
        seen[cell.id] = cell.index
