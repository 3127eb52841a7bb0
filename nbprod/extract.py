"""A study turned into a plan: one papermill notebook a stage, GX suites, and `pipeline.yaml`, all as text.

A stage notebook holds, in this order: the parameters (tagged for papermill), the definitions that the stage
uses, one cell that takes inputs, the user's cells, one cell that gives outputs. Definitions come before the
inputs because a pickled instance needs its class.
"""

from __future__ import annotations

import hashlib
import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from nbprod import wire
from nbprod.errors import NbprodError, NotebookError, PlanError
from nbprod.expectations import gx_json
from nbprod.model import Cell, CellKind, Notebook, Plan, PlannedStage, Severity, Stage, Study
from nbprod.notebook import SKIP_TAG, STAGE_TAG, body_of, is_parameters, magic_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbprod.model import Finding, Json, Parameter, Suite

FORMAT = 1
PIPELINE_FILE = "pipeline.yaml"
FOLDER_PARAMETER = "nbprod_folder"


class BlockedError(NbprodError):
    """Findings that stop an extract; `findings` are all of them."""

    def __init__(self, findings: tuple[Finding, ...], *, where: str) -> None:
        first = findings[0]
        rest = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(
            f"{first.message}{rest}",
            where=f"{where}, {first.span}" if first.span else where,
            remedy=f"{first.remedy} {_how_to_allow(first)}".strip(),
        )
        self.findings = findings

    def __reduce__(self) -> tuple[object, ...]:
        return _blocked, (self.findings, self.where)


def _how_to_allow(finding: Finding) -> str:
    # A leak may be meant; what the pipeline cannot be built from cannot be wished away.
    return f"Or allow it with a reason: --allow '{finding.rule}=REASON'." if finding.verdict else ""


def _blocked(findings: tuple[Finding, ...], where: str) -> BlockedError:
    return BlockedError(findings, where=where)


def plan_of(
    notebook: Notebook,
    study: Study,
    *,
    source: str,
    allow: Mapping[str, str] | None = None,
    keep_all: bool = False,
) -> Plan:
    """The plan of a studied notebook. `source` is the notebook's path as the plan folder shall name it.

    `allow` maps a rule to the reason why its findings don't stop the extract; `keep_all` keeps the cells that
    serve no stage, each at the end of the stage before it.
    Raises BlockedError where a finding of severity error isn't allowed, FlowError where nothing can run.
    """
    allow = dict(allow or {})
    stopping = tuple(f for f in study.findings if f.severity is Severity.ERROR and f.rule not in allow)
    if stopping:
        raise BlockedError(stopping, where=study.notebook)
    if not study.flow.stages:
        raise NotebookError(
            "No cell is tagged as a stage.",
            where=study.notebook,
            remedy="Start a cell with `%%stage NAME`, or let `nbprod tag --suggest` propose stages.",
        )
    suites = tuple(_given_suites(study))
    stages, files = [], {}
    for number, stage in enumerate(study.flow.stages, start=1):
        file = f"{number:02}-{stage.name}.ipynb"
        kept = _kept_cells(notebook, study, stage) if keep_all else ()
        files[file] = _stage_notebook(notebook, study, stage, kept=kept)
        stages.append(_planned(study, stage, file, digest=digest_of(files[file])))
    for suite in suites:
        files[suite_file(suite)] = _json_text(gx_json(suite))
    plan = Plan(
        name=_pipeline_name(source),
        source=source,
        stages=tuple(stages),
        parameters=study.flow.parameters,
        links=study.flow.links,
        suites=suites,
        allowed=allow,
        files=files,
    )
    return replace(plan, files={PIPELINE_FILE: _pipeline_text(plan), **files})


def plan_from(files: Mapping[str, str], *, where: str) -> Plan:
    """The plan that a plan folder's files hold.

    Raises PlanError where `pipeline.yaml` is missing, damaged or of another version, or names a missing file.
    """
    import yaml

    if PIPELINE_FILE not in files:
        raise PlanError(
            f"This folder holds no {PIPELINE_FILE}.", where=where, remedy="Make a plan with `nbprod extract`."
        )
    try:
        raw = yaml.safe_load(files[PIPELINE_FILE])
    except yaml.YAMLError as error:
        raise PlanError(
            f"{PIPELINE_FILE} is no YAML: {' '.join(str(error).split())}.",
            where=where,
            remedy="Extract again.",
        ) from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        found = raw.get("format") if isinstance(raw, dict) else None
        raise PlanError(
            f"The plan is of format {found!r}; this nbprod reads {FORMAT}.",
            where=where,
            remedy="Extract again.",
        )
    plan = wire.noun(Plan, {**raw, "files": dict(files)}, where=f"{where}/{PIPELINE_FILE}")
    missing = sorted({stage.notebook for stage in plan.stages} - set(files))
    if missing:
        raise PlanError(f"The plan's file '{missing[0]}' is missing.", where=where, remedy="Extract again.")
    return plan


