"""The flow of a notebook: its stages with what they need and give, the links between them, their order."""

from __future__ import annotations

import ast
import heapq
import posixpath
from typing import TYPE_CHECKING

from msgspec import Struct, field

from nbprod.flow.effects import ANY_FILE
from nbprod.flow.known_stages import KnownStages, is_star_import
from nbprod.flow.meaning import meaning_of
from nbprod.flow.needs import Needs
from nbprod.flow.scoping import HISTORY_NAME
from nbprod.flow.stages import Tagging, kind_from_name, parameters_of, tagging_of, tags_of
from nbprod.flow.steps import Reading, read_steps
from nbprod.flow.versions import History, Marks, history_of
from nbprod.libraries.calls import Role
from nbprod.model import (
    Finding,
    Flow,
    Kind,
    LeftOut,
    Link,
    LinkReason,
    Need,
    Notebook,
    Parameter,
    Severity,
    Snippet,
    Stage,
    StageOptions,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nbprod.flow.effects import Step
    from nbprod.flow.known_history import KnownHistory
    from nbprod.flow.needs import Taken
    from nbprod.flow.remembering import StepMemory

_NO_OVERRIDES: dict[str, StageOptions] = {}
# What nothing can be said about: names and values may change in any way.
_UNREADABLE = frozenset(
    [
        "code made while running",
        "the table of all names",
        "%run",
        "%store",
        "%reset",
        "%reset_selective",
        "%load",
        "%recall",
        "%rerun",
        "%macro",
        "%xdel",
        "%pylab",
        "%loadpy",
    ]
)


def flow_of(
    notebook: Notebook,
    *,
    overrides: Mapping[str, StageOptions] = _NO_OVERRIDES,
    memory: StepMemory | None = None,
) -> tuple[Flow, tuple[Finding, ...]]:
    """The notebook's flow, and what is wrong with it: a finding of severity error means that no plan would be right.

    `overrides` are options by stage that count more than the notebook's own. A memory keeps what is known of the
    cells for the next time.
    """

    def tagging() -> Tagging:
        return tagging_of(notebook, overrides=overrides)

    if memory is None:
        return flow_with(notebook, tagging())
    options = (notebook.name, repr(notebook.stage_options), overrides)

    def work() -> tuple[Flow, tuple[Finding, ...]]:
        tagged = memory.tagging.of((options, [tags_of(cell) for cell in notebook.code]), tagging)
        reading = reading_of(notebook, tagged, memory=memory)
        return flow_with(notebook, tagged, reading=reading, known=memory.stages, history=memory.history)

    return memory.flow_about((options, [meaning_of(cell) for cell in notebook.code]), work)


def reading_of(notebook: Notebook, tagging: Tagging, *, memory: StepMemory | None = None) -> Reading:
    """The steps of the notebook's cells, those set apart left out."""
    cells = [cell for cell in notebook.code if cell.position not in tagging.apart]
    return read_steps(cells, folder=posixpath.dirname(notebook.name) or ".", memory=memory)


def flow_with(
    notebook: Notebook,
    tagging: Tagging,
    *,
    reading: Reading | None = None,
    known: KnownStages | None = None,
    history: KnownHistory | None = None,
) -> tuple[Flow, tuple[Finding, ...]]:
    """As `flow_of`, for a given division of the cells into stages; a reading that is there already is used.

    Stages that are as they are known to be are the very objects that are known.
    """
    reading = reading or reading_of(notebook, tagging)
    parameters = tuple(_parameters(notebook, tagging))
    names: dict[int, set[str]] = {}
    for one in parameters:
        names.setdefault(one.span.cell if one.span else 0, set()).add(one.name)
    told = history.of if history is not None else history_of
    versions, marks = told(
        reading,
        stage_of=tagging.stage_of,
        parameters={cell: frozenset(several) for cell, several in names.items()},
        watched=frozenset(line.value for line in tagging.expected),
    )
    assembly = _Assembly(
        notebook,
        tagging,
        reading=reading,
        history=versions,
        marks=marks,
        parameters=_last_of_each(parameters),
        known=known or KnownStages(),
    )
    return assembly.flow()


def every_cell(notebook: Notebook) -> Tagging:
    """One stage for each code cell that is no parameters cell: the hardest cut, for proofs."""
    tagging = Tagging()
    told = tagging_of(notebook, overrides={})
    tagging.parameters, tagging.apart, tagging.skipped = told.parameters, told.apart, told.skipped
    for cell in notebook.code:
        position = cell.position or 0
        if position in told.parameters | told.apart | told.skipped or not cell.source.strip():
            continue
        name = f"cell-{position + 1}"
        tagging.cells[name] = [position]
        tagging.stage_of[position] = name
    return tagging


def _parameters(notebook: Notebook, tagging: Tagging) -> Iterator[Parameter]:
    for position in sorted(tagging.parameters):
        yield from parameters_of(notebook.code[position])


def _last_of_each(parameters: Iterable[Parameter]) -> tuple[Parameter, ...]:
    return tuple({parameter.name: parameter for parameter in parameters}.values())


class _Links(Struct):
    """Links by giver, taker and reason, with what they carry."""

    carries: dict[tuple[str, str, LinkReason], dict[str, None]] = field(default_factory=dict)

    def add(self, giver: str, taker: str, reason: LinkReason, what: str) -> None:
        if giver != taker:
            self.carries.setdefault((giver, taker, reason), {})[what] = None


class _Assembly:
    """Puts a flow together from what was found."""

    def __init__(
        self,
        notebook: Notebook,
        tagging: Tagging,
        *,
        reading: Reading,
        history: History,
        marks: Marks,
        parameters: tuple[Parameter, ...],
        known: KnownStages,
    ) -> None:
        self._known = known
        self._notebook, self._tagging, self._reading = notebook, tagging, reading
        self._history, self._parameters = history, parameters
        self._needs = Needs(
            history, marks, stages=tagging.cells, steps=reading.steps, stage_of=tagging.stage_of
        )
        self._links = _Links()
        self._findings: list[Finding] = [*tagging.findings, *reading.findings]
        self._steps_of: dict[str, list[Step]] = {name: [] for name in tagging.cells}
        for step in reading.steps:
            if (stage := tagging.stage_of.get(step.cell)) is not None:
                self._steps_of[stage].append(step)

    def flow(self) -> tuple[Flow, tuple[Finding, ...]]:
        needs = self._needs
        for demand in self._history.demands:
            needs.meet(demand)
        self._give_expected()
        self._give_outcomes()
        needs.settle()
        self._link_values()
        self._link_files()
        order = self._order()
        self._find_unreadable()
        stages = self._known.same([self._stage(name) for name in order])
        position = {name: at for at, name in enumerate(order)}
        links = tuple(
            Link(giver=giver, taker=taker, reason=reason, carries=tuple(sorted(carries)))
            for (giver, taker, reason), carries in sorted(
                self._links.carries.items(),
                key=lambda one: (position[one[0][0]], position[one[0][1]], one[0][2]),
            )
        )
        flow = Flow(stages=stages, links=links, parameters=self._parameters, left_out=tuple(self._left_out()))
        return flow, (*self._findings, *needs.findings)

    # What is given beside what is needed

    def _give_expected(self) -> None:
        makers_of: dict[str, list[tuple[int, str]]] = {}
        for (stage, name), version in self._history.last_in.items():
            makers_of.setdefault(name, []).append((version.step, stage))
        for line in self._tagging.expected:
            makers = makers_of.get(line.value, [])
            if line.stage is not None:
                makers = [one for one in makers if one[1] == line.stage]
            if makers:
                self._needs.give_at_end(max(makers)[1], line.value)

    def _give_outcomes(self) -> None:
        """What the last stages make and nobody reads on is what the notebook was written for."""
        givers = {version.stage for taken in self._needs.taken.values() for version in taken.values.values()}
        for stage, steps in self._steps_of.items():
            if stage in givers:
                continue
            for name in self._outcomes(stage, steps):
                self._needs.give_at_end(stage, name)

    def _outcomes(self, stage: str, steps: Sequence[Step]) -> list[str]:
        found: dict[str, None] = {}
        for step in steps:
            found.update(dict.fromkeys(_bound_for_good(step)))
            found.update(
                dict.fromkeys(name for name in step.effects.uses if (stage, name) in self._history.last_in)
            )
        outcomes = [name for name in found if self._is_outcome(stage, name)]
        made = [name for name in outcomes if not self._history.last_in[stage, name].is_definition]
        return made or outcomes

    def _is_outcome(self, stage: str, name: str) -> bool:
        version = self._history.last_in.get((stage, name))
        if version is None or name.startswith("_") or "." in name or version.is_shared:
            return False
        value = version.value
        is_lasting = (
            not value.stays and not value.library and value.type not in ("function", "class", "namespace")
        )
        is_there = self._history.deleted.get(name, -1) < version.step
        return is_lasting and is_there

    # Links and order

    def _link_values(self) -> None:
        for taker, taken in self._needs.taken.items():
            for name, version in taken.values.items():
                reason = LinkReason.STATE if "." in name else LinkReason.VALUES
                self._links.add(version.stage or "", taker, reason, name)

    def _link_files(self) -> None:
        """What one stage writes another may read: files are shared, so their order is kept."""
        writer: dict[str, str | None] = {}
        readers: dict[str, set[str]] = {}
        for step in self._reading.steps:
            stage = self._tagging.stage_of.get(step.cell)
            for file in sorted(step.effects.reads):
                known = writer if file == ANY_FILE else [one for one in (file, ANY_FILE) if one in writer]
                for one in known:
                    self._link_file(writer[one], stage, one if one != ANY_FILE else file, step)
                if stage is not None:
                    readers.setdefault(file, set()).add(stage)
            for file in sorted(step.effects.writes):
                touched = [*writer, *readers] if file == ANY_FILE else [file, ANY_FILE]
                for one in dict.fromkeys(touched):
                    for before in (writer.get(one), *sorted(readers.get(one, ()))):
                        if before is not None and stage is not None:
                            self._links.add(before, stage, LinkReason.FILE, one if one != ANY_FILE else file)
                if file == ANY_FILE:
                    writer, readers = {}, {}
                writer[file] = stage
                readers.pop(file, None)

    def _link_file(self, writer: str | None, reader: str | None, file: str, step: Step) -> None:
        if reader is None:
            return
        if writer is not None:
            self._links.add(writer, reader, LinkReason.FILE, file)
        elif file != ANY_FILE:
            self._findings.append(
                Finding(
                    rule="file-outside-stages",
                    severity=Severity.ERROR,
                    message=f"Stage '{reader}' reads '{file}', which a cell that belongs to no stage writes.",
                    span=step.span,
                    stage=reader,
                    remedy="Tag the cell that writes it.",
                )
            )

    def _order(self) -> list[str]:
        """Stages so that givers come first, else by their first cells; what would close a circle is reported and cut."""
        first = {name: (min(cells), name) for name, cells in self._tagging.cells.items()}
        while True:
            order, stuck = _sorted(first, [(giver, taker) for giver, taker, _ in self._links.carries])
            if not stuck:
                return order
            self._cut_circle(stuck, first)

    def _cut_circle(self, stuck: set[str], first: Mapping[str, tuple[int, str]]) -> None:
        backward = [
            key
            for key in self._links.carries
            if key[0] in stuck and key[1] in stuck and first[key[0]] > first[key[1]]
        ]
        key = min(backward, key=lambda one: (first[one[1]], first[one[0]]))
        giver, taker, _ = key
        what = ", ".join(sorted(self._links.carries.pop(key)))
        self._findings.append(
            Finding(
                rule="cycle",
                severity=Severity.ERROR,
                message=f"Stages '{taker}' and '{giver}' need each other: '{taker}' reads {what} of '{giver}', which comes after it.",
                stage=taker,
                remedy=f"Split '{taker}' where it reads {what}, or join the two stages.",
            )
        )

    # Stages

    def _stage(self, name: str) -> Stage:
        taken = self._needs.taken[name]
        options = self._tagging.options.get(name, StageOptions())
        return Stage(
            name=name,
            kind=options.kind or kind_from_name(name) or kind_from_roles(self._steps_of[name]),
            cells=tuple(self._tagging.cells[name]),
            options=options,
            needs=tuple(
                Need(name=need, giver=version.stage or "") for need, version in sorted(taken.values.items())
            ),
            gives=tuple(sorted(taken.gives)),
            reads=tuple(one.name for one in self._parameters if one.name in taken.parameters),
            preamble=tuple(self._preamble(name, taken)),
        )

    def _preamble(self, name: str, taken: Taken) -> Iterator[Snippet]:
        steps = [self._reading.steps[index] for index in taken.snippets]
        for step in sorted(steps, key=lambda one: "__future__" not in one.code):
            yield self._known.snippet(step) or self._known.keep(step, _snippet(step, taken))
        apart = {path: step for step in [*steps, *self._steps_of[name]] for path in step.effects.apart}
        for path, step in sorted(apart.items()):
            # Without a binding: its package's name may be another value's here.
            yield Snippet(code=f'__import__("{path}")', span=step.span)

    def _left_out(self) -> Iterator[LeftOut]:
        copied = {
            self._reading.steps[at].cell for taken in self._needs.taken.values() for at in taken.snippets
        }
        steps_of: dict[int, list[Step]] = {}
        for step in self._reading.steps:
            steps_of.setdefault(step.cell, []).append(step)
        tagging = self._tagging
        for cell in self._notebook.code:
            at = cell.position or 0
            if at in tagging.stage_of or at in tagging.parameters or at in tagging.apart or at in copied:
                continue
            yield LeftOut(cell=at, reason=_reason(steps_of.get(at, []), is_skipped=at in tagging.skipped))

    def _find_unreadable(self) -> None:
        is_whole = len(self._tagging.cells) < 2
        for step in self._reading.steps:
            for what in step.effects.opaque:
                if what in _UNREADABLE and not is_whole:
                    self._findings.append(_unreadable(step, what, self._tagging.stage_of.get(step.cell)))
            for module, reason in step.effects.unknown_stars.items() if not is_whole else ():
                self._findings.append(_unknown_star(step, module, reason))
            if step.effects.history and step.cell in self._tagging.stage_of:
                names = [name for name in step.effects.uses if HISTORY_NAME.match(name)]
                self._findings.append(
                    Finding(
                        rule="output-history",
                        severity=Severity.ERROR,
                        message=f"This reads {names[0]}, a result that IPython remembers by the order of running.",
                        span=step.span,
                        stage=self._tagging.stage_of[step.cell],
                        remedy="Give the result a name where it is made.",
                    )
                )


def _snippet(step: Step, taken: Taken) -> Snippet:
    """A statement to copy, with the names that it is for; of a star import's hundreds those that are used."""
    names = sorted(name for name in step.effects.may if not name.startswith("import "))
    is_star = is_star_import(step.node)
    defines = tuple(name for name in names if not is_star or name in taken.copied)
    return Snippet(code=step.code, span=step.span, defines=defines)


def _unreadable(step: Step, what: str, stage: str | None) -> Finding:
    return Finding(
        rule="unreadable-code",
        severity=Severity.ERROR if stage is not None else Severity.WARNING,
        message=f"This goes through {what}: which names it binds or changes can't be told without running it.",
        span=step.span,
        stage=stage,
        remedy="Write it as plain statements, or keep everything that depends on it in this stage.",
    )


def _unknown_star(step: Step, module: str, reason: str) -> Finding:
    return Finding(
        rule="star-import",
        severity=Severity.ERROR,
        message=f"Which names `from {module} import *` binds can't be told: {reason}.",
        span=step.span,
        remedy=f"Import what you use by name: `from {module} import one, another`.",
    )


def _sorted(
    first: Mapping[str, tuple[int, str]], edges: Iterable[tuple[str, str]]
) -> tuple[list[str], set[str]]:
    """The names in order, and those that a circle keeps from being ordered."""
    takers: dict[str, set[str]] = {name: set() for name in first}
    waiting = dict.fromkeys(first, 0)
    for giver, taker in set(edges):
        takers[giver].add(taker)
        waiting[taker] += 1
    ready = [first[name] for name, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        _, name = heapq.heappop(ready)
        order.append(name)
        for taker in takers[name]:
            waiting[taker] -= 1
            if waiting[taker] == 0:
                heapq.heappush(ready, first[taker])
    return order, set(first) - set(order)


def _bound_for_good(step: Step) -> list[str]:
    """The names that a statement binds to be kept: not loop variables, nor what `with` opens."""
    names = [name for name in sorted(step.effects.may) if name in step.values]
    match step.node:
        case ast.For(target=target) | ast.AsyncFor(target=target):
            passing = {one.id for one in ast.walk(target) if isinstance(one, ast.Name)}
        case ast.With(items=items):
            targets = [item.optional_vars for item in items if item.optional_vars is not None]
            passing = {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
        case _:
            passing = set()
    return [name for name in names if name not in passing]


def kind_from_roles(steps: Sequence[Step]) -> Kind:
    roles = [role for step in steps for role in step.effects.roles]
    for role, kind in _KIND_OF_ROLE:
        if role in roles:
            return kind
    return Kind.OTHER


_KIND_OF_ROLE = (
    (Role.FIT, Kind.TRAIN),
    (Role.EVALUATE, Kind.EVALUATE),
    (Role.SPLIT, Kind.SPLIT),
    (Role.PREDICT, Kind.SCORE),
    (Role.LOAD, Kind.LOAD),
    (Role.FEATURES, Kind.FEATURES),
    (Role.CLEAN, Kind.CLEAN),
)


def _reason(steps: Sequence[Step], *, is_skipped: bool) -> str:
    if is_skipped:
        return "It is tagged `skip`."
    if not steps:
        return "It holds no code."
    bound = sorted({name for step in steps for name in step.values})
    if bound:
        return f"No stage needs {', '.join(bound[:5])}{' ...' if len(bound) > 5 else ''}."
    return "It only shows things."
