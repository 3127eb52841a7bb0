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

    Names that were one object come back as one. Raises StoreError where something is missing or damaged.
    """
    from nbprod.artifacts.taking import Taking

    home = Path(folder)
    manifests = {stage: read_manifest(home, stage) for stage in dict.fromkeys(needs.values())}
    wanted: dict[str, Given] = {}
    for name, stage in needs.items():
        given = manifests[stage].named(name)
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
) -> None:
    """Store the values and bind their names to the stage, all at once or not at all.

    `values` are values by name, or names to look up in `namespace`; hidden state is captured under its reserved
    names. Raises BoundaryError for a value that cannot leave the stage.
    """
    from nbprod.artifacts.giving import giving

    giving(
        _by_name(values, namespace, stage=stage),
        stage=stage,
        folder=Path(folder),
        origin_of=_origins.of,
    )


def _by_name(
    values: Mapping[str, object] | Iterable[str], namespace: Mapping[str, object] | None, *, stage: str
) -> dict[str, object]:
    names = list(values)
    found: Mapping[str, object] = values if isinstance(values, Mapping) else (namespace or {})
    missing = [name for name in names if name not in found and not hidden_state.is_hidden(name)]
    if missing:
        raise BoundaryError(
            f"Stage '{stage}' is to give '{missing[0]}', which its cells have not bound. "
            f"{did_you_mean(missing[0], [name for name in found if not name.startswith('_')])}".rstrip(),
            remedy="Bind it on every path through the stage.",
        )
    return {
        name: hidden_state.captured(name) if hidden_state.is_hidden(name) else found[name] for name in names
    }


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
