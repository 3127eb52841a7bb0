"""The last study of each open notebook, so that its picture can follow a run without studying anew."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from nbprod import api, wire
from nbprod.errors import NotebookError
from nbprod.faces.picture import flow_svg
from nbprod.notebook import taken

if TYPE_CHECKING:
    from pathlib import Path

    from nbprod.model import Finding, Notebook, Record, Study

KEPT = 32
# Notebooks of which every cell is remembered: those in which somebody writes.
REMEMBERED = 4
# Down to each stage, link and finding.
TOLD_DEPTH = 4
T = TypeVar("T")


class Studied(Struct, frozen=True, kw_only=True):
    """A study, and its flow drawn with the states of a run."""

    study: Study
    picture: str


class Studies:
    """Studies by the path of their notebook; the latest few are kept."""

    def __init__(self) -> None:
        self._telling = Lock()
        self._kept: OrderedDict[Path, Study] = OrderedDict()
        self._pictures: OrderedDict[Path, tuple[object, str]] = OrderedDict()
        self._memories: OrderedDict[Path, api.StudyMemory] = OrderedDict()
        self._told: OrderedDict[Path, wire.Told] = OrderedDict()

    def text(self, path: Path, raw: object, *, record: Record | None) -> str:
        """What is made of the notebook, as JSON text."""
        studied = self.made(path, raw, record=record)
        with self._telling:
            told = _latest(
                self._told, path, self._told.get(path) or wire.Told(depth=TOLD_DEPTH), most=REMEMBERED
            )
            return told.text(studied)

    def made(self, path: Path, raw: object, *, record: Record | None) -> Studied:
        """The study of the notebook as it stands in the browser (`raw`), else as it stands in its file."""
        memory = _latest(self._memories, path, self._memories.get(path) or api.StudyMemory(), most=REMEMBERED)
        study = api.study_in_writing(notebook_sent(path, raw), memory=memory)
        return Studied(study=study, picture=self._drawn(path, study, record=record))

    def picture(self, path: Path, *, record: Record | None) -> str:
        """The flow as it was last studied, with the states of a run."""
        study = self._kept.get(path)
        if study is None:
            return self.made(path, None, record=record).picture
        return self._drawn(path, study, record=record)

    def _drawn(self, path: Path, study: Study, *, record: Record | None) -> str:
        """The flow drawn; most keystrokes leave it as it was."""
        _latest(self._kept, path, study, most=KEPT)
        seen, picture = self._pictures.get(path, (None, ""))
        shown = (study.flow, study.suites, [_shown(finding) for finding in study.findings], record)
        if seen != shown:
            picture = flow_svg(study, record=record)
        _latest(self._pictures, path, (shown, picture), most=KEPT)
        return picture


def _latest(kept: OrderedDict[Path, T], path: Path, value: T, *, most: int) -> T:
    """Keep the value of a path, with those of the other paths that came last."""
    kept[path] = value
    kept.move_to_end(path)
    while len(kept) > most:
        kept.popitem(last=False)
    return value


def _shown(finding: Finding) -> tuple[object, ...]:
    """What a picture tells of a finding."""
    return finding.severity, finding.stage, finding.span


def notebook_sent(path: Path, raw: object) -> Notebook:
    """The notebook as it stands in the browser, without its text; else as it stands in the file."""
    if raw is None:
        return api.read(path)
    if not isinstance(raw, dict):
        raise NotebookError(
            "'notebook' is no JSON object.", where=path.name, remedy="Send the notebook's content."
        )
    # What the browser holds is notebook JSON even where the file is a percent script.
    return taken(raw, name=str(path.with_suffix(".ipynb")))
