"""What nbprod must never lose, in one SQLite file: runs, stage runs, artifacts, verdicts, reusable results.

Only the process that drives a run writes; workers return their results to it. Many drivers may share one file.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from typing import TYPE_CHECKING

from msgspec import Struct, field

from nbprod import wire
from nbprod.errors import StoreError
from nbprod.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from nbprod.model import Record, StageRun

VERSION = 3
_PATIENCE_SECONDS = 30
_PAUSE_SECONDS = 0.01
_TABLES = """
create table runs (
    id text primary key, pipeline text not null, source text not null, folder text not null, state text not null,
    started text not null, seconds real, parameters text not null) strict;
create table stage_runs (
    run text not null references runs (id) on delete cascade, stage text not null, state text not null,
    attempt integer not null, key text not null, started text, seconds real, reason text not null,
    primary key (run, stage)) strict;
create table artifacts (
    run text not null, stage text not null, name text not null, digest text not null, format text not null,
    type text not null, bytes integer not null, rows integer,
    primary key (run, stage, name),
    foreign key (run, stage) references stage_runs (run, stage) on delete cascade) strict;
create index artifacts_by_digest on artifacts (digest);
create table results (
    key text primary key, pipeline text not null, stage text not null, run text not null, notebook text not null,
    made text not null, manifest text not null, ingredients text not null, reads text,
    written text not null) strict;
create index results_by_stage on results (pipeline, stage, made);
create table verdicts (
    artifact text not null, suite text not null, verdicts text not null, primary key (artifact, suite)) strict;
"""
_REGISTRY_TABLES = """
create table versions (
    model text not null, version integer not null, run text not null, stage text not null, value text not null,
    digest text not null, made text not null, trained_from text, trained_to text, facts text not null,
    primary key (model, version)) strict;
create unique index versions_by_run on versions (model, run, stage, value);
create table aliases (
    model text not null, alias text not null, version integer not null, generation integer not null,
    primary key (model, alias), foreign key (model, version) references versions (model, version)) strict;
create table alias_changes (
    id integer primary key, model text not null, alias text not null, was integer, version integer not null,
    made text not null, who text not null, why text not null, kind text not null, decision integer) strict;
create table decisions (
    id integer primary key, model text not null, started text not null, ended text, action text not null,
    reason text not null, condition text not null, facts text not null, run text, challenger integer,
    champion integer) strict;
create table fired (
    model text not null, trigger text not null, decision integer not null references decisions (id),
    primary key (model, trigger)) strict;
create table batches (
    id integer primary key, model text not null, version integer not null, scored text not null,
    source text not null, run text not null, rows integer not null, folder text not null, facts text not null) strict;
"""
_PEAKS = "alter table stage_runs add column peak_bytes integer"
_RUNS_LOOKED_AT = 5
_PEAKS_OF = """
select stage, max(peak_bytes) as peak from (
    select stage, peak_bytes, row_number() over (partition by stage order by stage_runs.started desc) as nth
    from stage_runs join runs on runs.id = stage_runs.run where pipeline = ? and peak_bytes is not null)
