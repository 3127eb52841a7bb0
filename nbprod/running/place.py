"""Where a project keeps what runs leave, and what a plan meets there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.artifacts.store import Store, store_at
from nbprod.running.cache import Surroundings, environment_fingerprint
from nbprod.running.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nbprod.model import Json, Plan

STATE_FOLDER = ".nbprod"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Place(Struct, frozen=True, kw_only=True):
    """A project's root, and its store if that is not the usual one: a folder or an fsspec URL."""

    root: Path
    store_address: str | None = None

    @property
    def state(self) -> Path:
        """The folder with runs, ledger and store."""
        return self.root.absolute() / STATE_FOLDER

    @property
    def address(self) -> str:
        """The store's address, absolute."""
        if self.store_address is None:
            return str(self.state / "store")
        return (
            self.store_address
            if "://" in self.store_address
            else str(self.root.absolute() / self.store_address)
        )

    @property
    def store(self) -> Store:
        """The store."""
        return store_at(self.address)

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return Ledger(path=self.state / "ledger.sqlite")


def surroundings_of(
    plan: Plan, *, plan_folder: Path, values: Mapping[str, Json], backend: str = ""
) -> Surroundings:
    """What the plan's stages share: the notebook's folder, the parameters that are no secrets, the environment."""
    secrets = {one.name for one in plan.parameters if one.secret}
    return Surroundings(
        plan=plan,
        cwd=(plan_folder / plan.source).resolve().parent,
        parameters={name: value for name, value in values.items() if name not in secrets},
        environment=environment_fingerprint(),
        backend=backend,
    )


def pinned_environment() -> dict[str, str]:
    """What every kernel is given so that equal stages give equal bytes: threads by number, hashes by seed.

    What the caller's environment says already stands.
    """
    threads = str(os.cpu_count() or 1)
    pinned = {**dict.fromkeys(_THREADS, threads), "PYTHONHASHSEED": "0"}
    return {name: os.environ.get(name, value) for name, value in pinned.items()}
