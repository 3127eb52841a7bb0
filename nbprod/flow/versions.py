"""The values that a name has one after the other: which stage makes each, from what, and whether it can be copied."""

from __future__ import annotations

import ast
from itertools import chain
from typing import TYPE_CHECKING

from msgspec import Struct, field

from nbprod.flow.aliases import PLAIN, Value
from nbprod.flow.below import Below
from nbprod.flow.scoping import BUILTIN_NAMES, HISTORY_NAME
from nbprod.libraries.calls import GENERATORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nbprod.flow.aliases import Code, Heap, Regions
    from nbprod.flow.effects import Step
    from nbprod.flow.steps import Reading

STAR = "*"


class Copy(Struct, frozen=True, eq=False):
    """Statements that make a value again wherever they are run: `step` after those of `before`."""

    step: int
    before: tuple[Copy, ...] = ()
    parameter: str = ""


def flattened(copies: Iterable[Copy]) -> tuple[set[int], set[str]]:
    """The steps and the parameters that these copies need, each once."""
    steps: set[int] = set()
    parameters: set[str] = set()
    seen: set[int] = set()
    pending = list(copies)
    while pending:
        copy = pending.pop()
        if id(copy) in seen:
            continue
        seen.add(id(copy))
        if copy.parameter:
            parameters.add(copy.parameter)
        else:
            steps.add(copy.step)
        pending.extend(copy.before)
    return steps, parameters


class Version(Struct, eq=False, kw_only=True):
    """One value of a name. `prior` is the value that it was made from by changing it, or that it may still be.

    `stage` is None where an untagged cell makes it. `copy` says how to make it again, None where that can't be.
    """

    name: str
    stage: str | None
    step: int
    cell: int
    value: Value = PLAIN
    prior: Version | None = None
    copy: Copy | None = None
    is_definition: bool = False
    is_change: bool = False
    is_shared: bool = False

    @property
    def is_copied(self) -> bool:
        """Whether stages make it again for themselves rather than take it."""
        if self.copy is None:
            return False
        return self.is_definition or self.stage is None or bool(self.value.stays)


# Not frozen, as what is frozen takes three times as long to make, and there are thousands.
class Demand(Struct, eq=False, kw_only=True):
    """A stage reads a version of a name in a step; or a name that has none, when `version` is None."""

    stage: str
    name: str
    version: Version | None
    step: Step


class History(Struct):
    """Every version of every name of a notebook, and who demands which."""

    demands: list[Demand] = field(default_factory=list)
    current: dict[str, Version] = field(default_factory=dict)
    last_in: dict[tuple[str, str], Version] = field(default_factory=dict)
    made_in: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    definition_copies: dict[int, Copy] = field(default_factory=dict)
    stars: list[Version] = field(default_factory=list)
    past: list[Step] = field(default_factory=list)
    deleted: dict[str, int] = field(default_factory=dict)

    def versions(self) -> Iterator[Version]:
        """Every version that is demanded, current or made from, each once."""
        seen: set[int] = set()
        demanded = (one.version for one in self.demands)
        for latest in chain(demanded, self.current.values(), self.last_in.values(), self.stars):
            version = latest
            while version is not None and id(version) not in seen:
                seen.add(id(version))
                yield version
                version = version.prior


def history_of(
    reading: Reading,
    *,
    stage_of: Mapping[int, str],
    parameters: Mapping[int, frozenset[str]],
    watched: frozenset[str] = frozenset(),
) -> tuple[History, Marks]:
    """Go through all steps once. `parameters` maps the cells of parameters to the names that are parameters there.

    `watched` names matter to the end though no step may read them.
    """
    marks = Marks(reading)
    recorder = _Recorder(marks, stage_of, parameters, read_until=_read_until(reading, watched))
    for step in reading.steps:
        recorder.record(step)
    return recorder.history, marks


class Marks:
    """For each region what matters about what it leads to: regions that change one day, definitions it needs."""

    def __init__(self, reading: Reading) -> None:
        self._heap: Heap = reading.heap
        above = reading.heap.holders()
        self.last_change: dict[int, int] = {}
        for step in reading.steps:
            for region in step.effects.changed:
                self.last_change[region] = step.index
        self._hot = Below(above, self.last_change)
        self._defined = Below(above, reading.heap.defined_at)
        self._changing = {region for region in reading.heap.defined_at if self._hot.is_marked(region)}

    @property
    def has_changing_definitions(self) -> bool:
        return bool(self._changing)

    def hot(self, own: Regions) -> frozenset[int]:
        """The regions that some step changes, among all that can be got at from these."""
        return self._hot.of(own)

    def definitions(self, own: Regions) -> set[int]:
        """The steps that define the functions and classes that can be got at from these regions."""
        return {self._heap.defined_at[one] for one in self._defined.of(own)}

    def changing_definitions(self, own: Regions) -> frozenset[int]:
        """The functions and classes that can be got at from these regions and that change one day."""
        return self._defined.of(own) & self._changing if self._changing else frozenset()

    def attribute_that_stays(self, version: Version) -> tuple[str, str] | None:
        """An attribute, of what this version leads to, that can't leave its process, and why."""
        return self._heap.attribute_that_stays(version.value.own, step=version.step)

    def can_go_along(self, own: Regions) -> bool:
        """Whether these are functions that take along what they hold, or methods that go where their object goes."""
        codes = [self._heap.code.get(region) for region in own]
        return bool(codes) and all(code is not None and _is_plain(code) for code in codes)