def edited_files(files: Mapping[str, str], *, where: str) -> tuple[str, ...]:
    """The names of a plan folder's files whose text is no longer what extraction wrote, sorted."""
    import yaml

    raw = yaml.safe_load(files.get(PIPELINE_FILE, "")) or {}
    written: dict[str, str] = raw.get("digests", {}) if isinstance(raw, dict) else {}
    if not isinstance(written, dict):
        raise PlanError(f"{PIPELINE_FILE} has no digests.", where=where, remedy="Extract again.")
    edited = {name for name, digest in written.items() if name in files and digest_of(files[name]) != digest}
    body, _, seal = files.get(PIPELINE_FILE, "").rpartition(_SEAL)
    return tuple(sorted(edited | ({PIPELINE_FILE} if seal.strip() != digest_of(body) else set())))


def digest_of(text: str) -> str:
    """sha256 of the text in UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def suite_file(suite: Suite) -> str:
    """Where a plan folder keeps the suite."""
    return f"suites/{suite.value}.json" if suite.stage is None else f"suites/{suite.stage}.{suite.value}.json"


# The stage notebook


def _stage_notebook(notebook: Notebook, study: Study, stage: Stage, *, kept: tuple[int, ...]) -> str:
    cells = [
        code_cell("nbprod-parameters", _parameters_source(notebook, study, stage), tags=["parameters"]),
        *_definitions(stage),
        *_inputs(stage),
        *(cell for position in sorted({*stage.cells, *kept}) for cell in _user_cells(notebook, position)),
        *_outputs(stage, outcomes=_outcomes(study, stage)),
    ]
    metadata = {
        "kernelspec": {"display_name": notebook.kernel, "language": "python", "name": notebook.kernel},
        "language_info": {"name": "python"},
        "nbprod": {"stage": stage.name, "kind": stage.kind.value, "source": notebook.name.rpartition("/")[2]},
    }
    return _json_text({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def _parameters_source(notebook: Notebook, study: Study, stage: Stage) -> str:
    lines = [
        _parameter_line(notebook, parameter)
        for parameter in study.flow.parameters
        if parameter.name in stage.reads
    ]
    return "\n".join([*lines, f'{FOLDER_PARAMETER} = "artifacts"  # where stages leave what they give'])


def _parameter_line(notebook: Notebook, parameter: Parameter) -> str:
    if parameter.span is None:
        return f"{parameter.name} = {parameter.default!r}"
    lines = notebook.code[parameter.span.cell].source.splitlines()
    return "\n".join(lines[parameter.span.line - 1 : parameter.span.end_line])


def _definitions(stage: Stage) -> Iterator[dict[str, Any]]:
    needed = [snippet.code for snippet in stage.preamble if not _OWN_EXTENSION.match(snippet.code)]
    if needed:
        source = "\n".join(needed[:1] + [f"{_gap(before, code)}{code}" for before, code in pairwise(needed)])
        yield code_cell("nbprod-definitions", source, tags=["nbprod:definitions"])


def _gap(before: str, code: str) -> str:
    """The empty lines that functions and classes have around them."""
    return "\n\n" if any(one.startswith(("def ", "class ", "@", "async ")) for one in (before, code)) else ""


# A stage notebook holds no magic of nbprod's.
_OWN_EXTENSION = re.compile(r"\s*%(re)?load_ext\s+nbprod\s*\Z")


def _inputs(stage: Stage) -> Iterator[dict[str, Any]]:
    if stage.needs:
        needs = ", ".join(f'"{need.name}": "{need.giver}"' for need in stage.needs)
        source = (
            "from nbprod.artifacts.boundary import take\n\n"
            f"globals().update(take({{{needs}}}, folder={FOLDER_PARAMETER}))"
        )
        yield code_cell("nbprod-inputs", source, tags=["nbprod:inputs"])


def _outcomes(study: Study, stage: Stage) -> tuple[str, ...]:
    """What the stage gives though no stage needs it and nothing is expected of it."""
    needed = {need.name for other in study.flow.stages for need in other.needs if need.giver == stage.name}
    return tuple(name for name in stage.gives if name not in needed | {one.value for one in study.suites})


def _outputs(stage: Stage, *, outcomes: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    names = ", ".join(f'"{name}"' for name in stage.gives)
    spared = ", ".join(f'"{name}"' for name in outcomes)
    rest = f", outcomes=[{spared}]" if outcomes else ""
    source = (
        "from nbprod.artifacts.boundary import give\n\n"
        f'give([{names}], globals(), stage="{stage.name}", folder={FOLDER_PARAMETER}{rest})'
    )
    yield code_cell("nbprod-outputs", source, tags=["nbprod:outputs"])


def _user_cells(notebook: Notebook, position: int) -> Iterator[dict[str, Any]]:
    cell = notebook.code[position]
    for note in _markdown_before(notebook, cell):
        yield {"cell_type": "markdown", "id": note.id, "metadata": {}, "source": _lines(note.source)}
    tags = [tag for tag in cell.tags if tag not in ("parameters", "injected-parameters")]
    made = code_cell(
        cell.id, without_magic_line(cell), tags=[tag for tag in tags if not tag.startswith(STAGE_TAG)]
    )
    made["metadata"]["nbprod"] = {"cell": position}
    yield made


def without_magic_line(cell: Cell) -> str:
    """The cell's source less nbprod's own magic line: what bare papermill can run."""
    line = magic_line(cell)
    if line is None:
        return cell.source
    lines = body_of(cell).split("\n")
    return "\n".join(lines[line.span.line :])


def _markdown_before(notebook: Notebook, cell: Cell) -> list[Cell]:
    notes: list[Cell] = []
    for before in reversed(notebook.cells[: cell.index]):
        if before.kind is not CellKind.MARKDOWN:
            break
        notes.insert(0, before)
    return notes


def _kept_cells(notebook: Notebook, study: Study, stage: Stage) -> tuple[int, ...]:
    """The left out cells that run at the end of this stage: those after its last cell and before another's."""
    ends = sorted((max(other.cells), other.name) for other in study.flow.stages)

    def home(cell: int) -> str:
        before = [name for end, name in ends if end < cell]
        return before[-1] if before else ends[0][1]

    return tuple(
        out.cell
        for out in study.flow.left_out
        if _can_run(notebook.code[out.cell]) and home(out.cell) == stage.name
    )


