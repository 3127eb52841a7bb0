from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbprod.errors import NotebookError, did_you_mean
from nbprod.faces.cli import CLEAN
from nbprod.faces.examples import ExampleCommand
from nbprod.faces.grid import grid
from nbprod.faces.output import say, say_json, stdout_paint
from nbprod.faces.sources import notebook_argument
from nbprod.faces.words import cells_said, clipped, count_said, value_said
from nbprod.notebook import ExpectLine, StageLine, body_of, is_parameters, magic_line, stage_tags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.model import Cell, Notebook, Suggestion

_RANGE = re.compile(r"(\d+)(?:-(\d+))?\Z")


@click.command(
    "tag",
    cls=ExampleCommand,
    examples="""
    nbprod tag flights.ipynb                  # which cell belongs to which stage
    nbprod tag flights.ipynb 4-6,8 features
    nbprod tag flights.ipynb 5 --remove
    nbprod tag flights.ipynb --suggest --write
    """,
)
@notebook_argument()
@click.argument("cells", required=False)
@click.argument("stage", required=False)
@click.option("--remove", is_flag=True, help="Take the cells out of their stages.")
@click.option("--suggest", is_flag=True, help="Propose stages for the untagged notebook.")
@click.option("--write", is_flag=True, help="With --suggest: tag the cells as proposed.")
@click.option("--json", "as_json", is_flag=True, help="Print the proposal as JSON.")
def command(
    *,
    notebook: str,
    cells: str | None,
    stage: str | None,
    remove: bool,
    suggest: bool,
    write: bool,
    as_json: bool,
) -> int:
    """Tag cells of a notebook as stages, or have stages proposed.

    CELLS are numbers of code cells as `nbprod show` counts them (4-6,8), or one cell's id. A cell with a %%stage
    line gets another name on that line; any other cell gets the tag stage:NAME. Nothing else in the file changes.
    """
    from nbprod import api

    found = api.read(notebook)
    if suggest:
        _suggest(found, write=write, as_json=as_json)
    elif cells is None:
        say("\n".join(grid(_cell_rows(found), head=("cell", "stage", "starts with"), paint=stdout_paint())))
    elif (stage is None) != remove:
        raise click.UsageError("Name the stage, or say --remove.")
    else:
        positions = _positions(cells, found)
        for position in positions:
            api.tag(notebook, position, stage)
        where = f"in stage {stage}" if stage else "in no stage"
        say(f"{notebook}: {cells_said(positions)} {'is' if len(positions) == 1 else 'are'} {where}.")
    return CLEAN


def _positions(words: str, notebook: Notebook) -> tuple[int, ...]:
    """The positions that the words name; raises NotebookError for one that the notebook doesn't have."""
    by_id = {cell.id: cell.position for cell in notebook.code if cell.position is not None}
    if words in by_id:
        return (by_id[words],)
    positions: list[int] = []
    for word in words.split(","):
        found = _RANGE.match(word.strip())
        if found is None:
            raise NotebookError(
                f"'{word}' is no number and no id of a code cell.",
                where=notebook.name,
                remedy=did_you_mean(word, by_id) or "Give numbers as in 4-6,8.",
            )
        first, last = int(found.group(1)), int(found.group(2) or found.group(1))
        positions += range(first - 1, last)
        if first < 1 or last > len(notebook.code) or last < first:
            raise NotebookError(
                f"There is no code cell {word.strip()}.",
                where=notebook.name,
                remedy=f"It has {len(notebook.code)} code cells.",
            )
    return tuple(dict.fromkeys(positions))


def _cell_rows(notebook: Notebook) -> Iterator[tuple[str, str, str]]:
    for cell in notebook.code:
        first = next((line for line in body_of(cell).split("\n") if line.strip()), "")
        yield str((cell.position or 0) + 1), _part_of(cell), clipped(first, 80)


def _part_of(cell: Cell) -> str:
    match magic_line(cell):
        case StageLine(stage=stage):
            return stage
        case ExpectLine(value=value):
            return f"(expects of {value})"
        case _:
            return ", ".join(stage_tags(cell)) or ("(parameters)" if is_parameters(cell) else "")


def _suggest(notebook: Notebook, *, write: bool, as_json: bool) -> None:
    from nbprod import api
    from nbprod.artifacts.store import write_atomically

    suggestion = api.suggest(notebook)
    if as_json:
        say_json(suggestion)
    else:
        say(suggestion_text(suggestion, name=notebook.name))
    if write:
        write_atomically(Path(notebook.name), api.accepted(notebook, suggestion))
        if not as_json:
            say("\nWritten. `nbprod show` shows the flow.")
    elif not as_json:
        say("\nNothing is written yet: add --write to tag the cells so.")


def suggestion_text(suggestion: Suggestion, *, name: str) -> str:
    """The proposed stages and parameters, each with its reason."""
    paint = stdout_paint()
    lines = [paint("strong", f"{name}: {count_said(len(suggestion.stages), 'stage')} proposed")]
    lines += grid(
        (
            (one.name, cells_said(one.cells), f"time {one.time}" if one.time else "", clipped(one.reason, 90))
            for one in suggestion.stages
        ),
        indent="  ",
        roles=["strong"] * len(suggestion.stages),
        paint=paint,
    )
    if suggestion.parameters:
        lines += ["", paint("strong", "parameters")]
        lines += grid(
            (
                (one.parameter.name, f"= {value_said(one.parameter.default)}", clipped(one.reason, 90))
                for one in suggestion.parameters
            ),
            indent="  ",
        )
    if suggestion.left_out:
        lines += ["", paint("strong", "left out")]
        lines += grid(
            ((f"cell {one.cell + 1}", clipped(one.reason, 90)) for one in suggestion.left_out), indent="  "
        )
    return "\n".join(lines)