def _read_until(reading: Reading, watched: frozenset[str]) -> dict[str, int]:
    """For each name the last step that reads it."""
    until = {name: step.index for step in reading.steps for name in step.effects.uses}
    return until | dict.fromkeys(watched, len(reading.steps))


class _Recorder:
    """Keeps the current version of each name while the steps go by."""

    def __init__(
        self,
        marks: Marks,
        stage_of: Mapping[int, str],
        parameters: Mapping[int, frozenset[str]],
        *,
        read_until: Mapping[str, int],
    ) -> None:
        self._read_until = read_until
        self.history = History()
        self._marks = marks
        self._stage_of = stage_of
        self._parameters = parameters
        self._names_with: dict[int, set[str]] = {}
        self._stage_before: str | None = None

    def record(self, step: Step) -> None:
        stage = self._stage_of.get(step.cell)
        used = self._demand_used(step, stage)
        copy = self._copy_of(step, used)
        if copy is not None and (step.is_definition or step.effects.sets):
            self.history.definition_copies[step.index] = copy
        self._record_changes(step, stage, copy)
        self._record_bindings(step, stage, copy)
        for name in step.effects.deleted - step.effects.must:
            self._forget(name)
            self.history.deleted[name] = step.index
        if step.effects.stars:
            self.history.stars.append(
                Version(
                    name=STAR, stage=stage, step=step.index, cell=step.cell, copy=copy, is_definition=True
                )
            )
        self._record_sharing(step, stage)

    def _demand_used(self, step: Step, stage: str | None) -> dict[str, Version]:
        history = self.history
        if stage is not None and stage != self._stage_before:
            self._demand_states(step, stage)
        self._stage_before = stage
        used: dict[str, Version] = {}
        for name in step.effects.uses:
            version = history.current.get(name)
            if version is not None:
                used[name] = version
            elif "." in name or name in BUILTIN_NAMES or HISTORY_NAME.match(name):
                continue
            if stage is not None:
                history.demands.append(Demand(stage=stage, name=name, version=version, step=step))
        if stage is not None and self._marks.has_changing_definitions:
            self._demand_changed_classes(step, stage, used)
        return used

    def _demand_changed_classes(self, step: Step, stage: str, used: Mapping[str, Version]) -> None:
        """An instance brings along what statements have made of its class."""
        for version in used.values():
            for region in self._marks.changing_definitions(version.value.own):
                hot = self._marks.hot(frozenset([region]))
                names = {name for one in hot for name in self._names_with.get(one, ())}
                for name in sorted(names - used.keys()):
                    known = self.history.current[name]
                    if region in known.value.own:
                        self.history.demands.append(Demand(stage=stage, name=name, version=known, step=step))

    def _demand_states(self, step: Step, stage: str) -> None:
        """State of modules and of the process holds for whatever follows, read or not."""
        for name, version in self.history.current.items():
            if "." in name and name not in GENERATORS:
                self.history.demands.append(Demand(stage=stage, name=name, version=version, step=step))

    def _copy_of(self, step: Step, used: Mapping[str, Version]) -> Copy | None:
        if not step.effects.is_copyable or step.effects.history:
            return None
        if isinstance(step.node, ast.For | ast.While) and not step.effects.sets:
            return None
        copies = [version.copy for version in used.values()]
        before = tuple(copy for copy in copies if copy is not None)
        stars = tuple(star.copy for star in self.history.stars if star.copy is not None)
        return Copy(step.index, (*before, *stars)) if len(before) == len(copies) else None

    def _record_changes(self, step: Step, stage: str | None, copy: Copy | None) -> None:
        effects = step.effects
        is_harmless = stage is None and not effects.opaque
        seen: set[str] = set()
        for region, surely in effects.changed.items():
            if is_harmless and not surely:
                continue
            for name in sorted(self._names_with.get(region, seen) - seen):
                seen.add(name)
                before = self.history.current[name]
                if (before.step == step.index and before.is_change) or self._is_done_with(name, step, stage):
                    continue
                can_copy = copy is not None and before.copy is not None
                is_replayed = stage is None or step.is_definition
                version = Version(
                    name=name,
                    stage=stage,
                    step=step.index,
                    cell=step.cell,
                    value=before.value,
                    prior=before,
                    copy=Copy(step.index, (copy, before.copy)) if can_copy else None,  # type: ignore[arg-type]
                    is_definition=is_replayed and can_copy,
                    is_change=True,
                )
                self._keep(version)

    def _record_bindings(self, step: Step, stage: str | None, copy: Copy | None) -> None:
        effects, history = step.effects, self.history
        if not effects.may:
            return
        parameters = self._parameters.get(step.cell, frozenset())
        for name in sorted(effects.may - (effects.deleted - effects.must)):
            before = history.current.get(name)
            is_state = "." in name
            if is_state and before is None and name not in effects.sets:
                continue  # a generator that nothing has seeded: its draws are new in each run
            prior = None if name in effects.must else before
            value = step.values.get(name, PLAIN)
            made = copy
            if prior is not None:
                made = (
                    Copy(step.index, (copy, prior.copy))
                    if copy is not None and prior.copy is not None
                    else None
                )
            if name in parameters:
                made = Copy(step.index, (), name)
            is_definition = step.is_definition or name in parameters or (is_state and name in effects.sets)
            self._keep(
                Version(
                    name=name,
                    stage=stage,
                    step=step.index,
                    cell=step.cell,
                    value=value,
                    prior=prior,
                    copy=made,
                    is_definition=is_definition and made is not None and (is_state or not _augments(step)),
                )
            )

    def _record_sharing(self, step: Step, stage: str | None) -> None:
        """Names that share an object which changes one day must have one giver: the stage that made them share."""
        if stage is None or not (step.values or step.effects.changed):
            return
        touched = [name for name in step.values if name in self.history.current]
        touched += [name for region in step.effects.changed for name in self._names_with.get(region, ())]
        pending = list(dict.fromkeys(touched))
        seen: set[int] = set()
        while pending:
            mine = self.history.current[pending.pop()]
            if mine.stage == stage and mine.is_copied and self._shares_with_values(mine, step):
                mine.copy, mine.is_definition = None, False
            if mine.stage != stage or mine.is_copied:
                continue
            hot = self._marks.hot(mine.value.own)
            for region in sorted(hot - seen) if hot else ():
                if self._marks.last_change[region] > step.index:
                    seen.add(region)
                    # What moves takes along what it shares other objects with.
                    pending.extend(self._share(region, mine.name, step, stage))

    def _shares_with_values(self, mine: Version, step: Step) -> bool:
        """Whether a copy would lose an object that changes one day and that a stored value holds too."""
        return any(
            not self.history.current[other].is_copied
            for region in self._marks.hot(mine.value.own)
            if self._marks.last_change[region] > step.index
            for other in self._names_with.get(region, ())
            if other != mine.name
        )

    def _share(self, region: int, name: str, step: Step, stage: str) -> list[str]:
        moved: list[str] = []
        for other in sorted(self._names_with.get(region, ())):
            before = self.history.current[other]
            if other == name or (before.stage == stage and not before.is_copied):
                continue
            if self._is_done_with(other, step, stage):
                continue
            version = Version(
                name=other,
                stage=stage,
                step=step.index,
                cell=step.cell,
                value=before.value,
                prior=before,
                is_change=True,
                is_shared=True,
            )
            self._keep(version)
            moved.append(other)
        return moved

    def _is_done_with(self, name: str, step: Step, stage: str | None) -> bool:
        """Whether what becomes of the name is seen by no one: nothing reads it from here on."""
        return self._read_until.get(name, -1) < step.index and (stage, name) not in self.history.made_in

    def _keep(self, version: Version) -> None:
        name = version.name
        self._forget(name)
        self.history.current[name] = version
        if version.stage is not None:
            self.history.last_in[version.stage, name] = version
            self.history.made_in.setdefault((version.stage, name), []).append(version.step)
        for region in self._marks.hot(version.value.own):
            self._names_with.setdefault(region, set()).add(name)

    def _forget(self, name: str) -> None:
        before = self.history.current.pop(name, None)
        if before is not None:
            for region in self._marks.hot(before.value.own):
                self._names_with[region].discard(name)


def _augments(step: Step) -> bool:
    return isinstance(step.node, ast.AugAssign)


def _is_plain(code: Code) -> bool:
    if code.receiver is not None or isinstance(code.node, ast.Lambda):
        return True
    # What other decorators make of a function is no function.
    return isinstance(code.node, ast.FunctionDef) and all(
        "wraps" in ast.unparse(one) for one in code.node.decorator_list
    )
