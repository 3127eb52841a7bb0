"""Storing what a stage gives: each value in the first format that holds it exactly, sharers in one bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from nbprod.artifacts.format import CannotHold, Format, NotExact, Shape
from nbprod.artifacts.formats import formats_for
from nbprod.artifacts.manifest import PICKLE, Bundle, Given, Manifest, Part, store_of, write_manifest
from nbprod.artifacts.plain import is_plain
from nbprod.errors import BoundaryError
from nbprod.model import Artifact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nbprod.artifacts.store import Store


def giving(
    values: Mapping[str, object],
    *,
    absent: tuple[str, ...] = (),
    outcomes: frozenset[str] = frozenset(),
    stage: str,
    folder: Path,
    origin_of: Callable[[object], Given | None],
) -> Manifest:
    """Store the values and write the stage's manifest.

    `origin_of` knows the objects that this stage took, so that they keep their identity; `outcomes` are values
    that are left out where they cannot be stored.
    """
    shelf = _Shelf(
        store=store_of(folder), stage=stage, origins=_origins(values, stage=stage, origin_of=origin_of)
    )
    parts: list[tuple[list[Given], list[Bundle]]] = []
    left: dict[str, str] = {}
    pending = list(_groups(values))
    while pending:
        names = pending.pop(0)
        try:
            parts.append(shelf.stored(names, values))
        except BoundaryError as error:
            needed = tuple(name for name in names if name not in outcomes)
            if needed == names:
                raise
            left.update(dict.fromkeys([name for name in names if name in outcomes], error.what))
            pending[:0] = [needed] if needed else []
    given = {one.artifact.name: one for part in parts for one in part[0]}
    manifest = Manifest(
        stage=stage,
        given=tuple(given[name] for name in values if name not in left),
        bundles=tuple(bundle for part in parts for bundle in part[1]),
        absent=absent,
        left=tuple(left.items()),
    )
    write_manifest(manifest, folder=folder)
    return manifest


def _groups(values: Mapping[str, object]) -> tuple[tuple[str, ...], ...]:
    open_ended = [name for name, value in values.items() if not _is_closed(value)]
    if len(open_ended) < 2:
        return tuple((name,) for name in values)
    from nbprod.artifacts.sharing import groups

    return groups(values)


def _is_closed(value: object) -> bool:
    """Whether the value cannot share anything mutable with another: cheap, so that most stages need no walk."""
    return not isinstance(value, list | dict) and is_plain(value)


def _origins(
    values: Mapping[str, object], *, stage: str, origin_of: Callable[[object], Given | None]
) -> dict[str, tuple[str, int]]:
    first: dict[int, tuple[str, int]] = {}
    for name, value in values.items():
        if id(value) not in first:
            taken = origin_of(value)
            known = taken is not None and not _is_closed(value)
            first[id(value)] = (
                (taken.origin, taken.version + 1) if known and taken else (f"{stage}.{name}", 1)
            )
    return {
        name: (f"{stage}.{name}", 1) if _is_closed(value) else first[id(value)]
        for name, value in values.items()
    }


class _Stored(Struct, frozen=True, kw_only=True):
    """A value in a file of its own."""

    digest: str
    size: int
    format: Format


class _Shelf(Struct, frozen=True, kw_only=True):
    """One stage's place in the store."""

    store: Store
    stage: str
    origins: Mapping[str, tuple[str, int]]
    _seen: dict[int, _Stored | str] = field(default_factory=dict)

    def stored(
        self, names: tuple[str, ...], values: Mapping[str, object]
    ) -> tuple[list[Given], list[Bundle]]:
        """Names that share objects, stored: alone in their own format where one holds them, else as a bundle."""
        one_object = len({id(values[name]) for name in names}) == 1
        alone = {name: self._own_file(name, values[name], shared=not one_object) for name in names}
        refused = {name: why for name, why in alone.items() if isinstance(why, str)}
        if one_object and not refused:
            return [self._given(name, values[name], stored) for name, stored in _filed(alone)], []
        bundle, size = self._bundle(names, values, files=dict(_filed(alone)))
        given = [
            self._given(name, values[name], stored, bundle=bundle)
            if isinstance(stored, _Stored)
            else self._pickled(name, values[name], bundle=bundle, size=size, why=stored)
            for name, stored in alone.items()
        ]
        return given, [bundle]

    def _own_file(self, name: str, value: object, *, shared: bool) -> _Stored | str:
        """The value in a file of its own, or why there is none."""
        if shared and not any(one.is_table for one in formats_for(value)):
            return "it shares objects with another value"
        if id(value) not in self._seen:
            self._seen[id(value)] = self._first_exact(name, value)
        return self._seen[id(value)]

    def _first_exact(self, name: str, value: object) -> _Stored | str:
        why = "no other format holds its type"
        for one in formats_for(value):
            try:
                digest, size = self.store.put(lambda path, one=one: one.write(value, path))  # type: ignore[misc]
                return _Stored(digest=digest, size=size, format=one)
            except NotExact as refusal:
                why = str(refusal)
            except CannotHold as refusal:
                raise self._error(name, value, refusal) from refusal
        return why

    def _bundle(
        self, names: tuple[str, ...], values: Mapping[str, object], *, files: Mapping[str, _Stored]
    ) -> tuple[Bundle, int]:
        from nbprod.artifacts import bundle

        parts: list[Part] = []

        def part(value: object) -> int:
            stored = self._first_exact(" and ".join(f"{name}" for name in names), value)
            if isinstance(stored, str):
                raise CannotHold(stored)
            parts.append(Part(digest=stored.digest, format=stored.format.name))
            return len(parts) - 1

        tables = {id(values[name]): name for name in reversed(list(files))}
        try:
            data = bundle.dumped({name: values[name] for name in names}, tables=tables, part=part)
        except CannotHold as refusal:
            name = self._culprit(names, values)
            raise self._error(name, values[name], refusal) from refusal
        digest, size = self.store.put(lambda path: _write(path, data))
        return Bundle(digest=digest, names=names, parts=tuple(parts)), size

    def _culprit(self, names: tuple[str, ...], values: Mapping[str, object]) -> str:
        from nbprod.artifacts import bundle

        for name in names:
            try:
                bundle.dumped({name: values[name]}, tables={}, part=lambda _: 0)
            except CannotHold:
                return name
        return names[0]

    def _given(self, name: str, value: object, stored: _Stored, *, bundle: Bundle | None = None) -> Given:
        shape: Shape = stored.format.shape(value)
        return Given(
            artifact=Artifact(
                name=name,
                digest=stored.digest,
                format=stored.format.name,
                type=_type_name(value),
                bytes=stored.size,
                rows=shape.rows,
                columns=shape.columns,
                bundle=_others(name, bundle),
            ),
            origin=self.origins[name][0],
            version=self.origins[name][1],
            bundle=bundle.digest if bundle else "",
        )

    def _pickled(self, name: str, value: object, *, bundle: Bundle, size: int, why: str) -> Given:
        shape = next((one.shape(value) for one in formats_for(value)), Shape())
        return Given(
            artifact=Artifact(
                name=name,
                digest=bundle.digest,
                format=PICKLE,
                type=_type_name(value),
                bytes=size,
                rows=shape.rows,
                columns=shape.columns,
                bundle=_others(name, bundle),
            ),
            origin=self.origins[name][0],
            version=self.origins[name][1],
            bundle=bundle.digest,
            why=why,
        )

    def _error(self, name: str, value: object, refusal: CannotHold) -> BoundaryError:
        return BoundaryError(
            f"'{name}', a {_type_name(value)}, cannot leave stage '{self.stage}': {str(refusal).rstrip('.')}.",
            remedy="Make it again in the stage that uses it, or give the data that it is made from.",
        )


def _filed(alone: Mapping[str, _Stored | str]) -> list[tuple[str, _Stored]]:
    return [(name, stored) for name, stored in alone.items() if isinstance(stored, _Stored)]


def _others(name: str, bundle: Bundle | None) -> tuple[str, ...]:
    return tuple(one for one in bundle.names if one != name) if bundle else ()


def _type_name(value: object) -> str:
    kind = type(value)
    return (
        kind.__qualname__
        if kind.__module__ in ("builtins", "__main__")
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
