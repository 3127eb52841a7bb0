"""What is larger than DuckDB's memory limit is judged within it: what doesn't fit is spilled, quantiles are narrowed."""

from __future__ import annotations

import json
import subprocess
import sys

import duckdb
import pyarrow.parquet as pq

SUITE = """
ColumnValuesToBeUnique(column="a")
CompoundColumnsToBeUnique(column_list=["a", "b"])
ColumnUniqueValueCountToBeBetween(column="b", min_value=500_000)
ColumnValuesToMatchRegex(column="c", regex="^[0-9a-f]+$")
ColumnMedianToBeBetween(column="n", min_value=0.49, max_value=0.51)
ColumnQuantileValuesToBeBetween(column="n", quantile_ranges={"quantiles": [0.1], "value_ranges": [[0.09, 0.11]]})
ColumnValuesToNotBeNull(column="d")
"""
JUDGE = """
import json, resource, sys
from nbprod.expectations import read_expectations
from nbprod.model import Suite
from nbprod.validating import Limits, judge
from nbprod.validating.gx import context

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

context()
judge({"value": 1}, Suite(value="t", expectations=read_expectations("TableRowCountToEqual(value=1)")))
before = peak_mb()
suite = Suite(value="t", expectations=read_expectations(sys.argv[2]))
verdicts = judge(sys.argv[1], suite, limits=Limits(memory="80MB"))
print(json.dumps([[one.success for one in verdicts], [one.error for one in verdicts if one.error], peak_mb() - before]))
"""
TEXTS = ", ".join(
    f"{' || '.join(f'md5((i + {4 * salt + part})::VARCHAR)' for part in range(4))} AS {name}"
    for salt, name in enumerate("abcd")
)


def test_a_table_beyond_the_memory_limit_is_judged_within_it(tmp_path):
    path = tmp_path / "long.parquet"
    query = f"SELECT {TEXTS}, (hash(i) / 18446744073709551616.0) AS n FROM range(500000) AS t(i)"  # noqa: S608
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 100000)")
    with pq.ParquetFile(path) as file:
        size_mb = (
            sum(file.metadata.row_group(one).total_byte_size for one in range(file.num_row_groups)) / 1e6
        )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", JUDGE, str(path), SUITE],
        capture_output=True,
        text=True,
        check=True,
    )
    successes, errors, grown_mb = json.loads(done.stdout.splitlines()[-1])
    assert (successes, errors) == ([True] * 7, [])
    # Hashes are sorted and Arrow passes batches outside of DuckDB's limit: never more than 0.6 GB beside it.
    assert grown_mb < 80 + 160 < size_mb
