"""The project around a notebook: its folder, its settings, and whether the environment has what they ask for."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from nbprod.settings import Level, Settings, settings_from

STATE_FOLDER = ".nbprod"


def root_of(path: str | os.PathLike[str]) -> Path:
    """The project folder that a notebook or plan belongs to."""
    start = Path(path).resolve()
    start = start if start.is_dir() else start.parent
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file() or (folder / ".git").exists():
            return folder
    return start


def settings_for(path: str | os.PathLike[str]) -> Settings:
    """The settings of the project that a notebook or plan belongs to."""
    file = root_of(path) / "pyproject.toml"
    return _settings_in(file.read_text(encoding="utf-8"), str(file)) if file.is_file() else Settings()


@lru_cache(maxsize=16)  # a study comes with every keystroke, and reads the settings for itself
def _settings_in(text: str, where: str) -> Settings:
    return settings_from(text, where=where)


# Making a folder ready

_TABLE = """[tool.nbprod]
level = "prototype"  # then "small" (validation everywhere, drift reports) and "scale" (triggers, gates, promotion)

# [tool.nbprod.stages.features]
# time = "dep_time"
"""


def init(folder: str | os.PathLike[str] = ".") -> tuple[str, ...]:
    """Make a project folder ready; says what was done, one sentence a step. What is there already stays."""
    home = Path(folder)
    return (*_add_settings(home / "pyproject.toml"), *_ignore_state(home / ".gitignore"))


def _add_settings(file: Path) -> tuple[str, ...]:
    from nbprod.artifacts.store import write_atomically

    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    if "[tool.nbprod" in before:
        settings_from(before, where=str(file))
        return (f"{file} has its [tool.nbprod] already.",)
    write_atomically(file, f"{before.rstrip()}\n\n{_TABLE}".lstrip())
    return (f"{'Added [tool.nbprod] to' if before else 'Wrote'} {file}.",)


def _ignore_state(file: Path) -> tuple[str, ...]:
    from nbprod.artifacts.store import write_atomically

    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    if f"{STATE_FOLDER}/" in before.splitlines():
        return (f"{file} ignores {STATE_FOLDER}/ already.",)
    write_atomically(file, f"{before.rstrip()}\n{STATE_FOLDER}/\n".lstrip())
    return (f"{'Added' if before else 'Wrote'} {STATE_FOLDER}/ {'to' if before else 'into'} {file}.",)


# What the environment has


class Check(Struct, frozen=True, kw_only=True):
    """One thing that nbprod needs of its environment: what was found, and how to get it where it is missing."""

    name: str
    is_good: bool
    says: str
    remedy: str = ""


def doctor(folder: str | os.PathLike[str] = ".") -> tuple[Check, ...]:
    """What this environment has of what the project's level needs, and what the next level would ask for."""
    settings = settings_for(folder)
    return (
        _python(),
        _kernel(),
        *(_package(name, why) for name, why in _PACKAGES.items()),
        _sidebar(),
        _forking(),
        _writable(root_of(folder)),
        *_ladder(Path(folder), settings),
    )


_PACKAGES = {
    "papermill": "runs stages",
    "great-expectations": "judges data",
    "ibis-framework": "measures data",
    "duckdb": "is the engine that Ibis measures with",
    "jupyterlab": "shows the sidebar",
}


def _python() -> Check:
    return Check(name="Python", is_good=True, says=".".join(map(str, sys.version_info[:3])))


def _kernel() -> Check:
    from jupyter_client.kernelspec import KernelSpecManager

    found = KernelSpecManager().find_kernel_specs()
    return Check(
        name="kernel",
        is_good="python3" in found,
        says=", ".join(sorted(found)) or "none",
        remedy="" if "python3" in found else "Install one: python -m ipykernel install --sys-prefix.",
    )


def _package(name: str, why: str) -> Check:
    from importlib import metadata

    try:
        return Check(name=name, is_good=True, says=f"{metadata.version(name)}, {why}")
    except metadata.PackageNotFoundError:
        return Check(name=name, is_good=False, says=f"missing, {why}", remedy=f"pip install {name}")


def _sidebar() -> Check:
    folder = Path(sys.prefix) / "share/jupyter/labextensions/nbprod"
    is_there = (folder / "package.json").is_file()
    return Check(
        name="sidebar",
        is_good=is_there,
        says="installed" if is_there else "not installed",
        remedy="" if is_there else "Install nbprod without NBPROD_LABEXT=skip to build it.",
    )


def _forking() -> Check:
    can = hasattr(os, "fork") and sys.platform != "win32"
    return Check(
        name="warm kernels", is_good=True, says="forked" if can else "not on this platform: started anew"
    )


def _writable(root: Path) -> Check:
    place = root / STATE_FOLDER
    is_good = os.access(place if place.exists() else root, os.W_OK)
    return Check(
        name="state folder", is_good=is_good, says=str(place), remedy="" if is_good else "Make it writable."
    )


def _ladder(folder: Path, settings: Settings) -> tuple[Check, ...]:
    """What the project's rung asks for and whether it is there, then what the next one would ask for."""
    from nbprod.api.ladder import rungs

    steps = rungs(root_of(folder), settings)
    order = list(Level)
    here = order.index(settings.level)
    checks = [
        Check(
            name=f"level {one.level}",
            is_good=one.holds or order.index(one.level) > here,
            says=one.says if order.index(one.level) <= here or one.holds else f"next: {one.says}",
            remedy="" if one.holds else one.remedy,
        )
        for one in steps
        if order.index(one.level) <= here + 1
    ]
    return (Check(name="level", is_good=True, says=_said_level(settings.level)), *checks)


def _said_level(level: Level) -> str:
    order = list(Level)
    later = order[order.index(level) + 1 :]
    return f"{level}; then {', '.join(later)}" if later else f"{level}, the top of the ladder"
