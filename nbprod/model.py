"""Every noun nbprod speaks of, frozen. Nothing here computes more than a small answer about itself.

Positions: a cell is counted among the *code* cells, from 0, as papermill and `In [n]` see them; people are
shown that position plus one, which is the `In [n]` of a clean run from top to bottom. Lines count from 1,
columns from 0 in Unicode code points, both within the cell's own source (its magic line included).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct, field

if TYPE_CHECKING:
    Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
else:
    Json = Any  # read at run time by `wire`, which passes JSON through as it is


# Where things stand


class Span(Struct, frozen=True, kw_only=True, order=True):
    """A stretch of one code cell's source; the end is exclusive in columns, as in `ast`."""

    cell: int
    line: int = 1
    column: int = 0
    end_line: int = 1
    end_column: int = 0

    def __str__(self) -> str:
        return f"cell {self.cell + 1}, line {self.line}"


class Severity(StrEnum):
    """How much a finding matters: an error stops an extract, a warning is told, a note informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


# The notebook


class CellKind(StrEnum):
    """As in nbformat's `cell_type`."""

    CODE = "code"
    MARKDOWN = "markdown"
    RAW = "raw"


class Cell(Struct, frozen=True, kw_only=True):
    """One cell. `index` counts all cells from 0; `position` the code cells only (None for the others)."""

    id: str
    index: int
    position: int | None
    kind: CellKind
    source: str
    tags: tuple[str, ...] = ()


class Notebook(Struct, frozen=True, kw_only=True):
    """A notebook as read. `name` is what messages call it (its path); `text` is what the file held.

    `stage_options` is `metadata.nbprod.stages`: options that belong to a stage rather than to a cell.
    """

    name: str
    language: str
    kernel: str
    cells: tuple[Cell, ...]
    stage_options: Mapping[str, Json] = field(default_factory=dict)
    text: str = ""

    @property
    def code(self) -> tuple[Cell, ...]:
        """The code cells; their place in this tuple is their `position`."""
        return tuple(cell for cell in self.cells if cell.kind is CellKind.CODE)


# Stages and the flow between them


class Kind(StrEnum):
    """What a stage is for."""

    LOAD = "load"
    CLEAN = "clean"
    FEATURES = "features"
    SPLIT = "split"
    TRAIN = "train"
    EVALUATE = "evaluate"
    SCORE = "score"
    OTHER = "other"


class StageOptions(Struct, frozen=True, kw_only=True):
    """What a stage's magic line, its notebook metadata or `[tool.nbprod.stages.NAME]` may say.

    `known` pairs a column with the column that holds the time from which it is known.
    """

    kind: Kind | None = None
    time: str | None = None
    entity: str | None = None
    known: tuple[tuple[str, str], ...] = ()
    retries: int = 0
    timeout_seconds: float | None = None
    cell_timeout_seconds: float | None = None


class Need(Struct, frozen=True, kw_only=True):
    """A name that a stage reads and the stage that gives it."""

    name: str
    giver: str


class Snippet(Struct, frozen=True, kw_only=True):
    """A statement copied from a cell to a stage that needs it: a definition, or a setting of state."""

    code: str
    span: Span
    defines: tuple[str, ...] = ()


class Stage(Struct, frozen=True, kw_only=True):
    """A named group of code cells (by position) that run together as one papermill run.

    `needs`, `gives`, `reads` (parameters) and `preamble` are empty until `flow` has inferred them.
    """

    name: str
    kind: Kind
    cells: tuple[int, ...]
    options: StageOptions = StageOptions()
    needs: tuple[Need, ...] = ()
    gives: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    preamble: tuple[Snippet, ...] = ()


class LinkReason(StrEnum):
    """Why one stage must come after another."""

    VALUES = "values"
    FILE = "file"
    STATE = "state"


class Link(Struct, frozen=True, kw_only=True):
    """`taker` runs after `giver`; `carries` names the values, the files or the state that passes."""

    giver: str
    taker: str
    reason: LinkReason = LinkReason.VALUES
    carries: tuple[str, ...] = ()


class Parameter(Struct, frozen=True, kw_only=True):
    """A parameter of the pipeline with the default that the notebook gives it.

    `type` is `int`, `float`, `bool`, `str`, `list`, `dict` or `any`.
    """

    name: str
    type: str
    default: Json
    description: str = ""
    span: Span | None = None
    secret: bool = False


class LeftOut(Struct, frozen=True, kw_only=True):
    """A code cell that belongs to no stage and serves none, and why it is left out."""

    cell: int
    reason: str