where nth <= ? group by stage
"""
# What brings a ledger from each version to the next.
_STEPS = (_TABLES, _REGISTRY_TABLES, _PEAKS)


class Result(Struct, frozen=True, kw_only=True):
    """What a stage gave for a key, so that it need not run again for the same one.

    `reads` maps each file that the stage was seen to read to its digest; None says that the stage read something
    that cannot be checked (the network), so that the result serves stages after it but is no reason to skip it.
    `written` are the files that it wrote; they count as read, since a stage whose files are gone must run again.
    """

    key: str
    pipeline: str
    stage: str
    run: str
    notebook: str
    made: str
    manifest: str
    ingredients: Mapping[str, str] = field(default_factory=dict)
    reads: Mapping[str, str] | None = field(default_factory=dict)
    written: Mapping[str, str] = field(default_factory=dict)


class Ledger(Struct, frozen=True, kw_only=True):
    """The ledger in a file, made on first use."""

    path: Path

    @contextlib.contextmanager
    def kept_open(self) -> Iterator[None]:
        """Holds the file open meanwhile: the last connection to close would tidy up each time it does."""
        with self._reading():
            yield

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The database, for those who keep tables of their own here; raises StoreError."""
        with self._reading() as db:
            yield db

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The same within one transaction, which no other writer overlaps: all of it happens or nothing."""
        with self._writing() as db:
            yield db

    def put_run(self, record: Record) -> None:
        """Enter the run, or what has become of it; its stages stay."""
        with self._writing() as db:
            db.execute(
                "insert into runs values (?,?,?,?,?,?,?,?) "
                "on conflict (id) do update set state = excluded.state, seconds = excluded.seconds",
                (
                    record.id,
                    record.pipeline,
                    record.source,
                    record.folder,
                    record.state.value,
                    record.started,
                    record.seconds,
                    json.dumps(wire.plain(record.parameters)),
                ),
            )

    def put_stage(self, run: str, stage: StageRun, *, result: Result | None = None) -> None:
        """Enter what became of a stage, its artifacts and, where it may serve again, its result: all or nothing."""
        with self._writing() as db:
            db.execute(
                "insert or replace into stage_runs values (?,?,?,?,?,?,?,?,?)",
                (
                    run,
                    stage.stage,
                    stage.state.value,
                    stage.attempt,
                    stage.key,
                    stage.started,
                    stage.seconds,
                    stage.reason,
                    stage.peak_bytes,
                ),
            )
            db.executemany(
                "insert or replace into artifacts values (?,?,?,?,?,?,?,?)",
                [
                    (run, stage.stage, one.name, one.digest, one.format, one.type, one.bytes, one.rows)
                    for one in stage.artifacts
                ],
            )
            if result is not None:
                reads = None if result.reads is None else json.dumps(dict(result.reads))
                db.execute(
                    "insert or replace into results values (?,?,?,?,?,?,?,?,?,?)",
                    (
                        result.key,
                        result.pipeline,
                        result.stage,
                        result.run,
                        result.notebook,
                        result.made,
                        result.manifest,
                        json.dumps(dict(result.ingredients)),
                        reads,
                        json.dumps(dict(result.written)),
                    ),
                )

    def result(self, key: str) -> Result | None:
        """The result for that key, if there is one."""
        return next(self._results("where key = ?", key), None)

    def last_result(self, pipeline: str, stage: str) -> Result | None:
        """The latest result of a stage, whatever its key."""
        return next(
            self._results("where pipeline = ? and stage = ? order by made desc limit 1", pipeline, stage),
            None,
        )

    def peaks(self, pipeline: str) -> dict[str, int]:
        """The most memory that each stage's kernel had in its latest runs, in bytes, as far as it was measured."""
        with self.reading() as db:
            rows = db.execute(_PEAKS_OF, (pipeline, _RUNS_LOOKED_AT)).fetchall()
        return {row["stage"]: row["peak"] for row in rows}

    def written(self, pipeline: str, stage: str) -> frozenset[str]:
        """Every file that any result of the stage wrote."""
        with self._reading() as db:
            rows = db.execute(
                "select distinct written from results where pipeline = ? and stage = ?", (pipeline, stage)
            ).fetchall()
        return frozenset(name for (text,) in rows for name in json.loads(text))

    def results(self) -> Iterator[Result]:
        """All results."""
        return self._results("")

    def runs_with_models(self) -> frozenset[str]:
        """The runs whose models the registry knows: what they gave is wanted for ever."""
        with self.reading() as db:
            return frozenset(run for (run,) in db.execute("select distinct run from versions"))

    def forget_result(self, key: str) -> None:
        """Drop a result whose objects are lost."""
        with self._writing() as db:
            db.execute("delete from results where key = ?", (key,))

    def verdicts(self, artifact: str, suite: str) -> tuple[Verdict, ...] | None:
        """What a suite said of an artifact before, both by digest."""
        with self._reading() as db:
            row = db.execute(
                "select verdicts from verdicts where artifact = ? and suite = ?", (artifact, suite)
            ).fetchone()
        if row is None:
            return None
        return tuple(wire.noun(Verdict, one, where=str(self.path)) for one in json.loads(row[0]))

    def put_verdicts(self, artifact: str, suite: str, verdicts: tuple[Verdict, ...]) -> None:
        """Remember what a suite said of an artifact."""
        with self._writing() as db:
            db.execute(
                "insert or replace into verdicts values (?,?,?)",
                (artifact, suite, json.dumps(wire.plain(verdicts))),
            )

    def _results(self, clause: str, *values: str) -> Iterator[Result]:
        with self._reading() as db:
            rows = db.execute(f"select * from results {clause}", values).fetchall()  # noqa: S608 - our own clauses
        for row in rows:
            yield Result(
                **{
                    name: row[name]
                    for name in ("key", "pipeline", "stage", "run", "notebook", "made", "manifest")
                },
                ingredients=json.loads(row["ingredients"]),
                reads=None if row["reads"] is None else json.loads(row["reads"]),
                written=json.loads(row["written"]),
            )

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as db:
            db.execute("begin immediate")
            try:
                yield db
            except BaseException:
                db.execute("rollback")
                raise
            db.execute("commit")

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self.path, timeout=_PATIENCE_SECONDS, isolation_level=None)
            try:
                _prepare(db, self.path)
                yield db
            finally:
                db.close()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"The ledger refuses: {error}.",
                where=str(self.path),
                remedy="Is the disk full, or the file damaged? Records beside the runs repeat what it holds.",
            ) from error


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.row_factory = sqlite3.Row
    db.execute("pragma foreign_keys = on")
    db.execute("pragma synchronous = normal")
    (version,) = db.execute("pragma user_version").fetchone()
    if version == VERSION:
        return
    if version > VERSION:
        raise StoreError(
            f"The ledger is of version {version}; this nbprod knows {VERSION}.",
            where=str(path),
            remedy="Install a newer nbprod.",
        )
    _write_ahead(db)
    db.execute("begin immediate")
    # Another process may have made the tables while this one waited.
    (version,) = db.execute("pragma user_version").fetchone()
    for statement in (one.strip() for step in _STEPS[version:] for one in step.split(";")):
        if statement:
            db.execute(statement)
    db.execute(f"pragma user_version = {VERSION}")
    db.execute("commit")


def _write_ahead(db: sqlite3.Connection) -> None:
    """Have readers and a writer not wait for each other; SQLite refuses this at once where another is about it too."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            db.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return
