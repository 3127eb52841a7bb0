"""The production loop killed by SIGKILL at random moments, many times: no decision lost, none done twice.

A small project lives through a few turns without being disturbed; the same turns are then killed again and again, half
of the times anywhere in the turn, half right where it trains and decides. In the end both must have decided the same.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from projects import project, rows

from nbprod import api

CONDITION = "drift or mae > 0.5 or age > 300d"
NOTICE = "Training:"


def arrived(folder: Path, turn: int) -> int:
    """The file as it stands at a turn, and the day up to which the model learns."""
    day = (40, 50, 60, 75)[turn]
    frame = rows(days=day + 10, seed=3)
    later = frame["time"].dt.day_of_year > 60
    if turn >= 2:
        frame["x"] = frame["x"].where(~later, frame["x"] + 3)
        frame["y"] = frame["y"].where(~later, frame["y"] + 6)
    if turn == 3:
        frame["y"] = frame["y"].where(~later, frame["y"] + 2 * frame["x"])
    frame.to_parquet(folder / "rows.parquet")
    return day


def started(folder: Path, day: int) -> subprocess.Popen[str]:
    """A turn, as cron starts it, with its own process group."""
    command = [sys.executable, "-m", "nbprod", "retrain", str(folder / "pipeline.ipynb"), "--if", CONDITION]
    return subprocess.Popen(
        [*command, "-p", f"day={day}"],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed(process: subprocess.Popen[str], chance: random.Random, *, seconds: float, is_late: bool) -> bool:
    """Kill a turn within so many seconds, or within them after it began to train; whether it still ran."""
    assert process.stderr is not None  # noqa: S101 - it was asked for
    if is_late:
        for line in process.stderr:
            if line.startswith(NOTICE):
                break
    time.sleep(chance.uniform(0, seconds))
    was_running = process.poll() is None
    os.killpg(process.pid, signal.SIGKILL) if was_running else None
    process.communicate()
    return was_running


def lived(folder: Path, *, kills: int, seed: int) -> tuple[int, float]:
    """Live through all turns, each killed so many times first; how many kills hit, and the seconds of a turn."""
    project(folder, expect="")
    chance, hits, seconds = random.Random(seed), 0, 6.0  # noqa: S311 - moments to kill at
    for turn in range(4):
        day = arrived(folder, turn)
        for number in range(kills):
            is_late = number % 2 == 1 and turn != 1  # the second turn never trains
            hits += killed(started(folder, day), chance, seconds=seconds, is_late=is_late)
        begun = time.monotonic()
        last = started(folder, day)
        last.communicate()
        if last.returncode:
            raise SystemExit(f"Turn {turn} ended with {last.returncode}.")
        seconds = min(time.monotonic() - begun, 12.0)
    return hits, seconds


def faults(folder: Path) -> list[str]:
    """What must never be: a decision left open, a promotion without or with more than one decision of its own."""
    with closing(sqlite3.connect(folder / ".nbprod" / "ledger.sqlite")) as db:
        found = {
            "open decisions": "select count(*) from decisions where ended is null",
            "promotions of a decision beyond its one": "select count(*) from (select decision from alias_changes "
            "where alias = 'champion' group by decision having count(*) > 1)",
            "promotions without a decision": "select count(*) from alias_changes where alias = 'champion' and "
            "decision not in (select id from decisions where action = 'promoted')",
            "decisions to promote without a promotion": "select count(*) from decisions where action = 'promoted' "
            "and id not in (select decision from alias_changes where alias = 'champion')",
            "versions that no decision names": "select count(*) from versions where version not in "
            "(select challenger from decisions where challenger is not null)",
        }
        counts = {name: db.execute(query).fetchone()[0] for name, query in found.items()}
        (intact,) = db.execute("pragma integrity_check").fetchone()
    return [f"{count} {name}" for name, count in counts.items() if count] + ([intact] * (intact != "ok"))


def outcome(folder: Path) -> list[tuple[str, str | None]]:
    """What was decided that changed something, with the digest of the challenger's model."""
    (state,) = api.models(folder)
    digests = {one.version: one.digest for one in state.versions}
    return [
        (str(one.action), digests.get(one.challenger or 0))
        for one in api.decisions(folder, "pipeline")
        if str(one.action) != "nothing"
    ]


def main() -> None:
    """Live twice, once disturbed, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder that is made anew")
    parser.add_argument("--kills", type=int, default=8, help="per turn, of which there are four")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    shutil.rmtree(given.folder, ignore_errors=True)
    calm, rough = given.folder / "calm", given.folder / "rough"
    lived(calm, kills=0, seed=0)
    hits, seconds = lived(rough, kills=given.kills, seed=given.seed)
    wrong = faults(rough) + (["not the calm outcome"] * (outcome(calm) != outcome(rough)))
    told = {"kills": given.kills * 4, "hit": hits, "seconds_a_turn": round(seconds, 1), "wrong": wrong}
    print(json.dumps({**told, "decided": [action for action, _ in outcome(rough)]}))
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
