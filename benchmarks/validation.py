"""The same suite of 45 expectations judged by GX's pandas engine, by GX on DuckDB and by nbprod, in one run.

`python benchmarks/validation.py [--quick] [--rows N] [--memory 4GB] [--folder DIR]` prints CPU time, wall time and peak
memory, each contender in a process of its own on the same parquet file, and one line of JSON; `--quick` has 200 thousand
rows. Beside the engines stand one hand-written DuckDB query for the metrics alone, which judges nothing, and pandera on
Ibis for the 22 checks that it knows.

GX knows no DuckDB: it takes `duckdb-engine`, and a patch, made here, that reads results before their connection is given
back; patterns stay unsupported. `duckdb-engine` and `pandera` are no dependencies of nbprod: what isn't installed is said.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

QUICK, FULL = 200_000, 1_000_000
ENGINES = ("query", "nbprod", "pandera on ibis", "gx on duckdb, patched", "gx on pandas")
# Beyond this, tables are made by DuckDB.
MOST_BY_NUMPY = 10_000_000

SUITE = """
TableRowCountToBeBetween(min_value=1000)
TableColumnsToMatchSet(column_set=["order_id", "user_id", "session", "amount", "discount", "net", "quantity", "age", "score", "rating", "country", "status", "channel", "sku", "email", "created", "shipped", "is_gift", "latitude", "longitude"])
TableColumnCountToEqual(value=20)
ColumnToExist(column="amount")
ColumnValuesToNotBeNull(column="order_id")
ColumnValuesToNotBeNull(column="user_id")
ColumnValuesToNotBeNull(column="net")
ColumnValuesToNotBeNull(column="created")
ColumnValuesToNotBeNull(column="amount", mostly=0.95)
ColumnValuesToNotBeNull(column="score", mostly=0.9)
ColumnValuesToBeUnique(column="order_id")
ColumnValuesToBeUnique(column="session")
ColumnValuesToBeBetween(column="amount", min_value=0, max_value=500, mostly=0.99)
ColumnValuesToBeBetween(column="discount", min_value=0, max_value=1)
ColumnValuesToBeBetween(column="quantity", min_value=1, max_value=20)
ColumnValuesToBeBetween(column="age", min_value=18, max_value=80, mostly=0.8)
ColumnValuesToBeBetween(column="score", min_value=-4, max_value=4)
ColumnValuesToBeBetween(column="latitude", min_value=-90, max_value=90)
ColumnValuesToBeInSet(column="rating", value_set=[1, 2, 3, 4, 5])
ColumnValuesToBeInSet(column="status", value_set=["placed", "paid", "shipped", "delivered", "returned"])
ColumnValuesToBeInSet(column="country", value_set=["US", "GB", "DE", "FR", "ES", "IT", "NL"])
ColumnValuesToNotBeInSet(column="channel", value_set=["fax", "phone"])
ColumnDistinctValuesToBeInSet(column="channel", value_set=["web", "app", "store", "partner"])
ColumnDistinctValuesToContainSet(column="status", value_set=["paid", "returned"])
ColumnValuesToMatchRegex(column="sku", regex="^SKU-[0-9]{6}$")
ColumnValuesToMatchRegex(column="email", regex="^[^@ ]+@[^@ ]+[.][a-z]+$", mostly=0.99)
ColumnValueLengthsToBeBetween(column="sku", min_value=10, max_value=10)
ColumnMeanToBeBetween(column="amount", min_value=30, max_value=80)
ColumnMeanToBeBetween(column="score", min_value=-0.1, max_value=0.1)
ColumnMinToBeBetween(column="net", min_value=0, max_value=5)
ColumnMaxToBeBetween(column="net", min_value=0, max_value=100000)
ColumnMaxToBeBetween(column="age", min_value=0, max_value=120)
ColumnStdevToBeBetween(column="amount", min_value=10, max_value=200)
ColumnMedianToBeBetween(column="amount", min_value=20, max_value=50)
ColumnQuantileValuesToBeBetween(column="net", quantile_ranges={"quantiles": [0.05, 0.25, 0.5, 0.75, 0.95], "value_ranges": [[0, 20], [5, 40], [10, 60], [20, 100], [50, 300]]})
ColumnSumToBeBetween(column="quantity", min_value=5)
ColumnProportionOfUniqueValuesToBeBetween(column="user_id", min_value=0, max_value=1)
ColumnUniqueValueCountToBeBetween(column="sku", min_value=1000, max_value=60000)
ColumnMostCommonValueToBeInSet(column="country", value_set=["US"])
ColumnPairValuesAToBeGreaterThanB(column_A="shipped", column_B="created", ignore_row_if="either_value_is_missing")
ColumnPairValuesAToBeGreaterThanB(column_A="amount", column_B="net", or_equal=True, ignore_row_if="either_value_is_missing")
ColumnValueZScoresToBeLessThan(column="longitude", threshold=3, double_sided=True)
ColumnKLDivergenceToBeLessThan(column="channel", partition_object={"values": ["web", "app", "store", "partner"], "weights": [0.5, 0.35, 0.1, 0.05]}, threshold=0.1)
ColumnValuesToNotBeNull(column="email", row_condition=Column("channel") == "web", mostly=0.9)
CompoundColumnsToBeUnique(column_list=["order_id", "user_id"])
"""

# All metrics of the suite but its samples, as one would write them by hand.
QUERY = """
SELECT count(*), count(order_id), count(user_id), count(net), count(created), count(amount), count(score),
  count(DISTINCT order_id), count(DISTINCT session), count(DISTINCT user_id), count(DISTINCT sku),
  count(DISTINCT (order_id, user_id)), sum((NOT amount BETWEEN 0 AND 500)::INT), sum((NOT discount BETWEEN 0 AND 1)::INT),
  sum((NOT quantity BETWEEN 1 AND 20)::INT), sum((NOT age BETWEEN 18 AND 80)::INT), sum((NOT score BETWEEN -4 AND 4)::INT),
  sum((NOT latitude BETWEEN -90 AND 90)::INT), sum((rating NOT IN (1, 2, 3, 4, 5))::INT),
  sum((status NOT IN ('placed', 'paid', 'shipped', 'delivered', 'returned'))::INT),
  sum((country NOT IN ('US', 'GB', 'DE', 'FR', 'ES', 'IT', 'NL'))::INT), sum((channel IN ('fax', 'phone'))::INT),
  sum((NOT regexp_matches(sku, '^SKU-[0-9]{6}$'))::INT),
  sum((NOT regexp_matches(email, '^[^@ ]+@[^@ ]+[.][a-z]+$'))::INT), sum((length(sku) <> 10)::INT),
  avg(amount), avg(score), min(net), max(net), max(age), stddev_samp(amount), median(amount),
  quantile_disc(net, [0.05, 0.25, 0.5, 0.75, 0.95]), sum(quantity), mode(country), histogram(channel),
  sum((shipped <= created)::INT), sum((amount < net)::INT), avg(longitude), stddev_samp(longitude),
  sum((email IS NULL AND channel = 'web')::INT), histogram(status)