def _can_run(cell: Cell) -> bool:
    return magic_line(cell) is None and SKIP_TAG not in cell.tags and not is_parameters(cell)


def code_cell(cell_id: str, source: str, *, tags: list[str]) -> dict[str, Any]:
    """A code cell as nbformat 4.5 writes it, not run yet."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": cell_id,
        "metadata": {"tags": tags} if tags else {},
        "outputs": [],
        "source": _lines(source),
    }


def _lines(source: str) -> list[str]:
    return source.splitlines(keepends=True)


# The plan's own file


_SEAL = "# sealed: "
_HEAD = (
    "# Written by `nbprod extract`; edit the notebook and extract again.\n"
    "# Run with `nbprod run` on this folder, or each notebook in order with papermill.\n"
)


def _pipeline_text(plan: Plan) -> str:
    import yaml

    raw = {name: wire.plain(getattr(plan, name)) for name in plan.__struct_fields__ if name != "files"}
    digests: Json = {name: digest_of(text) for name, text in plan.files.items()}
    body = _HEAD + yaml.safe_dump(
        _pruned({"format": FORMAT, **raw, "digests": digests}), sort_keys=False, allow_unicode=True, width=110
    )
    return f"{body}{_SEAL}{digest_of(body)}\n"


def _pruned(value: Json) -> Json:
    """The value less members that hold nothing: a plan is read by people too."""
    match value:
        case dict():
            kept = {key: _pruned(one) for key, one in value.items()}
            # A parameter's default may be empty, and is its default all the same.
            return {
                key: one for key, one in kept.items() if key == "default" or one not in (None, [], {}, "")
            }
        case list():
            return [_pruned(one) for one in value]
        case _:
            return value


def _planned(study: Study, stage: Stage, file: str, *, digest: str) -> PlannedStage:
    return PlannedStage(
        name=stage.name,
        kind=stage.kind,
        notebook=file,
        needs=stage.needs,
        gives=stage.gives,
        reads=stage.reads,
        after=tuple(dict.fromkeys(link.giver for link in study.flow.links if link.taker == stage.name)),
        cells=stage.cells,
        options=stage.options,
        digest=digest,
    )


def _given_suites(study: Study) -> Iterator[Suite]:
    given = {name for stage in study.flow.stages for name in stage.gives}
    return (suite for suite in study.suites if suite.value in given)


def _pipeline_name(source: str) -> str:
    return source.rpartition("/")[2].rpartition(".")[0]


def _json_text(value: object, *, indent: int = 2) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False) + "\n"
