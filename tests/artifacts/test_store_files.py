"""What a file that is written whole looks like to others on the machine."""

from __future__ import annotations

from stat import S_IMODE
from typing import TYPE_CHECKING

import pytest

from nbprod.artifacts.store import write_atomically

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o644])
def test_whoever_could_read_the_old_file_can_read_the_new(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "flights.ipynb"
    file.write_text("old", encoding="utf-8")
    file.chmod(mode)
    write_atomically(file, "new")
    assert (file.read_text(encoding="utf-8"), S_IMODE(file.stat().st_mode)) == ("new", mode)


def test_new_file_has_the_modes_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_atomically(tmp_path / "whole", "text")
    modes = {S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
    assert modes == {S_IMODE((tmp_path / "plain").stat().st_mode)}
