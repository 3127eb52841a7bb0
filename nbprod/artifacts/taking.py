"""Loading what stages gave: every object once, however many names it has, and in its latest state."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field

from nbprod.artifacts.formats import format_named
from nbprod.artifacts.manifest import PICKLE
from nbprod.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbprod.artifacts.manifest import Given, Manifest
    from nbprod.artifacts.store import Store


class Taking(Struct, frozen=True, kw_only=True):
    """One take: what has been loaded stays known, so that an object is loaded once."""

    manifests: tuple[Manifest, ...]
    store: Store
    _bundles: dict[str, dict[str, object]] = field(default_factory=dict)
    _files: dict[tuple[str, str, int], object] = field(default_factory=dict)

    def values(self, wanted: Mapping[str, Given]) -> dict[str, object]:
        """The value of each name."""
        latest = _Latest(given=tuple(wanted.values()))
        chosen = {name: latest.of(given) for name, given in wanted.items()}
        shared = Counter(given.bundle for given in {id(one): one for one in chosen.values()}.values())
        return {
            name: self._from_bundle(given, latest)
            if given.artifact.format == PICKLE or (given.bundle and shared[given.bundle] > 1)
            else self._from_file(given)
            for name, given in chosen.items()
        }

    def _from_file(self, given: Given) -> object:
        key = (given.artifact.digest, given.origin, given.version)
        if key not in self._files:
            path = self.store.path(given.artifact.digest)
            self._files[key] = format_named(given.artifact.format).read(path)
        return self._files[key]

    def _from_bundle(self, given: Given, latest: _Latest) -> object:
        if given.bundle not in self._bundles:
            self._bundles[given.bundle] = self._loaded(given.bundle, latest)
        return self._bundles[given.bundle][given.artifact.name]

    def _loaded(self, digest: str, latest: _Latest) -> dict[str, object]:
        from nbprod.artifacts import bundle

        manifest = next(one for one in self.manifests if any(held.digest == digest for held in one.bundles))
        parts = manifest.bundle(digest).parts

        def named(name: str) -> object:
            given = manifest.named(name)
            if given is None:
                raise StoreError(
                    f"Bundle {digest[:12]} lacks its part '{name}'.", remedy="Run the stage again."
                )
            return self._from_file(latest.of(given))

        def part(number: int) -> object:
            return format_named(parts[number].format).read(self.store.path(parts[number].digest))

        # The store compares the bytes with the digest that the manifest vouches for before they are unpickled.
        return bundle.loaded(self.store.path(digest).read_bytes(), named=named, part=part)


class _Latest(Struct, frozen=True, kw_only=True):
    """Where two stages gave one object, what the later of them made of it."""

    given: tuple[Given, ...]

    def of(self, given: Given) -> Given:
        """The latest state of the same object; its own where two stages changed it apart from each other."""
        same = [one for one in self.given if one.origin == given.origin]
        top = max([given.version, *(one.version for one in same)])
        newest = [one for one in (*same, given) if one.version == top]
        apart = len({one.artifact.digest for one in newest}) > 1
        return given if apart else newest[0]
