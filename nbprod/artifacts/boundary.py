"""The two verbs of stage notebooks: take values that earlier stages gave, give values that later ones need.

Loaded in every stage's kernel, so nothing heavy is imported here: a format loads its library when a value needs it.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nbprod.artifacts import hidden_state
from nbprod.artifacts.manifest import read_manifest, store_of
from nbprod.errors import BoundaryError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbprod.artifacts.manifest import Given


def take(needs: Mapping[str, str], *, folder: str) -> dict[str, object]:
    """The values of these names, each from the stage that gave it; hidden state among them is put back in place.

    Names that were one object come back as one; a name that its stage left unbound is left out.
    Raises StoreError where something is missing or damaged.
    """
    from nbprod.artifacts.taking import Taking

    home = Path(folder)
    manifests = {stage: read_manifest(home, stage) for stage in dict.fromkeys(needs.values())}
    wanted: dict[str, Given] = {}
    for name, stage in needs.items():
        given = manifests[stage].named(name)
        if given is None and name in manifests[stage].absent:
            continue
        if given is None and name in dict(manifests[stage].left):
            raise BoundaryError(dict(manifests[stage].left)[name], where=folder)
        if given is None:
            known = [one.artifact.name for one in manifests[stage].given]
            raise BoundaryError(
                f"Stage '{stage}' gave no '{name}'. {did_you_mean(name, known)}".rstrip(),
                where=folder,
                remedy=f"Run stage '{stage}' again.",
            )
        wanted[name] = given
    taking = Taking(manifests=tuple(manifests.values()), store=store_of(home))
    values = taking.values(wanted)
    _origins.remember({name: (value, wanted[name]) for name, value in values.items()})
    for name in [name for name in values if hidden_state.is_hidden(name)]:
        hidden_state.restore(name, values.pop(name))
    return values


def give(
    values: Mapping[str, object] | Iterable[str],
    namespace: Mapping[str, object] | None = None,
    *,
    stage: str,
    folder: str,
    outcomes: Iterable[str] = (),
) -> None:
    """Store the values and bind their names to the stage, all at once or not at all.

    `values` are values by name, or names to look up in `namespace`; hidden state is captured under its reserved
    names. A name bound in one branch only may be missing: the stages that take it then find it unbound too.
    `outcomes` are those that no stage needs: one that cannot be stored is left out.
    Raises BoundaryError for another value that cannot leave the stage.
    """
    from nbprod.artifacts.giving import giving

    found: Mapping[str, object] = values if isinstance(values, Mapping) else (namespace or {})
    hidden = {name: hidden_state.captured(name) for name in values if hidden_state.is_hidden(name)}
    giving(
        {
            name: hidden[name] if name in hidden else found[name]
            for name in values
            if name in hidden or name in found
        },
        absent=tuple(name for name in values if name not in hidden and name not in found),
        outcomes=frozenset(outcomes),
        stage=stage,
        folder=Path(folder),
        origin_of=_origins.of,
    )


class _Origins:
    """Where the objects that this process took came from: the one thing that a stage's two ends share."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Callable[[], object], Given]] = {}

    def remember(self, taken: Mapping[str, tuple[object, Given]]) -> None:
        self._known.update({id(value): (_reference(value), given) for value, given in taken.values()})

    def of(self, value: object) -> Given | None:
        reference, given = self._known.get(id(value), (None, None))
        # Another object may stand at the address by now.
        return given if reference is not None and reference() is value else None


def _reference(value: object) -> Callable[[], object]:
    try:
        # A frame that the stage deletes shall not be kept in memory for this.
        return weakref.ref(value)
    except TypeError:
        return lambda: value


_origins = _Origins()
