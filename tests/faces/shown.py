"""Studies and records that several tests of the faces show."""

from nbprod.model import (
    Edit,
    Expectation,
    Finding,
    Flow,
    Kind,
    LeftOut,
    Link,
    LinkReason,
    Need,
    Parameter,
    Proof,
    Record,
    Severity,
    Span,
    Stage,
    StageRun,
    State,
    Step,
    Study,
    Suite,
    Verdict,
)

FLOW = Flow(
    stages=(
        Stage(name="load", kind=Kind.LOAD, cells=(1,), gives=("flights", "weather"), reads=("month",)),
        Stage(
            name="features",
            kind=Kind.FEATURES,
            cells=(2, 3, 5),
            needs=(Need(name="flights", giver="load"), Need(name="weather", giver="load")),
            gives=("table",),
        ),
        Stage(name="train", kind=Kind.TRAIN, cells=(6,), needs=(Need(name="table", giver="features"),)),
    ),
    links=(
        Link(giver="load", taker="features", carries=("flights", "weather")),
        Link(giver="features", taker="train", carries=("table",)),
        Link(giver="load", taker="train", reason=LinkReason.FILE, carries=("holidays.csv",)),
    ),
    parameters=(Parameter(name="month", type="int", default=1, span=Span(cell=0)),),
    left_out=(LeftOut(cell=4, reason="it only shows values"),),
)
LEAK = Finding(
    rule="shift-into-future",
    severity=Severity.ERROR,
    message="Feature 'next_delay' reads the next row's delay.",
    span=Span(cell=2, line=4, column=0, end_line=4, end_column=31),
    verdict=Proof.SUSPECTED,
    column_names=("next_delay",),
    horizon="+1 row",
    path=(
        Step(span=Span(cell=2, line=4), says="shift(-1) reads one row ahead"),
        Step(span=Span(cell=6, line=2), says="'next_delay' reaches X of fit"),
    ),
    remedy="Shift by a positive number of rows.",
    edits=(Edit(span=Span(cell=2, line=4, column=24, end_line=4, end_column=26), replacement="1"),),
    stage="features",
)
SUITE = Suite(
    value="flights",
    expectations=(
        Expectation(type="expect_column_values_to_not_be_null", arguments={"column": "carrier"}),
        Expectation(
            type="expect_column_values_to_be_between", arguments={"column": "distance", "min_value": 0}
        ),
    ),
)
STUDY = Study(notebook="flights.ipynb", flow=FLOW, suites=(SUITE,), findings=(LEAK,))
HELD = Verdict(
    expectation=SUITE.expectations[0],
    success=True,
    value="flights",
    stage="load",
    element_count=4,
    broken_count=0,
)
BROKE = Verdict(
    expectation=SUITE.expectations[1],
    success=False,
    value="flights",
    stage="load",
    element_count=4,
    broken_count=2,
    samples=(-5, -9),
    rows=({"carrier": "AA", "distance": -5}, {"carrier": "<b>UA</b>", "distance": -9}),
)
RECORD = Record(
    id="20130101-000000-abc",
    pipeline="flights",
    source="flights.ipynb",
    folder=".nbprod/runs/20130101-000000-abc",
    state=State.BROKEN,
    started="2013-01-01T00:00:00+00:00",
    seconds=3.5,
    parameters={"month": 3},
    stages=(
        StageRun(
            stage="load",
            state=State.BROKEN,
            seconds=3.2,
            notebook="01-load.ipynb",
            verdicts=(HELD, BROKE),
            reason="A critical expectation on 'flights' broke.",
        ),
        StageRun(stage="features", state=State.SKIPPED, reason="It needs 'flights' from 'load'."),
        StageRun(stage="train", state=State.SKIPPED, reason="It needs 'table' from 'features'."),
    ),
)