FROM read_parquet('{path}')
"""


_VIEW = "CREATE VIEW orders AS SELECT * FROM read_parquet('{path}')"


def orders(path: Path, rows: int, *, chunk: int = 1_000_000) -> None:
    """A table of orders with missing values, a few bad rows and the types that tables of orders have."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(7)
    writer = None
    for start in range(0, rows, chunk):
        n = min(chunk, rows - start)
        amount = np.round(random.lognormal(3.5, 0.9, n), 2)
        discount = np.round(random.beta(2, 8, n), 3)
        user = random.integers(0, 200_000, n)
        created = np.datetime64("2026-01-01", "us") + random.integers(0, 15_552_000, n).astype(
            "timedelta64[s]"
        )

        def some(values: object, share: float, n: int = n) -> pa.Array:
            return pa.array(values, mask=random.random(n) < share)

        table = pa.table(
            {
                "order_id": np.arange(start, start + n),
                "user_id": user,
                "session": [f"s-{one:014d}" for one in (np.arange(start, start + n) * 2_654_435_761) % 2**40],
                "amount": some(amount, 0.02),
                "discount": some(discount, 0.1),
                "net": np.round(amount * (1 - discount), 2),
                "quantity": random.integers(1, 21, n).astype("int32"),
                "age": some(random.integers(18, 91, n), 0.03),
                "score": some(random.normal(0, 1, n), 0.005),
                "rating": random.integers(1, 6, n).astype("int8"),
                "country": random.choice(
                    ["US", "GB", "DE", "FR", "ES", "IT", "NL", "JP"],
                    n,
                    p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.08, 0.05, 0.02],
                ),
                "status": random.choice(["placed", "paid", "shipped", "delivered", "returned"], n),
                "channel": some(
                    random.choice(["web", "app", "store", "partner"], n, p=[0.5, 0.35, 0.1, 0.05]), 0.01
                ),
                "sku": [f"SKU-{one:06d}" for one in random.integers(0, 50_000, n)],
                "email": some(
                    [f"user{one}{'#' if one % 997 == 0 else '@'}example.com" for one in user], 0.01
                ),
                "created": created,
                "shipped": some(created + random.integers(3600, 432_000, n).astype("timedelta64[s]"), 0.03),
                "is_gift": random.random(n) < 0.1,
                "latitude": random.uniform(-90, 90, n),
                "longitude": random.uniform(-180, 180, n),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def many_orders(path: Path, rows: int) -> None:
    """The like, made by DuckDB: as many rows as the disk holds. The values are hashes of their rows' numbers."""
    import duckdb

    def uniform(salt: int) -> str:
        return f"(hash(i + {salt}) / 18446744073709551616.0)"

    def choice(salt: int, values: dict[str, float]) -> str:
        cases, total = [], 0.0
        for value, share in values.items():
            total += share
            cases.append(f"WHEN {uniform(salt)} < {total:.6f} THEN '{value}'")
        return f"CASE {' '.join(cases)} ELSE '{next(iter(values))}' END"

    def some(value: str, salt: int, share: float) -> str:
        return f"CASE WHEN {uniform(salt)} >= {share} THEN {value} END"

    normal = "sqrt(-2 * ln({} + 1e-18)) * cos(2 * pi() * {})"
    amount = f"round(exp(3.5 + 0.9 * {normal.format(uniform(1), uniform(2))}), 2)"
    countries = dict(
        zip(
            ["US", "GB", "DE", "FR", "ES", "IT", "NL", "JP"],
            [0.3, 0.2, 0.15, 0.1, 0.1, 0.08, 0.05, 0.02],
            strict=True,
        )
    )
    query = f"""
        SELECT i AS order_id, user_id, 's-' || lpad(((i * 2654435761) % 1099511627776)::VARCHAR, 14, '0') AS session,
          {some("full_amount", 10, 0.02)} AS amount, {some("off", 11, 0.1)} AS discount,
          round(full_amount * (1 - off), 2) AS net, (1 + hash(i + 12) % 20)::INTEGER AS quantity,
          {some("18 + (hash(i + 13) % 73)::BIGINT", 14, 0.03)} AS age,
          {some(normal.format(uniform(15), uniform(16)), 17, 0.005)} AS score,
          (1 + hash(i + 18) % 5)::TINYINT AS rating, {choice(19, countries)} AS country,
          {choice(20, dict.fromkeys(("placed", "paid", "shipped", "delivered", "returned"), 0.2))} AS status,
          {some(choice(21, {"web": 0.5, "app": 0.35, "store": 0.1, "partner": 0.05}), 22, 0.01)} AS channel,
          'SKU-' || lpad((hash(i + 23) % 50000)::VARCHAR, 6, '0') AS sku,
          {some("'user' || user_id || CASE WHEN user_id % 997 = 0 THEN '#' ELSE '@' END || 'example.com'", 24, 0.01)} AS email,
          created, {some("created + to_seconds(3600 + (hash(i + 25) % 428400)::BIGINT)", 26, 0.03)} AS shipped,
          {uniform(27)} < 0.1 AS is_gift, {uniform(28)} * 180 - 90 AS latitude, {uniform(29)} * 360 - 180 AS longitude
        FROM (SELECT i, (hash(i + 30) % 200000)::BIGINT AS user_id, {amount} AS full_amount,
                round(0.4 * {uniform(31)} * {uniform(32)}, 3) AS off,
                TIMESTAMP '2026-01-01' + to_seconds((hash(i + 33) % 15552000)::BIGINT) AS created
              FROM range({rows}) AS numbers(i))
    """  # noqa: S608  # of constants
    with duckdb.connect(config={"memory_limit": "2GB", "preserve_insertion_order": False}) as connection:
        connection.sql(
            f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 1000000)"
        )


