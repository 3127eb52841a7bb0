"""A run's environment: how it differs from this one, and the same one built again."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nbprod.errors import NbprodError
from nbprod.running.records import installed
from nbprod.running.sources import code_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nbprod.model import Plan
    from nbprod.running.keeping import Kept

# What a stage's kernel and the judging of its values need of nbprod's own requirements.
_NOT_TO_RUN = frozenset({"jupyterlab", "jupytext", "nbprod"})
_IMPORTED_AS = {"sklearn": "scikit-learn", "ibis": "ibis-framework", "yaml": "pyyaml", "pil": "pillow"}


def environment_differences(kept: Kept) -> tuple[str, ...]:
    """What of the run's environment is not so here, one sentence each."""
    return tuple(_differences(kept))


def _differences(kept: Kept) -> Iterator[str]:
    then, now = _versions(kept.installed), _versions(installed())
    if kept.machine.get("python") != sys.version:
        yield f"Python was {kept.machine.get('python', '?').split()[0]} and is {platform.python_version()}."
    if kept.machine.get("machine") != platform.machine():
        yield f"The processor was {kept.machine.get('machine')} and is {platform.machine()}."
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name):
            yield f"{name} was {then.get(name, 'missing')} and is {now.get(name, 'missing')}."


def needed_pins(kept: Kept, plan: Plan) -> tuple[str, ...]:
    """`name==version` of what the plan's imports and a run of it need, with what these need in turn."""
    versions = _versions(kept.installed)
    codes = [code_of(plan.files[stage.notebook], parameters={}) for stage in plan.stages]
    tops = {module.partition(".")[0] for code in codes for module in code.modules}
    # A package may be there for its files alone: found by name in the code, or seen to be read.
    tops |= {text for code in codes for text in code.texts if _normal(text) in versions}
    tops |= {package for source in kept.sources or () if (package := _package_of(source.path))}
    roots = {_normal(_IMPORTED_AS.get(top.lower(), top)) for top in tops}
    found: set[str] = set()
    waiting = [*roots, *_requirements("nbprod")]
    while waiting:
        name = waiting.pop()
        if name not in found and name in versions and name not in _NOT_TO_RUN:
            found.add(name)
            waiting.extend(_requirements(name))
    return tuple(f"{name}=={versions[name]}" for name in sorted(found))


def _package_of(path: str) -> str:
    """The package of an installed file, as its folder is called."""
    parts = Path(path).parts
    places = [number for number, part in enumerate(parts) if part in ("site-packages", "dist-packages")]
    return parts[places[-1] + 1] if places and len(parts) > places[-1] + 2 else ""


def built(folder: Path, pins: Iterable[str], *, python: str) -> Path:
    """The interpreter of a fresh virtual environment that holds these pins, and this nbprod.

    `python` is the version wanted. Raises NbprodError where no such interpreter is here or the pins can't be had.
    """
    interpreter = _interpreter(python)
    _told([interpreter, "-m", "venv", *([] if not _has_uv() else ["--without-pip"]), str(folder)])
    inside = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    file = folder / "pins.txt"
    file.write_text("".join(f"{pin}\n" for pin in pins), encoding="utf-8")
    client = (
        [sys.executable, "-m", "uv", "pip", "install", "--python", str(inside)]
        if _has_uv()
        else [str(inside), "-m", "pip", "install"]
    )
    _told([*client, "--quiet", "--no-deps", "--requirement", str(file)])
    _add_nbprod(inside)
    return inside


def _add_nbprod(interpreter: Path) -> None:
    """This nbprod, not a published one: the run is judged by the code that judges here."""
    home = Path(__file__).parents[2]
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(_told([str(interpreter), "-c", code]).strip())
    (packages / "nbprod-here.pth").write_text(f"{home}\n", encoding="utf-8")


def _interpreter(version: str) -> str:
    if version.split(maxsplit=1)[0] == platform.python_version():
        return sys.executable
    wanted = ".".join(version.split(".")[:2])
    found = shutil.which(f"python{wanted}")
    if found is None and wanted == ".".join(platform.python_version_tuple()[:2]):
        return sys.executable
    if found is None:
        raise NbprodError(
            f"The run was made by Python {version.split(maxsplit=1)[0]}, and there is no python{wanted} here.",
            remedy="Install it, or reproduce without --env.",
        )
    return found


def _has_uv() -> bool:
    from importlib.util import find_spec

    return find_spec("uv") is not None


def _told(command: list[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own words
    if done.returncode:
        raise NbprodError(
            f"The environment can't be built: {(done.stderr or done.stdout).strip()[-600:]}",
            where=" ".join(command[:4]),
            remedy="Is a package index in reach, and does it still have these versions?",
        )
    return done.stdout


def _requirements(name: str) -> Iterator[str]:
    from importlib import metadata

    from packaging.requirements import Requirement

    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    for line in lines:
        one = Requirement(line)
        if one.marker is None or one.marker.evaluate({"extra": "duckdb"}):
            yield _normal(one.name)


def _versions(distributions: Iterable[str]) -> Mapping[str, str]:
    pairs = (one.partition("-") for one in distributions)
    return {_normal(name): version for name, _, version in pairs}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
