"""What a forked run may touch: reads come from the user's folder and are cut, writes go to a scratch folder.

Everything here changes the process that calls it for good, and that process ends with the run.
"""

from __future__ import annotations

import builtins
import functools
import glob
import importlib
import io
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

STAGE = "__nbprod_stage__"
_READERS = {
    "pandas": "read_csv read_table read_fwf read_parquet read_feather read_json read_pickle read_excel read_orc "
    "read_hdf read_xml read_sas read_stata read_spss",
    "polars": "read_csv read_parquet read_ipc read_json read_ndjson read_excel read_avro "
    "scan_csv scan_parquet scan_ipc scan_ndjson",
    "pyarrow.parquet": "read_table",
    "pyarrow.feather": "read_table read_feather",
    "pyarrow.csv": "read_csv",
    "numpy": "load loadtxt genfromtxt",
    "joblib": "load",
    "ibis": "read_csv read_parquet read_json",
    "duckdb": "read_csv read_parquet read_json from_csv_auto from_parquet",
}
_QUERIES = {
    "pandas": "read_sql read_sql_query read_sql_table",
    "polars": "read_database read_database_uri",
}
_WRITERS = {
    (
        "pandas",
        "DataFrame",
    ): "to_csv to_parquet to_feather to_json to_pickle to_excel to_orc to_html to_stata",
    ("pandas", "Series"): "to_csv to_json to_pickle to_excel",
    (
        "polars",
        "DataFrame",
    ): "write_csv write_parquet write_ipc write_json write_ndjson write_excel write_avro",
    ("polars", "LazyFrame"): "sink_csv sink_parquet sink_ipc sink_ndjson",
}
_SMALL_TEXT = (".json", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".txt", ".sql", ".md")
_SMALL_BYTES = 65_536
_FILE_IN_SQL = re.compile(r"(?is)\b(?:from|join)\s+(?:read_\w+\s*\(\s*)?\[?'([^']+\.\w+)'")
_FORBIDDEN = {
    "os.remove": "remove a file",
    "os.rename": "rename a file",
    "os.rmdir": "remove a folder",
    "shutil.rmtree": "remove a folder",
    "subprocess.Popen": "start another program",
    "os.system": "start another program",
    "os.exec": "start another program",
    "os.posix_spawn": "start another program",
}
_ON_FILES = frozenset({"os.remove", "os.rename", "os.rmdir", "shutil.rmtree"})


class ForbiddenError(PermissionError):
    """What a run tried and may not do."""