def suite() -> object:
    """The suite as nbprod's."""
    from nbprod.expectations import read_expectations
    from nbprod.model import Suite

    return Suite(value="orders", expectations=read_expectations(SUITE))


def by_query(path: Path, memory: str | None) -> int:
    """The hand-written query; it judges nothing."""
    import duckdb

    settings = {"threads": 1} | ({"memory_limit": memory} if memory else {})
    connection = duckdb.connect(config=settings)
    return len(connection.sql(QUERY.replace("{path}", str(path))).fetchall())


def by_nbprod(path: Path, memory: str | None) -> int:
    """How many expectations hold."""
    from nbprod.validating import Limits, judge

    verdicts = judge(path, suite(), limits=Limits(memory=memory))  # type: ignore[arg-type]
    other = [one.expectation.type for one in verdicts if one.measured_by != "ibis"]
    if other:
        raise SystemExit(f"measured by another engine: {other}")
    return sum(one.success for one in verdicts)


def by_pandera(path: Path, memory: str | None) -> int:
    """How many of pandera's checks hold; it knows no quantiles, pairs, sums, keys of several columns or conditions."""
    import ibis
    import pandera.ibis as pandera

    check = pandera.Check
    present = {"order_id", "user_id", "net", "created"}
    checks = {
        "amount": [check.in_range(0, 500)],
        "discount": [check.in_range(0, 1)],
        "quantity": [check.in_range(1, 20)],
        "age": [check.in_range(18, 80)],
        "score": [check.in_range(-4, 4)],
        "latitude": [check.in_range(-90, 90)],
        "rating": [check.isin([1, 2, 3, 4, 5])],
        "status": [check.isin(["placed", "paid", "shipped", "delivered", "returned"])],
        "country": [check.isin(["US", "GB", "DE", "FR", "ES", "IT", "NL"])],
        "channel": [check.notin(["fax", "phone"]), check.isin(["web", "app", "store", "partner"])],
        "sku": [check.str_matches("^SKU-[0-9]{6}$"), check.str_length(10, 10)],
        "email": [check.str_matches("^[^@ ]+@[^@ ]+[.][a-z]+$")],
    }
    columns = {
        name: pandera.Column(
            nullable=name not in present, unique=name in ("order_id", "session"), checks=checks.get(name)
        )
        for name in sorted({*present, *checks, "session"})
    }
    settings = {"threads": 1} | ({"memory_limit": memory} if memory else {})
    table = ibis.duckdb.connect(**settings).read_parquet(path)
    total = len(present) + 2 + sum(map(len, checks.values()))
    try:
        pandera.DataFrameSchema(columns).validate(table, lazy=True)
    except pandera.errors.SchemaErrors as found:
        return total - len(found.schema_errors)
    return total


