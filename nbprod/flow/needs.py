"""Who gives what to whom: the demands of the stages followed back to the stages that meet them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec import Struct, field

from nbprod.errors import did_you_mean
from nbprod.flow.versions import STAR, Copy, Demand, History, Marks, Version, flattened
from nbprod.libraries.calls import CARRIED_STATES
from nbprod.model import Finding, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nbprod.flow.effects import Step


class Taken(Struct):
    """What one stage takes: values by name from their givers, and copies of definitions."""

    values: dict[str, Version] = field(default_factory=dict)
    copies: dict[int, Copy] = field(default_factory=dict)
    copied: dict[str, Version] = field(default_factory=dict)
    gives: dict[str, None] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)
    definitions: set[int] = field(default_factory=set)
    snippets: tuple[int, ...] = ()


class Needs:
    """Follows demands until every value has a giver. Findings say which have none, and why."""

    def __init__(
        self,
        history: History,
        marks: Marks,
        *,
        stages: Iterable[str],
        steps: tuple[Step, ...],
        stage_of: Mapping[int, str],
    ) -> None:
        self.taken: dict[str, Taken] = {name: Taken() for name in stages}
        self.findings: list[Finding] = []
        self._history = history
        self._marks = marks
        self._steps = steps
        self._met: set[tuple[str, int]] = set()
        self._said: set[tuple[str, str, str]] = set()
        self._steps_of: dict[str, list[Step]] = {}
        for step in steps:
            if (stage := stage_of.get(step.cell)) is not None:
                self._steps_of.setdefault(stage, []).append(step)

    def meet(self, demand: Demand) -> None:
        if demand.version is None:
            self._meet_unbound(demand)
        else:
            self.take(demand.stage, demand.version, demand.step)

    def take(self, stage: str, version: Version, step: Step) -> None:
        """The stage has this version of the name when it reaches the step."""
        pending = [(stage, version)]
        while pending:
            taker, wanted = pending.pop()
            if (taker, id(wanted)) in self._met:
                continue
            self._met.add((taker, id(wanted)))
            if wanted.stage == taker:
                if wanted.prior is not None:
                    pending.append((taker, wanted.prior))
                continue
            if wanted.copy is not None and wanted.is_copied:
                self._copy(taker, wanted, wanted.copy, step)
            elif self._can_be_given(taker, wanted, step) and wanted.stage is not None:
                self._give(taker, wanted, wanted.stage, step)
                pending.append((wanted.stage, wanted))

    def give_at_end(self, stage: str, name: str) -> None:
        """The stage gives the name as it stands at its end."""
        version = self._history.last_in[stage, name]
        self.taken[stage].gives[name] = None
        self.take(stage, version, self._steps[version.step])

    def settle(self) -> None:
        """The copies of each stage as the steps to copy, and the parameters that they read."""
        for stage, taken in self.taken.items():
            steps, parameters = flattened(taken.copies.values())
            taken.snippets = tuple(sorted(steps))
            taken.parameters |= parameters
            self._refuse_stale_copies(stage, taken)
            self._refuse_out_of_place(stage, taken)

    # Meeting a demand

    def _copy(self, taker: str, wanted: Version, copy: Copy, step: Step) -> None:
        taken = self.taken[taker]
        self._refuse_overwritten(taker, wanted, step)
        taken.copies[id(copy)] = copy
        earlier = taken.copied.get(wanted.name)
        if earlier is None or earlier.step < wanted.step:
            taken.copied[wanted.name] = wanted
        self._copy_definitions_of(taker, wanted)

    def _give(self, taker: str, wanted: Version, giver: str, step: Step) -> None:
        taken = self.taken[taker]
        self._refuse_overwritten(taker, wanted, step)
        known = taken.values.get(wanted.name)
        if known is not None and known is not wanted:
            self._say(
                "two-values-of-a-name",
                step,
                taker,
                message=f"Stage '{taker}' reads '{wanted.name}' as stage '{known.stage}' leaves it"
                f" and as stage '{wanted.stage}' does.",
                remedy="Split the stage in two, or give the two values names of their own.",
                about=wanted.name,
            )
        taken.values[wanted.name] = wanted
        self.taken[giver].gives[wanted.name] = None
        self._copy_definitions_of(taker, wanted)
        last = self._history.last_in[giver, wanted.name]
        if last is not wanted:
            self._say(
                "changed-after-reading",
                self._steps[last.step],
                giver,
                message=f"Stage '{giver}' changes '{wanted.name}' here after stage '{taker}' has read it ({step.span}).",
                remedy=f"Move this cell to a stage of its own, or before {step.span}.",
                about=wanted.name,
            )

    def _copy_definitions_of(self, taker: str, wanted: Version) -> None:
        """Classes and functions that a value leads to must be there before the value comes."""
        for index in self._marks.definitions(wanted.value.own):
            copy = self._history.definition_copies.get(index)
            if copy is not None and index <= wanted.step:
                self.taken[taker].copies[id(copy)] = copy
                self.taken[taker].definitions.add(index)

    def _can_be_given(self, taker: str, wanted: Version, step: Step) -> bool:
        name = wanted.name
        if "." in name and name not in CARRIED_STATES:
            self._say(
                "state-cannot-cross",
                self._steps[wanted.step],
                taker,
                message=f"This sets {name} in a way that stage '{taker}' can't repeat.",
                remedy="Set it in a statement of its own with constant arguments; then each later stage repeats it.",
                about=name,
            )
            return False
        if wanted.stage is None:
            self._say_orphaned(taker, wanted, step)
            return False
        reason = wanted.value.stays
        if self._marks.can_go_along(wanted.value.own):
            return True
        if not reason and wanted.value.type in ("function", "class"):
            reason = f"a {wanted.value.type} that statements change or make anew"
        if not reason and (held := self._marks.attribute_that_stays(wanted)) is not None:
            reason = f"an object that holds {held[1]} (.{held[0]})"
        if reason:
            self._say(
                "cannot-cross",
                step,
                taker,
                message=f"Stage '{taker}' reads '{name}' of stage '{wanted.stage}', which is {reason}"
                " and cannot leave the process that made it.",
                remedy=f"Join '{wanted.stage}' and '{taker}' into one stage, or make '{name}' anew in '{taker}'.",
                about=name,
            )
            return False
        return True

    def _say_orphaned(self, taker: str, wanted: Version, step: Step) -> None:
        cell = wanted.cell + 1
        verb = "changes" if wanted.is_change else "makes"
        self._say(
            "no-giver",
            step,
            taker,
            message=f"Stage '{taker}' reads '{wanted.name}', which cell {cell} {verb}, and that cell belongs to no stage.",
            remedy=f"Tag cell {cell} as a stage, or add it to '{taker}'.",
            about=wanted.name,
        )

    def _meet_unbound(self, demand: Demand) -> None:
        history = self._history
        if history.stars:
            for star in history.stars:
                if star.copy is not None:
                    self.taken[demand.stage].copies[id(star.copy)] = star.copy
            return
        name = demand.name
        if name in history.deleted:
            where = self._steps[history.deleted[name]].span
            reason = f"which {where} deletes"
        elif name in history.current:
            reason = f"which is bound only later ({self._steps[history.current[name].step].span})"
        else:
            reason = "which no stage gives"
        near = did_you_mean(name, [known for known in history.current if "." not in known])
        near = near if near.startswith("Did") else ""
        self._say(
            "no-giver",
            demand.step,
            demand.stage,
            message=f"Stage '{demand.stage}' reads '{name}', {reason}.",
            remedy=f"{near} Give it in an earlier stage or make it a parameter.".strip(),
            about=name,
            severity=Severity.WARNING if name in history.current else Severity.ERROR,
        )

    # Cells of one stage that lie apart

    def _refuse_overwritten(self, taker: str, wanted: Version, step: Step) -> None:
        made = self._history.made_in.get((taker, wanted.name), ())
        own = [index for index in made if index < wanted.step]
        if own:
            self._say(
                "two-values-of-a-name",
                step,
                taker,
                message=f"Stage '{taker}' makes '{wanted.name}' itself ({self._steps[own[0]].span}) and reads it here"
                f" as cell {wanted.cell + 1} leaves it.",
                remedy="Split the stage in two, or give the two values names of their own.",
                about=wanted.name,
            )

    def _refuse_stale_copies(self, stage: str, taken: Taken) -> None:
        bound: dict[str, int] = {}
        for index in taken.snippets:
            for name in self._steps[index].effects.may:
                bound[name] = index
        needed = [(name, version.step) for name, version in taken.copied.items() if name not in taken.values]
        needed += [(name, index) for index in taken.definitions for name in self._steps[index].effects.must]
        for name, index in sorted(needed, key=lambda one: one[1]):
            if bound.get(name, -1) > index and "." not in name:
                self._say(
                    "two-values-of-a-name",
                    self._steps[index],
                    stage,
                    message=f"Stage '{stage}' needs '{name}' both as it is here and as {self._steps[bound[name]].span} leaves it.",
                    remedy="Give the two values names of their own.",
                    about=name,
                )

    def _refuse_out_of_place(self, stage: str, taken: Taken) -> None:
        """What is copied runs before the stage's own cells, so it must not hang together with earlier ones of them."""
        own = self._steps_of.get(stage, ())
        for index in taken.snippets:
            step = self._steps[index]
            if index in self._own_indexes(stage) or not own or index < own[0].index:
                continue
            shared = self._in_the_way(step, [one for one in own if one.index < index])
            if shared is not None:
                self._say(
                    "out-of-place",
                    step,
                    stage,
                    message=f"Stage '{stage}' needs this statement between its own cells: copied to its start,"
                    f" it would run before {shared.span}, with which it hangs together.",
                    remedy=f"Add cell {step.cell + 1} to '{stage}', or split '{stage}' there.",
                    about=str(index),
                )

    def _in_the_way(self, step: Step, earlier: Sequence[Step]) -> Step | None:
        """An earlier step whose names or state the copied one takes, replaces or must not come before."""
        binds, reads = step.effects.may, step.effects.uses.keys()
        for one in earlier:
            made = {name for name in one.effects.may if not _is_made_anew(one, name)}
            touched = binds & (one.effects.may | one.effects.uses.keys())
            again = one.code == step.code or all(_is_made_anew(one, name) for name in touched)
            if (made & reads) or (touched and not again) or (step.effects.sets and not one.is_definition):
                return one
        return None

    def _own_indexes(self, stage: str) -> set[int]:
        return {step.index for step in self._steps_of.get(stage, ())}

    def _say(
        self,
        rule: str,
        step: Step,
        stage: str,
        *,
        message: str,
        remedy: str,
        about: str,
        severity: Severity = Severity.ERROR,
    ) -> None:
        if (rule, stage, about) in self._said or about.startswith("import "):
            return  # a module that is loaded twice is the same module
        self._said.add((rule, stage, about))
        line = step.effects.uses.get(about, step.span.line)
        span = Span(cell=step.cell, line=line, end_line=line) if line != step.span.line else step.span
        self.findings.append(
            Finding(rule=rule, severity=severity, message=message, span=span, remedy=remedy, stage=stage)
        )


def _is_made_anew(step: Step, name: str) -> bool:
    """Whether the step may run twice without anyone seeing a difference in the name: an import, a plain function."""
    value = step.values.get(name)
    if name.startswith("import ") or (value is not None and value.library):
        return True
    return step.is_definition and isinstance(step.node, ast.FunctionDef) and not step.node.decorator_list


__all__ = ["STAR", "Needs", "Taken"]
