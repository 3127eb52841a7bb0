"""The history of a notebook's names as it was at the study before: half a word changes nothing of it, nor a stage's name.

Whoever types the next name reads names that nothing binds, one after the other. Each is another demand that nobody can
meet, and otherwise all is as it was. A stage that is renamed makes and reads what it made and read before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from nbprod.flow.scoping import BUILTIN_NAMES, HISTORY_NAME
from nbprod.flow.states import Shift, is_state
from nbprod.flow.versions import Demand, History, Marks, history_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from nbprod.flow.effects import Step
    from nbprod.flow.states import State
    from nbprod.flow.steps import Reading

_NO_SHIFT = Shift(since=0, by=0)


class _Told(Struct, frozen=True, kw_only=True):
    """A history, and all that it was made of."""

    about: object
    stage_of: Mapping[int, str]
    steps: tuple[Step, ...]
    end: State
    bound: AbstractSet[str]
    history: History
    marks: Marks


class KnownHistory:
    """The last history of one notebook."""

    def __init__(self) -> None:
        self._told: _Told | None = None

    def of(
        self,
        reading: Reading,
        *,
        stage_of: Mapping[int, str],
        parameters: Mapping[int, frozenset[str]],
        watched: frozenset[str],
    ) -> tuple[History, Marks]:
        """As `history_of`."""
        steps = reading.steps
        about = (dict(parameters), watched)
        known, self._told = self._told, None
        names = _renamed(known.stage_of, stage_of) if known is not None and known.about == about else None
        if known is not None and names is not None and _is_known(reading, known):
            _rename(known.history, names)
            history, marks = _retold(known, steps), known.marks
        else:
            history, marks = history_of(reading, stage_of=stage_of, parameters=parameters, watched=watched)
        if reading.end is not None:
            bound = _bound(steps)
            self._told = _Told(
                about=about,
                stage_of=dict(stage_of),
                steps=steps,
                end=reading.end,
                bound=bound,
                history=history,
                marks=marks,
            )
        return history, marks


def _renamed(before: Mapping[int, str], now: Mapping[int, str]) -> dict[str, str] | None:
    """Each stage's name as it is now; None where the cells are divided otherwise."""
    if before.keys() != now.keys():
        return None
    names: dict[str, str] = {}
    for cell, name in before.items():
        if names.setdefault(name, now[cell]) != now[cell]:
            return None
    return names if len(set(names.values())) == len(names) else None


def _rename(history: History, names: Mapping[str, str]) -> None:
    """Put other names of stages into a history that nobody else holds."""
    if all(name == other for name, other in names.items()):
        return
    for version in history.versions():
        version.stage = names[version.stage] if version.stage is not None else None
    for demand in history.demands:
        demand.stage = names[demand.stage]
    history.last_in = {(names[stage], name): one for (stage, name), one in history.last_in.items()}
    history.made_in = {(names[stage], name): one for (stage, name), one in history.made_in.items()}


def _bound(steps: Iterable[Step]) -> set[str]:
    """The names that some step binds; all others have no versions."""
    return set().union(*(step.effects.may for step in steps))


def _is_known(reading: Reading, known: _Told) -> bool:
    """Whether the steps do what the known ones did, but for names that nothing binds."""
    if reading.end is None or len(reading.steps) != len(known.steps):
        return False
    pairs = zip(reading.steps, known.steps, strict=True)
    return all(one is other or _is_alike(one, other, known.bound) for one, other in pairs) and is_state(
        reading.end, known.end, _NO_SHIFT
    )


def _is_alike(one: Step, other: Step, bound: AbstractSet[str]) -> bool:
    now, then = one.effects, other.effects
    return (
        (one.index, one.cell, one.is_definition, type(one.node))
        == (other.index, other.cell, other.is_definition, type(other.node))
        and list(_asked(one, bound)) == list(_asked(other, bound))
        and list(now.changed.items()) == list(then.changed.items())
        and (now.must, now.may, now.deleted, now.sets, now.stars, now.history, now.is_copyable)
        == (then.must, then.may, then.deleted, then.sets, then.stars, then.history, then.is_copyable)
        and list(one.values.items()) == list(other.values.items())
    )


def _asked(step: Step, bound: AbstractSet[str]) -> Iterator[str | None]:
    """The names that a step reads; None for each that nothing binds."""
    for name in step.effects.uses:
        if name in bound:
            yield name
        elif _is_demanded(name):
            yield None


def _is_demanded(name: str) -> bool:
    return not ("." in name or name in BUILTIN_NAMES or HISTORY_NAME.match(name))


def _retold(known: _Told, steps: tuple[Step, ...]) -> History:
    """The history with the demands of the steps as they are now."""
    unbound = {
        step.index: iter(
            [name for name in step.effects.uses if name not in known.bound and _is_demanded(name)]
        )
        for step, before in zip(steps, known.steps, strict=True)
        if step is not before
    }
    demands = [
        one
        if (index := one.step.index) not in unbound
        else Demand(
            stage=one.stage,
            name=one.name if one.name in known.bound else next(unbound[index]),
            version=one.version,
            step=steps[index],
        )
        for one in known.history.demands
    ]
    return replace(known.history, demands=demands)
