"""Which cell belongs to which stage, and the pipeline's parameters."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from nbprod.errors import NotebookError
from nbprod.model import Cell, Finding, Kind, Notebook, Parameter, Severity, Span, StageOptions
from nbprod.notebook import (
    SKIP_TAG,
    ExpectLine,
    StageLine,
    body_of,
    is_parameters,
    magic_line,
    options_from,
    stage_tags,
)
from nbprod.notebook.lines import STAGE_NAME
from nbprod.trees import module_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbprod.model import Json

INJECTED_TAG = "injected-parameters"
_SECRET = re.compile(r"(password|passwd|secret|token|api_?key|credential)", re.IGNORECASE)
_KIND_WORDS: tuple[tuple[Kind, str], ...] = (
    (Kind.LOAD, "load read ingest extract fetch download import source raw"),
    (Kind.CLEAN, "clean prepare preprocess preprocessing tidy wrangle impute"),
    (Kind.FEATURES, "feature features featurize engineer engineering transform"),
    (Kind.SPLIT, "split"),
    (Kind.EVALUATE, "evaluate evaluation eval metric metrics test assess validate report"),
    (Kind.SCORE, "score scoring predict prediction predictions infer inference serve"),
    (Kind.TRAIN, "train training fit model learn tune"),
)


class Tagging(Struct):
    """The tags of a notebook read: cells of each stage by position, what else cells are, options, findings."""

    cells: dict[str, list[int]] = field(default_factory=dict)
    stage_of: dict[int, str] = field(default_factory=dict)
    options: dict[str, StageOptions] = field(default_factory=dict)
    parameters: set[int] = field(default_factory=set)
    expected: list[ExpectLine] = field(default_factory=list)
    apart: set[int] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


def tagging_of(notebook: Notebook, *, overrides: Mapping[str, StageOptions]) -> Tagging:
    """Which stage each code cell belongs to, by its magic line or its tag; the magic line counts where they differ."""
    tagging = Tagging()
    for position, cell in enumerate(notebook.code):
        _read_cell(tagging, cell, position)
    for name in tagging.cells:
        tagging.options[name] = _merged(
            _from_metadata(tagging, notebook.stage_options.get(name), name),
            tagging.options.get(name, StageOptions()),
            overrides.get(name, StageOptions()),
        )
    return tagging


def tags_of(cell: Cell) -> tuple[object, tuple[str, ...]]:
    """All that `tagging_of` reads of a cell."""
    try:
        return magic_line(cell), cell.tags
    except NotebookError:
        return cell.source, cell.tags


def _read_cell(tagging: Tagging, cell: Cell, position: int) -> None:
    try:
        line = magic_line(cell)
    except NotebookError as error:
        span = Span(cell=position)
        tagging.findings.append(
            Finding(
                rule="magic-line", severity=Severity.ERROR, message=error.what, span=span, remedy=error.remedy
            )
        )
        tagging.apart.add(position)
        return
    tags = stage_tags(cell)
    if SKIP_TAG in cell.tags:
        tagging.skipped.add(position)
    elif isinstance(line, ExpectLine):
        tagging.expected.append(line)
        tagging.apart.add(position)
    elif is_parameters(cell) or INJECTED_TAG in cell.tags:
        tagging.parameters.add(position)
    elif isinstance(line, StageLine):
        _join_stage(tagging, line.stage, position, options=line.options)
        if tags and tags != (line.stage,):
            tagging.findings.append(_disagreement(line, tags))
    elif tags:
        _join_tagged(tagging, tags, position)


def _join_tagged(tagging: Tagging, tags: tuple[str, ...], position: int) -> None:
    if len(tags) > 1:
        tagging.findings.append(
            Finding(
                rule="stage-tags-disagree",
                severity=Severity.ERROR,
                message=f"The cell is tagged for {len(tags)} stages: {', '.join(tags)}.",
                span=Span(cell=position),
                remedy="Keep one of the tags.",
            )
        )
    if not STAGE_NAME.match(tags[0]):
        tagging.findings.append(
            Finding(
                rule="stage-name",
                severity=Severity.ERROR,
                message=f"'{tags[0]}' is no stage name.",
                span=Span(cell=position),
                remedy="A name starts with a letter and holds letters, digits, '_' and '-', as in `stage:features`.",
            )
        )
        return
    _join_stage(tagging, tags[0], position, options=StageOptions())


def _join_stage(tagging: Tagging, name: str, position: int, *, options: StageOptions) -> None:
    tagging.cells.setdefault(name, []).append(position)
    tagging.stage_of[position] = name
    tagging.options[name] = _merged(tagging.options.get(name, StageOptions()), options)


def _disagreement(line: StageLine, tags: tuple[str, ...]) -> Finding:
    return Finding(
        rule="stage-tags-disagree",
        severity=Severity.WARNING,
        message=f"The magic line says stage '{line.stage}', the cell's tag says '{', '.join(tags)}'; the magic line counts.",
        span=line.span,
        stage=line.stage,
        remedy="Remove the tag, or the magic line.",
    )


def _from_metadata(tagging: Tagging, raw: Json, name: str) -> StageOptions:
    if raw is None:
        return StageOptions()
    try:
        return options_from(raw, where=f"metadata.nbprod.stages.{name}")
    except NotebookError as error:
        message = f"{error.where}: {error.what}"
        tagging.findings.append(
            Finding(
                rule="stage-options",
                severity=Severity.ERROR,
                message=message,
                stage=name,
                remedy=error.remedy,
            )
        )
        return StageOptions()


def _merged(*options: StageOptions) -> StageOptions:
    """The options in one, what comes later counting where it says anything."""
    merged = StageOptions()
    unsaid = StageOptions()
    for one in options:
        said = {
            name: getattr(one, name)
            for name in StageOptions.__struct_fields__
            if getattr(one, name) != getattr(unsaid, name)
        }
        merged = replace(merged, **said)
    return merged


def kind_from_name(name: str) -> Kind | None:
    """The kind of stage that a name speaks of, if it speaks of one."""
    words = set(re.split(r"[\W_\d]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))
    for kind, known in _KIND_WORDS:
        if words & set(known.split()):
            return kind
    return None


# Parameters


def parameters_of(cell: Cell) -> tuple[Parameter, ...]:
    """The parameters that a parameters cell assigns: single names to values that JSON can hold."""
    try:
        body = module_tree(body_of(cell)).body
    except SyntaxError:
        return ()
    comments = _comments(body_of(cell))
    return tuple(
        parameter
        for node in body
        if (parameter := _parameter(node, cell.position or 0, comments)) is not None
    )


def _parameter(node: ast.stmt, position: int, comments: Mapping[int, str]) -> Parameter | None:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            annotation = ""
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value, annotation=hint):
            annotation = ast.unparse(hint)
        case _:
            return None
    try:
        default = ast.literal_eval(value)
    except ValueError:
        return None
    if not _is_json(default):
        return None
    return Parameter(
        name=name,
        type=_type_name(default, annotation),
        default=default,
        description=comments.get(node.end_lineno or node.lineno, ""),
        span=Span(
            cell=position,
            line=node.lineno,
            column=node.col_offset,
            end_line=node.end_lineno or node.lineno,
            end_column=node.end_col_offset or 0,
        ),
        secret=bool(_SECRET.search(name)),
    )


def _type_name(default: Json, annotation: str) -> str:
    known = {"int", "float", "bool", "str", "list", "dict"}
    hinted = re.split(r"[\[ |]", annotation.lower().strip("'\""))[0]
    if hinted in known:
        return hinted
    named = type(default).__name__
    return named if named in known else "any"


def _is_json(value: object) -> bool:
    match value:
        case None | bool() | int() | float() | str():
            return True
        case list():
            return all(_is_json(one) for one in value)
        case dict():
            return all(isinstance(key, str) and _is_json(one) for key, one in value.items())
        case _:
            return False


def _comments(text: str) -> dict[int, str]:
    found: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                found[token.start[0]] = token.string.lstrip("# ").strip()
    except (tokenize.TokenError, IndentationError):
        return found
    return found