def by_gx_on_pandas(path: Path, _: str | None) -> int:
    """How many expectations hold."""
    import pandas as pd

    from nbprod.validating.gx import context, quiet

    with quiet():
        batch = context().data_sources.pandas_default.read_dataframe(pd.read_parquet(path))
        return _held(batch.validate(_genuine()))


def _patch_gx() -> None:
    """Let GX read a result before its connection is given back: DuckDB's is empty after that."""
    from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine

    def execute_query(self: SqlAlchemyExecutionEngine, query: object) -> object:
        with self.get_connection() as connection:
            return connection.execute(query).freeze()()

    SqlAlchemyExecutionEngine.execute_query = execute_query


def by_gx_on_duckdb(path: Path, memory: str | None) -> int:
    """How many expectations hold; GX, patched, measures in SQL through SQLAlchemy."""
    from nbprod.validating.gx import context, quiet

    with quiet(), tempfile.TemporaryDirectory() as folder:
        import duckdb

        _patch_gx()
        file = f"{folder}/orders.duckdb"
        with duckdb.connect(file) as connection:
            connection.sql(_VIEW.replace("{path}", str(path)))
        config = {"threads": 1} | ({"memory_limit": memory} if memory else {})
        source = context().data_sources.add_sql(
            name="duckdb", connection_string=f"duckdb:///{file}", kwargs={"connect_args": {"config": config}}
        )
        batch = (
            source.add_table_asset("orders", table_name="orders")
            .add_batch_definition_whole_table("all")
            .get_batch()
        )
        return _held(batch.validate(_genuine()))