class Sandbox(Struct):
    """Where a run reads and writes, and what it has read that could not be cut. Lives as long as the run."""

    folder: Path
    scratch: Path
    cut: Callable[[Any, str], Any]
    notes: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    written: dict[str, Path] = field(default_factory=dict)
    depth: int = 0

    def enter(self) -> None:
        """Send this process's reads and writes through here from now on."""
        os.chdir(self.scratch)
        builtins.open = io.open = self._opening(io.open)
        for module, names in _READERS.items():
            self._wrap_readers(module, names.split(), place=self.where_to_read)
        for module, names in _QUERIES.items():
            self._wrap_readers(module, names.split(), place=lambda query: query)
        glob.glob = self._globbing(glob.glob)
        for (module, kind), names in _WRITERS.items():
            self._wrap_writers(module, kind, names.split())
        sys.addaudithook(self._watch)

    def where_to_read(self, path: Any) -> Any:
        """The place of a file to read: as written by this run, else in the user's folder."""
        if not isinstance(path, str | os.PathLike) or "://" in (text := str(os.fspath(path))):
            return path
        if (moved := self.written.get(self._absolute(text))) is not None:
            return str(moved)
        return text if (self.scratch / text).exists() else str(self.folder / text)

    def where_to_write(self, path: Any) -> Any:
        """The place in the scratch folder for a file to write."""
        if not isinstance(path, str | os.PathLike) or "://" in (text := str(os.fspath(path))):
            return path
        place = Path(text)
        if place.is_absolute() and place.is_relative_to(self.scratch):
            return path
        if text.startswith("/dev/"):
            return path
        moved = self.scratch / "written" / Path(self._absolute(text)).relative_to(Path(text).anchor or "/")
        moved.parent.mkdir(parents=True, exist_ok=True)
        self.written[self._absolute(text)] = moved
        return str(moved)

    def look_for_files_in(self, source: str) -> None:
        """Note the files that SQL text reads: no reader of ours can cut them."""
        for found in _FILE_IN_SQL.finditer(source):
            self.unseen.append(f"'{found[1]}' is read inside SQL, where it can't be cut")

    def _absolute(self, text: str) -> str:
        return os.path.normpath(self.folder / text)

    def _opening(self, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def opened(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if not isinstance(file, str | os.PathLike):
                return real(file, mode, *args, **kwargs)
            if set(mode) & set("wax+"):
                return real(self.where_to_write(file), mode, *args, **kwargs)
            place = self.where_to_read(file)
            if self.depth == 0 and _is_asked_by_stage(sys._getframe(1)):  # noqa: SLF001
                self._note_read(Path(str(place)))
            return real(place, mode, *args, **kwargs)

        return opened

    def _note_read(self, path: Path) -> None:
        if path.is_relative_to(self.scratch) or not path.exists():
            return
        if path.suffix in _SMALL_TEXT and path.stat().st_size <= _SMALL_BYTES:
            self.notes.append(f"'{path.name}' was taken as known in advance")
        else:
            self.unseen.append(f"'{path.name}' is read through open(), where it can't be cut")

    def _globbing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def found(pattern: Any, *args: Any, **kwargs: Any) -> Any:
            return real(pattern, *args, **kwargs) or real(self.where_to_read(pattern), *args, **kwargs)

        return found

    def _wrap_readers(self, module: str, names: list[str], *, place: Callable[[Any], Any]) -> None:
        loaded = _loaded(module)
        for name in names:
            if loaded is not None and hasattr(loaded, name):
                setattr(loaded, name, self._reading(getattr(loaded, name), place=place))

    def _reading(self, real: Callable[..., Any], *, place: Callable[[Any], Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def read(*args: Any, **kwargs: Any) -> Any:
            places = [place(args[0]), *args[1:]] if args else []
            self.depth += 1
            try:
                table = real(*places, **kwargs)
            finally:
                self.depth -= 1
            return table if self.depth else self.cut(table, _file_name(args, kwargs))

        return read

    def _wrap_writers(self, module: str, kind: str, names: list[str]) -> None:
        loaded = _loaded(module)
        owner = getattr(loaded, kind, None)
        for name in names:
            if owner is not None and hasattr(owner, name):
                setattr(owner, name, self._writing(getattr(owner, name)))

    def _writing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def write(table: Any, *args: Any, **kwargs: Any) -> Any:
            places = [self.where_to_write(args[0]), *args[1:]] if args else []
            named = {
                key: self.where_to_write(value) if key in ("path", "path_or_buf", "file") else value
                for key, value in kwargs.items()
            }
            return real(table, *places, **named)

        return write

    def _watch(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "socket.connect" and isinstance(args[1], tuple):
            raise ForbiddenError("a replayed stage may not use the network")
        if event in _FORBIDDEN and not (event in _ON_FILES and self._is_ours(args)):
            raise ForbiddenError(f"a replayed stage may not {_FORBIDDEN[event]}")

    def _is_ours(self, args: tuple[Any, ...]) -> bool:
        if not args or not isinstance(args[0], str | bytes | os.PathLike):
            return False
        path = Path(os.path.abspath(os.fsdecode(args[0])))  # noqa: PTH100 - links are not followed here
        return path.is_relative_to(self.scratch)


def _is_asked_by_stage(frame: FrameType | None) -> bool:
    """Whether the stage itself opens a file, `Path.open` and its like in between not counted."""
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("pathlib"):
        frame = frame.f_back
    return frame is not None and bool(frame.f_globals.get(STAGE))


def _loaded(module: str) -> Any:
    """The module if it has been imported: a run that imports it later by itself is served plain reads."""
    if module.partition(".")[0] not in sys.modules:
        return None
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def _file_name(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    first = args[0] if args else next(iter(kwargs.values()), "")
    return Path(str(first)).name if isinstance(first, str | os.PathLike) else "a buffer"
