"""Hours and days that have too few rows, and rows out of order, break a suite for what follows a reference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbprod.expectations import expectation_text, read_expectations
from nbprod.validating import judge, judge_genuine, propose

KINDS = ("expect_column_values_to_be_increasing", "unexpected_rows_expectation")


def events(days, *, start="2026-01-01", seed=0, a_day=200):
    random = np.random.default_rng(seed)
    counts = random.poisson(a_day, days)
    at = np.repeat(pd.date_range(start, periods=days), counts) + pd.to_timedelta(
        random.integers(0, 86_400, counts.sum()), unit="s"
    )
    return pd.DataFrame({"at": at.sort_values(), "x": random.normal(size=counts.sum())})


@pytest.fixture(scope="module")
def suite():
    return propose(events(40), value="events", batch_rows=2_000, is_followed=True)


def broken(frame, suite):
    return {one.expectation.type for one in judge(frame, suite) if not one.success} & set(KINDS)


def next_days(seed=1, **other):
    return events(10, start="2026-03-01", seed=seed, **other)


def without_a_day(frame):
    return frame[frame["at"].dt.day != 5]


CHANGES = {
    "none": (lambda frame: frame, set()),
    "a day is missing": (without_a_day, {"unexpected_rows_expectation"}),
    "a day came twice": (
        lambda frame: pd.concat([frame, frame[frame["at"].dt.day == 5]]).sort_values("at"),
        {"unexpected_rows_expectation"},
    ),
    "half a day is missing": (
        lambda frame: frame[(frame["at"].dt.day != 5) | (frame["at"].dt.hour < 12)],
        {"unexpected_rows_expectation"},
    ),
    "the first and the last day are cut": (
        lambda frame: frame[(frame["at"] > "2026-03-01 20:00") & (frame["at"] < "2026-03-10 03:00")],
        set(),
    ),
    "rows are shuffled": (
        lambda frame: frame.sample(frac=1, random_state=3),
        {"expect_column_values_to_be_increasing"},
    ),
    "some times are missing": (
        lambda frame: frame.assign(at=frame["at"].where(frame.index % 300 > 0)),
        set(),
    ),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_what_changes_in_time_breaks_the_suite(suite, change, expected):
    assert broken(change(next_days()), suite) == expected


def test_days_like_those_of_the_reference_raise_no_alarm(suite):
    assert [broken(next_days(seed), suite) for seed in range(2, 8)] == [set()] * 6


def test_hours_are_counted_where_days_are_few():
    two_days = events(2, a_day=2_400)
    suite = propose(two_days, value="events", batch_rows=500, is_followed=True)
    (volume,) = (one for one in suite.expectations if one.type == "unexpected_rows_expectation")
    assert volume.description.startswith("Each hour of at has ")
    assert broken(two_days[two_days["at"].dt.hour != 7], suite) == {"unexpected_rows_expectation"}


def test_a_reference_that_shows_neither_proposes_neither():
    frames = {
        "not said that batches follow": (events(40), False),
        "one moment": (events(40).assign(at=pd.Timestamp("2026-01-01")), True),
        "an hour": (
            events(40).assign(at=lambda frame: frame["at"].dt.floor("h").dt.normalize()).head(150),
            True,
        ),
    }
    for name, (frame, is_followed) in frames.items():
        suite = propose(frame, value="events", is_followed=is_followed)
        assert (name, {one.type for one in suite.expectations} & set(KINDS)) == (name, set())


def test_volume_is_a_genuine_expectation_with_a_text(suite):
    (volume,) = (one for one in suite.expectations if one.type == "unexpected_rows_expectation")
    (read,) = read_expectations(expectation_text(volume))
    assert (read.arguments, read.notes) == (volume.arguments, volume.notes)
    result = judge_genuine(without_a_day(next_days()), suite)
    (found,) = (one for one in result.results if one.expectation_config.type == "unexpected_rows_expectation")
    assert found.result["observed_value"] == 1