class Flow(Struct, frozen=True, kw_only=True):
    """The stages in the order in which they run, and the links between them: never a cycle."""

    stages: tuple[Stage, ...] = ()
    links: tuple[Link, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def stage(self, name: str) -> Stage:
        """The stage of that name; raises KeyError if there is none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)


# What an untagged notebook might be


class SuggestedStage(Struct, frozen=True, kw_only=True):
    """A stage that the notebook seems to have, its code cells by position, and what speaks for it."""

    name: str
    kind: Kind
    cells: tuple[int, ...]
    time: str | None = None
    reason: str = ""


class SuggestedParameter(Struct, frozen=True, kw_only=True):
    """A constant that would do well as a parameter, and why."""

    parameter: Parameter
    reason: str = ""


class Suggestion(Struct, frozen=True, kw_only=True):
    """Stages, parameters and time columns for an untagged notebook: accepted whole, they give a flow without a cycle.

    `parameter_cells` are those that hold nothing but suggested parameters: tagging them `parameters` is enough.
    `left_out` cells keep no tag.
    """

    stages: tuple[SuggestedStage, ...] = ()
    parameters: tuple[SuggestedParameter, ...] = ()
    parameter_cells: tuple[int, ...] = ()
    time_columns: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


# Findings


class Proof(StrEnum):
    """What is known of a finding once static analysis, expressions and replay have been joined."""

    PROVED_CLEAN = "proved clean"
    CONFIRMED = "confirmed"
    SUSPECTED = "suspected"
    NOT_REPRODUCED = "not reproduced"
    UNPROVED = "unproved"


class Step(Struct, frozen=True, kw_only=True):
    """One station on the path by which something reached the place that a finding names."""

    span: Span
    says: str


class Edit(Struct, frozen=True, kw_only=True):
    """A replacement of a stretch of a cell's source, offered as a mechanical remedy."""

    span: Span
    replacement: str


class Witness(Struct, frozen=True, kw_only=True):
    """A value that changed when the future was taken away, found by replay; re-playable from these fields.

    `cut` is the time after which everything was withheld, `row` the key of the row that changed before it;
    `output` is the frame that holds the column. A `column` of `*` speaks of which rows exist.
    """

    stage: str
    column: str
    row: str
    cut: str
    probe: str
    value_with_future: str
    value_without_future: str
    output: str = ""


class Finding(Struct, frozen=True, kw_only=True):
    """What a rule says about a place. `verdict` is None for rules that are not about leakage."""

    rule: str
    severity: Severity
    message: str
    span: Span | None = None
    verdict: Proof | None = None
    column_names: tuple[str, ...] = ()
    horizon: str | None = None
    path: tuple[Step, ...] = ()
    remedy: str = ""
    edits: tuple[Edit, ...] = ()
    witness: Witness | None = None
    stage: str | None = None


# Expectations


class Importance(StrEnum):
    """GX's severities: a broken critical expectation stops what depends on the value."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Expectation(Struct, frozen=True, kw_only=True):
    """One expectation in GX's own words; `type` is GX's snake case name (`expect_column_values_to_not_be_null`)."""

    type: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    importance: Importance = Importance.CRITICAL
    notes: str = ""
    span: Span | None = None
    description: str = ""
    meta: Mapping[str, Json] = field(default_factory=dict)


class OnBroken(StrEnum):
    """What a broken critical expectation does: stops what follows, sets the rows aside, or is only told."""

    STOP = "stop"
    QUARANTINE = "quarantine"
    WARN = "warn"


class Suite(Struct, frozen=True, kw_only=True):
    """The expectations on one named value.

    Where several stages give the name, the last one's is judged, unless `stage` says which.
    """

    value: str
    expectations: tuple[Expectation, ...]
    stage: str | None = None
    span: Span | None = None
    on_broken: OnBroken = OnBroken.STOP


class Quarantine(Struct, frozen=True, kw_only=True):
    """Rows set aside because they break expectations: how many, and how many broke each, as `type(column)`.

    In a run `kept` is what goes on in the value's place and `taken` the rows set aside, as parquet.
    """

    rows_kept: int
    rows_taken: int
    broke: Mapping[str, int] = field(default_factory=dict)
    kept: Artifact | None = None
    taken: Artifact | None = None


class Verdict(Struct, frozen=True, kw_only=True):
    """One expectation's result on one artifact.

    `rows` holds sample rows that break it (whole rows, columns by name); `broken_count` of `element_count`
    elements broke it where the expectation is about elements. `error` says why it could not be judged.
    `measured_by` is `ibis`, or `pandas` where GX's own engine had to measure. `quarantine` says what was set aside
    of the value where this expectation's rows were.
    """

    expectation: Expectation
    success: bool
    value: str
    stage: str | None = None
    digest: str | None = None
    observed: Json = None
    element_count: int | None = None
    broken_count: int | None = None
    samples: tuple[Json, ...] = ()
    rows: tuple[Mapping[str, Json], ...] = ()
    error: str = ""
    measured_by: str = ""
    quarantine: Quarantine | None = None

    @property
    def fails(self) -> bool:
        """Whether a critical expectation broke."""
        return not self.success and self.expectation.importance is Importance.CRITICAL


# What is known, and what will run


class Study(Struct, frozen=True, kw_only=True):
    """Everything known about a notebook without running it."""

    notebook: str
    flow: Flow = Flow()
    suites: tuple[Suite, ...] = ()
    findings: tuple[Finding, ...] = ()


class PlannedStage(Struct, frozen=True, kw_only=True):
    """One stage of a plan: its notebook's file name and what it takes and gives."""

    name: str
    kind: Kind
    notebook: str
    needs: tuple[Need, ...] = ()
    gives: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    cells: tuple[int, ...] = ()
    options: StageOptions = StageOptions()
    digest: str = ""


class Plan(Struct, frozen=True, kw_only=True):
    """What will run, as a plain folder: `files` maps each relative file name to its text.

    `pipeline.yaml` among them repeats the fields here, so that a folder can be read back into a plan.
    """

    name: str
    source: str
    stages: tuple[PlannedStage, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    links: tuple[Link, ...] = ()
    suites: tuple[Suite, ...] = ()
    allowed: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def stage(self, name: str) -> PlannedStage:
        """The planned stage of that name; raises KeyError if there is none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    def before(self, name: str) -> tuple[str, ...]:
        """The stages that must come before it, directly, in the plan's order."""
        stage = self.stage(name)
        givers = {*(need.giver for need in stage.needs), *stage.after}
        givers |= {link.giver for link in self.links if link.taker == name}
        return tuple(one.name for one in self.stages if one.name in givers and one.name != name)


# What ran


class Artifact(Struct, frozen=True, kw_only=True):
    """One value at a stage boundary, stored by content. `digest` is sha256 of the stored bytes in hex.

    `bundle` lists the names that share objects with this one and are stored with it.
    """

    name: str
    digest: str
    format: str
    type: str
    bytes: int
    rows: int | None = None
    columns: tuple[str, ...] = ()
    bundle: tuple[str, ...] = ()


class State(StrEnum):
    """Where a stage, or a run, stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CACHED = "cached"
    FAILED = "failed"
    BROKEN = "broken"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def is_good(self) -> bool:
        """Whether what the stage gives can be used."""
        return self in (State.DONE, State.CACHED)


class CellFailure(Struct, frozen=True, kw_only=True):
    """The cell of a stage notebook that raised. `cell` is its position in the source notebook, if it has one."""

    cell: int | None
    source: str
    error: str
    message: str
    traceback: str = ""


class StageRun(Struct, frozen=True, kw_only=True):
    """What became of one stage in one run. `notebook` is the executed notebook's path within the run's folder.

    `reason` says in one sentence why a stage failed, broke, was skipped or was taken from the cache. `peak_bytes`
    is the most memory that its kernel had at once.
    """

    stage: str
    state: State = State.WAITING
    started: str | None = None
    seconds: float | None = None
    notebook: str | None = None
    attempt: int = 1
    key: str = ""
    artifacts: tuple[Artifact, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    failure: CellFailure | None = None
    reason: str = ""
    peak_bytes: int | None = None


class Record(Struct, frozen=True, kw_only=True):
    """What is kept about a run for ever; `folder` is where it stands, `started` in UTC as ISO 8601."""

    id: str
    pipeline: str
    source: str
    folder: str
    state: State
    started: str
    seconds: float | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    stages: tuple[StageRun, ...] = ()
    findings: tuple[Finding, ...] = ()


# What happens while it runs


class RunStarted(Struct, frozen=True, kw_only=True):
    """A run has begun; `stages` names those that it may run, in the plan's order."""

    run: str
    folder: str
    stages: tuple[str, ...]
    kind: str = "run started"


class StageStarted(Struct, frozen=True, kw_only=True):
    """A stage's kernel is being started; `attempt` counts from 1."""

    stage: str
    cells: int
    attempt: int = 1
    kind: str = "stage started"


class CellDone(Struct, frozen=True, kw_only=True):
    """`done` of a stage's `cells` code cells have run."""

    stage: str
    done: int
    cells: int
    kind: str = "cell done"


class StageEnded(Struct, frozen=True, kw_only=True):
    """A stage has come to its end, whatever it was."""

    run: StageRun
    kind: str = "stage ended"


class RunEnded(Struct, frozen=True, kw_only=True):
    """The run is over and its record is written."""

    record: Record
    kind: str = "run ended"


Event: TypeAlias = RunStarted | StageStarted | CellDone | StageEnded | RunEnded
