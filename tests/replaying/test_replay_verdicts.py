"""Verdicts joined, findings worded, cuts counted, and the laws of the small parts."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbprod.flow import flow_of
from nbprod.model import Finding, Proof, Severity, Span, Witness
from nbprod.notebook import parse
from nbprod.replaying import (
    DEFAULT_CUTS,
    MOST_CUTS,
    Chunk,
    ColumnReplay,
    Declarations,
    Power,
    Replay,
    chunks_of,
    declarations_of,
    findings_of,
    joined,
    labels_of,
    runs_at_most,
)
from nbprod.replaying.stamps import Axis, axis_of, span_text, stamp_of, stamps_of, text_of
from nbprod.replaying.withhold import Probe, ProbeKind, probe_of

_WITNESS = Witness(
    stage="features",
    output="d",
    column="f",
    row="when=2026-01-02T00:00:00",
    cut="2026-01-02T00:00:00",
    probe="withheld",
    value_with_future="3",
    value_without_future="missing",
)
_STRONG = Power(truncated=3, altered=1, rows=90)


def _report(verdict: Proof, *, power: Power = _STRONG, column: str = "f") -> Replay:
    confirmed = verdict is Proof.CONFIRMED
    one = ColumnReplay(
        output="d",
        column=column,
        verdict=verdict,
        witness=_WITNESS if confirmed else None,
        horizon="24 hours" if confirmed else None,
        is_exact=confirmed,
        reason="" if confirmed else "because",
    )
    return Replay(stage="features", columns=(one,), runs=6, power=power)


def _static(verdict: Proof, *, column: str = "f", severity: Severity = Severity.ERROR) -> Finding:
    return Finding(
        rule="shift-into-future",
        severity=severity,
        message="It looks ahead.",
        verdict=verdict,
        column_names=(column,),
        stage="features",
    )


@pytest.mark.parametrize(
    ("static", "replayed", "expected"),
    [
        (_static(Proof.SUSPECTED), _report(Proof.CONFIRMED), (Proof.CONFIRMED, Severity.ERROR)),
        (
            _static(Proof.PROVED_CLEAN, severity=Severity.NOTE),
            _report(Proof.CONFIRMED),
            (Proof.CONFIRMED, Severity.ERROR),
        ),
        (_static(Proof.SUSPECTED), _report(Proof.NOT_REPRODUCED), (Proof.NOT_REPRODUCED, Severity.NOTE)),
        (
            _static(Proof.SUSPECTED),
            _report(Proof.NOT_REPRODUCED, power=Power(truncated=1)),
            (Proof.SUSPECTED, Severity.ERROR),
        ),
        (_static(Proof.SUSPECTED), _report(Proof.UNPROVED), (Proof.SUSPECTED, Severity.ERROR)),
        (
            _static(Proof.SUSPECTED, column="g"),
            _report(Proof.NOT_REPRODUCED),
            (Proof.SUSPECTED, Severity.ERROR),
        ),
        (
            _static(Proof.PROVED_CLEAN, severity=Severity.NOTE),
            _report(Proof.NOT_REPRODUCED),
            (Proof.PROVED_CLEAN, Severity.NOTE),
        ),
    ],
    ids=[
        "a witness confirms",
        "a witness refutes a proof",
        "silence with power",
        "silence without power",
        "not assessed",
        "another column",
        "a proof stays",
    ],
)
def test_replay_and_static_analysis_give_one_verdict(static, replayed, expected):
    (finding,) = joined([static], replayed)
    assert (finding.verdict, finding.severity) == expected


def test_a_confirmed_finding_bears_the_witness_and_the_measured_horizon():
    (finding,) = joined([_static(Proof.SUSPECTED)], _report(Proof.CONFIRMED))
    assert (finding.witness, finding.horizon) == (_WITNESS, "24 hours")


def test_what_only_replay_has_found_is_added():
    findings = joined([_static(Proof.SUSPECTED, column="g")], _report(Proof.CONFIRMED))
    assert [finding.rule for finding in findings] == ["shift-into-future", "reads-the-future"]


def test_findings_that_are_not_about_leakage_stay_as_they_are():
    other = Finding(rule="cycle", severity=Severity.ERROR, message="Round and round.")
    assert joined([other], _report(Proof.NOT_REPRODUCED)) == (other,)


def test_a_finding_tells_how_far_which_row_and_where():
    chunks = [
        Chunk(source="d['f'] = 1\n\nd['f'] = d['x']", cell=3, first_line=2),
        Chunk(source="d[['f']]", cell=4),
    ]
    (finding,) = findings_of(_report(Proof.CONFIRMED), chunks=chunks)
    assert finding.message == (
        "'f' of 'd' reads 24 hours ahead and so depends on the future: row when=2026-01-02T00:00:00 is 3 with all "
        "data and missing without what became known after 2026-01-02T00:00:00."
    )
    assert finding.span == Span(cell=3, line=4, column=0, end_line=4, end_column=6)


def test_which_rows_exist_counts_for_every_column_of_the_output():
    report = _report(Proof.CONFIRMED, column="*")
    (finding,) = findings_of(report)
    assert finding.message.startswith("Which rows of 'd' exist depends on the future")


def test_an_unassessed_column_is_a_note():
    (finding,) = findings_of(_report(Proof.UNPROVED))
    assert (finding.severity, finding.verdict) == (Severity.NOTE, Proof.UNPROVED)


def test_a_stage_crosses_with_its_definitions_and_the_places_of_its_cells():
    notebook = parse(
        "# %%\nAHEAD = -1\n\n# %%\n%%stage features --time when --known f=seen\nd['f'] = d['x'].shift(AHEAD)\n",
        name="a.py",
    )
    flow, _findings = flow_of(notebook)
    stage = flow.stage("features")
    assert [(chunk.cell, chunk.source.strip()) for chunk in chunks_of(notebook, stage)] == [
        (0, "AHEAD = -1"),
        (1, "d['f'] = d['x'].shift(AHEAD)"),
    ]
    assert declarations_of(stage.options) == Declarations(time="when", known=(("f", "seen"),))


@pytest.mark.parametrize(
    ("code", "labels"),
    [
        ("model.fit(d[['a', 'b']], d['gain'])", ("gain",)),
        ("X, v = d.drop(columns='gain'), d['gain'].to_numpy()\nmodel.fit(X, v)", ("gain",)),
        ("v = d.loc[:, 'gain']\ntrain_test_split(d[['a']], v)", ("gain",)),
        ("cross_val_score(model, d[['a']], y=d['gain'])", ("gain",)),
        ("d['target'] = d['a'].shift(-1)", ("target",)),
        ("d = d.assign(y_next=d.a.shift(-1), b=2)", ("y_next",)),
        ("scaler.fit(d[['a']])\nplot(d['a'], d['gain'])", ()),
    ],
    ids=["fitted to", "by a name", "split beside", "by keyword", "by its name", "in assign", "only plotted"],
)
def test_labels_are_told_by_their_use_or_name(code, labels):
    assert labels_of(parse(f"# %%\n{code}\n", name="a.py")) == labels


def test_the_budgets_are_those_that_are_promised():
    assert (runs_at_most(DEFAULT_CUTS), runs_at_most(MOST_CUTS)) == (6, 45)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (3_600_000_000_000, "1 hour"),
        (86_400_000_000_000, "24 hours"),
        (604_800_000_000_000, "7 days"),
        (5_400_000_000_000, "90 minutes"),
    ],
)
def test_spans_are_told_in_the_largest_unit_that_fits(nanoseconds, text):
    assert span_text(nanoseconds, axis=Axis.TIME) == text


def test_a_lower_bound_is_rounded_down():
    assert span_text(7515 * 60_000_000_000, axis=Axis.TIME, is_exact=False) == "5 days"


@settings(max_examples=50)
@given(st.datetimes(min_value=pd.Timestamp("1700-01-01"), max_value=pd.Timestamp("2200-01-01")))
def test_a_stamp_is_read_back_as_it_was_written(moment):
    stamps = stamps_of([moment], axis=Axis.TIME)
    assert stamps is not None
    assert stamp_of(text_of(int(stamps[0]), axis=Axis.TIME), axis=Axis.TIME) == stamps[0]


@settings(max_examples=50)
@given(
    st.sampled_from([ProbeKind.WITHHELD, ProbeKind.ALTERED, ProbeKind.PERMUTED]),
    st.integers(0, 99),
    st.sampled_from([1.0, 100.0]),
)
def test_a_probe_is_read_back_as_it_was_written(kind, seed, strength):
    told = str(Probe(kind=kind, cut=7, seed=seed, strength=strength))
    assert str(probe_of(told, cut=7)) == told


@pytest.mark.parametrize(
    ("values", "axis"),
    [
        (pd.date_range("2026", periods=3), Axis.TIME),
        (["2026-01-01", "2026-01-02 10:00"], Axis.TIME),
        (pd.period_range("2026-01", periods=3, freq="M"), Axis.TIME),
        ([1, 2, 3], Axis.WHOLE),
        ([0.5, 1.5], Axis.REAL),
        ([True, False], None),
        (["north", "south"], None),
    ],
    ids=["times", "text", "periods", "whole numbers", "fractions", "flags", "words"],
)
def test_a_time_column_is_known_by_its_values(values, axis):
    assert axis_of(values) is axis
