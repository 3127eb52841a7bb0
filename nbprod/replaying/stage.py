"""A stage of a study as replay wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbprod.flow.ipython import python_of, python_text
from nbprod.replaying.report import Chunk, Declarations

if TYPE_CHECKING:
    from nbprod.model import Notebook, Stage, StageOptions


def chunks_of(notebook: Notebook, stage: Stage) -> tuple[Chunk, ...]:
    """The stage's source in the order of its running: the definitions copied to it, then its cells."""
    copied = [
        Chunk(source=python_text(snippet.code), cell=snippet.span.cell, first_line=snippet.span.line)
        for snippet in stage.preamble
    ]
    cells = [Chunk(source=python_of(notebook.code[position]), cell=position) for position in stage.cells]
    return (*copied, *cells)


def declarations_of(options: StageOptions, *, labels: tuple[str, ...] = ()) -> Declarations:
    """What the stage's options declare; `labels` are columns that another part has found to be labels."""
    return Declarations(time=options.time, entity=options.entity, known=options.known, labels=labels)