def _genuine() -> object:
    from nbprod.expectations import gx_json
    from nbprod.validating.gx import great_expectations

    return great_expectations().ExpectationSuite(**gx_json(suite()))  # type: ignore[arg-type]


def _held(result: object) -> int:
    """How many expectations hold; raises if GX could judge less than half of them, as figures would mean nothing."""
    results = result.results  # type: ignore[attr-defined]
    raised = [one for one in results if _raised(one.exception_info or {})]
    if len(raised) > len(results) / 2:
        message = f"{len(raised)} of {len(results)} expectations raised instead of judging"
        raise SystemExit(message)
    return sum(bool(one.success) for one in results)


def _raised(info: dict[str, object]) -> bool:
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(isinstance(one, dict) and bool(one.get("raised_exception")) for one in info.values())


def measure(engine: str, path: Path, memory: str | None) -> dict[str, object]:
    """One engine's figures, in this process; what importing costs stands apart."""
    from nbprod.validating.gx import context

    started = time.process_time()
    if "gx" in engine or engine == "nbprod":
        context()
    if engine in ("nbprod", "pandera on ibis"):
        import ibis.backends.duckdb  # noqa: F401
    imported = time.process_time() - started
    cpu, wall = time.process_time(), time.perf_counter()
    run = {
        "query": by_query,
        "nbprod": by_nbprod,
        "pandera on ibis": by_pandera,
        "gx on pandas": by_gx_on_pandas,
        "gx on duckdb, patched": by_gx_on_duckdb,
    }[engine]
    held = run(path, memory)
    return {
        "engine": engine,
        "import CPU s": round(imported, 1),
        "CPU s": round(time.process_time() - cpu, 1),
        "wall s": round(time.perf_counter() - wall, 1),
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "held": held,
    }


def main() -> None:
    """Measure each engine in a process of its own and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} rows instead of {FULL:,}")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--folder", type=Path, help="where the table is kept for the next time")
    parser.add_argument("--engine", choices=ENGINES, action="append", help="only these")
    parser.add_argument("--memory", help="DuckDB's memory limit, such as 4GB")
    parser.add_argument("--measure", nargs=2, metavar=("ENGINE", "PATH"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure[0], Path(asked.measure[1]), asked.memory)))
        return
    rows = asked.rows or (QUICK if asked.quick else FULL)
    with tempfile.TemporaryDirectory() as scratch:
        path = (asked.folder or Path(scratch)) / f"orders-{rows}.parquet"
        if not path.exists():
            (orders if rows <= MOST_BY_NUMPY else many_orders)(path, rows)
        print(f"{rows:,} rows, {path.stat().st_size / 1e6:.0f} MB of parquet", flush=True)
        found = [_measured(engine, path, asked.memory) for engine in asked.engine or ENGINES]
    print(json.dumps({"benchmark": "validation", "rows": rows, "memory": asked.memory, "engines": found}))


def _measured(engine: str, path: Path, memory: str | None) -> dict[str, object]:
    command = [sys.executable, __file__, "--measure", engine, str(path)]
    command += ["--memory", memory] if memory else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no message"
        print(f"{engine:14} could not run: {last[:100]}", flush=True)
        return {"engine": engine, "failed": last[:100]}
    figures: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    print("  ".join(f"{name} {value}" for name, value in figures.items()), flush=True)
    return figures


if __name__ == "__main__":
    main()
