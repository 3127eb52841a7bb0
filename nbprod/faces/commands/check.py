from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nbprod.errors import NbprodError
from nbprod.faces.cli import CLEAN, COULD_NOT, FOUND, say_error
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.sources import STDIN_NAME, notebook_from, notebooks_at
from nbprod.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbprod.model import Json, Notebook, Study


@click.command(
    "check",
    cls=ExampleCommand,
    short_help="Find leakage and what would stop the pipeline.",
    examples="""
    nbprod check flights.ipynb
    nbprod check flights.ipynb --fix
    nbprod check notebooks/ --format sarif > findings.sarif
    """,
)
@click.argument("targets", nargs=-1, required=True, type=click.Path(path_type=str, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="sarif is SARIF 2.1.0, github its workflow annotations.",
)
@click.option(
    "--fix", is_flag=True, help="Show the mechanical remedies as a diff, and make them if you agree."
)
@click.option("--yes", is_flag=True, help="With --fix: make them without asking.")
def command(*, targets: tuple[str, ...], as_json: bool, shape: str, fix: bool, yes: bool) -> int:
    """Check notebooks for leakage and for what would keep their pipeline from running.

    TARGETS are notebooks, folders, globs, or '-' for standard input. Notes alone leave the exit code at 0.
    """
    paths = notebooks_at(targets)
    judged, errors = _judged(paths)
    if fix and sum(_fix(notebook, study, yes=yes) for notebook, study in judged):
        judged, errors = _judged(paths)
    if as_json or shape == "json":
        say_json(findings_json(judged, errors))
    else:
        _say(judged, shape)
    for error in errors:
        say_error(error)
    if errors:
        return COULD_NOT
    grave = (Severity.ERROR, Severity.WARNING)
    return FOUND if any(one.severity in grave for _, study in judged for one in study.findings) else CLEAN


def _judged(paths: Sequence[str]) -> tuple[list[tuple[Notebook, Study]], list[NbprodError]]:
    """Each notebook with its study; one that can't be read doesn't keep the others from being judged."""
    from nbprod import api

    judged, errors = [], []
    for path in paths:
        try:
            notebook = notebook_from(path)
            judged.append((notebook, api.study(notebook)))
        except NbprodError as error:
            errors.append(error)
    return judged, errors


def _fix(notebook: Notebook, study: Study, *, yes: bool) -> bool:
    """Whether the notebook's findings were fixed: what there is to fix is shown, then asked about."""
    from nbprod.api.fixes import fixed, write_fixed
    from nbprod.faces.words import count_said

    found = fixed(notebook, study.findings)
    if not found.findings or notebook.name == STDIN_NAME:
        return False
    say(f"{notebook.name}\n{found.diff}")
    if not (yes or click.confirm(f"Make {count_said(len(found.findings), 'change')}?", err=True)):
        return False
    write_fixed(notebook, found)
    return True


def findings_json(judged: Sequence[tuple[Notebook, Study]], errors: Sequence[NbprodError] = ()) -> Json:
    """All findings in one list, each with the notebook it stands in."""
    from nbprod.wire import plain

    findings: list[Json] = []
    for notebook, study in judged:
        for finding in study.findings:
            fields = plain(finding)
            findings.append({"notebook": notebook.name, **fields} if isinstance(fields, dict) else fields)
    return {
        "findings": findings,
        "notebooks": [notebook.name for notebook, _ in judged],
        "errors": [{"what": one.what, "where": one.where, "remedy": one.remedy} for one in errors],
    }


def _say(judged: Sequence[tuple[Notebook, Study]], shape: str) -> None:
    match shape:
        case "sarif":
            from nbprod.faces.sarif import sarif_log
            from nbprod.leakage.rules import RULES

            say_json(sarif_log(judged, manuals=RULES))
        case "github":
            from nbprod.faces.annotations import annotations_of

            for notebook, study in judged:
                for line in annotations_of(notebook, study):
                    say(line)
        case _:
            from nbprod.faces.text import findings_summary, findings_text

            for notebook, study in judged:
                if study.findings:
                    say(findings_text(study, notebook=notebook, paint=stdout_paint()) + "\n")
            if judged:
                say(findings_summary([study for _, study in judged]))
