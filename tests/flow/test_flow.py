from __future__ import annotations

import pytest
from cut_notebooks import notebook_of

from nbprod.flow import flow_of, suggest
from nbprod.model import Kind, LinkReason, Need, Severity

FRAME = "import pandas as pd"


def flow(*sources, tags=None):
    return flow_of(notebook_of(*sources, tags=tags))


def errors(findings):
    return [(one.rule, one.message) for one in findings if one.severity is Severity.ERROR]


def test_a_stage_needs_what_earlier_stages_make_and_copies_definitions():
    found, findings = flow(
        "import pandas as pd\nLIMIT = 3",
        "%%parameters\npath = 'a.csv'  # where the table is",
        "%%stage load\ndf = pd.read_csv(path)",
        "%%stage clean\ndf['x'] = df.a + LIMIT",
        "df.plot()",
        "%%stage train\ntotal = df.x.sum()",
    )
    load, clean, train = found.stages
    assert not findings
    assert (load.gives, load.reads, load.kind) == (("df",), ("path",), Kind.LOAD)
    assert (clean.needs, clean.gives) == ((Need(name="df", giver="load"),), ("df",))
    assert [snippet.code for snippet in clean.preamble] == ["LIMIT = 3"]
    assert (train.needs, train.gives) == ((Need(name="df", giver="clean"),), ("total",))
    assert [(out.cell, out.reason) for out in found.left_out] == [(4, "It only shows things.")]
    assert (found.parameters[0].name, found.parameters[0].description) == ("path", "where the table is")


REFUSALS = {
    "a name that an untagged cell makes": (
        (FRAME, "df = pd.read_csv('x')", "%%stage a\ny = df.sum()"),
        ("no-giver", "Stage 'a' reads 'df', which cell 2 makes, and that cell belongs to no stage."),
    ),
    "a value that an untagged cell changes": (
        ("%%stage a\nxs = list('ab')", "xs.append('c')", "%%stage b\ny = len(xs)"),
        ("no-giver", "Stage 'b' reads 'xs', which cell 2 changes, and that cell belongs to no stage."),
    ),
    "a name that no cell makes": (
        ("%%stage a\nfeatures = list('ab')", "%%stage b\ny = len(featurs)"),
        ("no-giver", "Stage 'b' reads 'featurs', which no stage gives."),
    ),
    "a file that an untagged cell writes": (
        (FRAME, "pd.DataFrame().to_csv('x.csv')", "%%stage a\ny = pd.read_csv('x.csv')"),
        ("file-outside-stages", "Stage 'a' reads 'x.csv', which a cell that belongs to no stage writes."),
    ),
    "an open file that another stage reads": (
        ("%%stage a\nf = open('x')", "%%stage b\ny = f.read()"),
        (
            "cannot-cross",
            "Stage 'b' reads 'f' of stage 'a', which is an open file and cannot leave the process that made it.",
        ),
    ),
    "an object with a lock that another stage uses": (
        (
            "import threading\nclass Count:\n    def __init__(self):\n        self.lock = threading.Lock()",
            "%%stage a\ncount = Count()",
            "%%stage b\nwith count.lock:\n    n = 1",
        ),
        (
            "cannot-cross",
            (
                "Stage 'b' reads 'count' of stage 'a', which is an object that holds a thread or a lock (.lock)"
                " and cannot leave the process that made it."
            ),
        ),
    ),
    "a syntax error": (
        ("%%stage a\nx = = 1",),
        ("syntax-error", "This cell is no Python: invalid syntax."),
    ),
}


@pytest.mark.parametrize(("sources", "error"), REFUSALS.values(), ids=REFUSALS)
def test_what_no_plan_can_do_right_is_an_error_before_it_runs(sources, error):
    assert errors(flow(*sources)[1]) == [error]


LOG = "class Log:\n    def __init__(self):\n        self.file = open('x', 'w')\n        self.lines = []\n"
CLOSED = {
    "let go of before the border": (LOG, "%%stage a\nlog = Log()\nlog.file.close()\nlog.file = None"),
    "left out by the class": (
        f"{LOG}    def __getstate__(self):\n        return self.lines",
        "%%stage a\nlog = Log()",
    ),
    "opened after the border": (LOG.replace("open('x', 'w')", "''"), "%%stage a\nlog = Log()"),
}


@pytest.mark.parametrize("made", CLOSED.values(), ids=CLOSED)
def test_object_whose_open_file_stays_behind_crosses(made):
    _, findings = flow(*made, "%%stage b\nlog.lines.append(1)\nlog.file = open('y')")
    assert errors(findings) == []


def test_stages_that_need_each_other_are_reported_and_the_flow_stays_without_circle():
    found, findings = flow(
        "%%stage a\nx = len('a')", "%%stage b\ny = x + 1", "%%stage a\nz = y + 1", "%%stage c\nw = z"
    )
    assert [rule for rule, _ in errors(findings)] == ["cycle"]
    assert [stage.name for stage in found.stages] == ["a", "b", "c"]


def test_an_order_that_only_a_file_keeps_is_a_link():
    found, _ = flow(FRAME, "%%stage a\npd.DataFrame().to_csv('x.csv')", "%%stage b\ny = pd.read_csv('x.csv')")
    assert [(one.giver, one.taker, one.reason, one.carries) for one in found.links] == [
        ("a", "b", LinkReason.FILE, ("x.csv",))
    ]


def test_random_state_that_runs_on_is_a_link():
    found, _ = flow(
        "import random\nrandom.seed(1)", "%%stage a\nx = random.random()", "%%stage b\ny = random.random()"
    )
    assert [(one.giver, one.taker, one.reason, one.carries) for one in found.links] == [
        ("a", "b", LinkReason.STATE, ("random.state",))
    ]


def test_what_an_expectation_names_is_given():
    found, _ = flow("%%stage a\nxs = list('ab')\nys = list(xs)", "%%expect xs\n...", "%%stage b\nn = len(ys)")
    assert found.stage("a").gives == ("xs", "ys")


def test_parallel_branches_each_take_from_the_stage_that_made_the_value():
    found, _ = flow(
        "%%stage a\nx = list('ab')",
        "%%stage b\ny = x + ['b']",
        "%%stage c\nx = x + ['c']",
        "%%stage d\nz = [x, y]",
    )
    assert found.stage("d").needs == (Need(name="x", giver="c"), Need(name="y", giver="b"))


def test_a_suggestion_has_stages_in_order_with_constants_as_parameters():
    found = suggest(
        notebook_of(
            "import pandas as pd\nfrom sklearn.linear_model import LinearRegression",
            "SEED = 3\nPATH = 'x.csv'",
            "df = pd.read_csv(PATH, parse_dates=['when'])",
            "df['lag'] = df.x.shift(1)",
            "model = LinearRegression().fit(df[['lag']], df.y)\nprint(SEED)",
        )
    )
    assert [(one.name, one.cells) for one in found.stages] == [
        ("load", (2,)),
        ("features", (3,)),
        ("train", (4,)),
    ]
    assert [one.parameter.name for one in found.parameters] == ["SEED", "PATH"]
    assert (found.parameter_cells, found.time_columns) == ((1,), ("when",))


BETWEEN = {
    "a setting between a stage's cells": (
        "%%stage a\nimport numpy as np\nx = str(np.float64(0.12345))",
        "np.set_printoptions(precision=2)",
        "%%stage a\nimport numpy as np\ny = str(np.array([0.12345]))",
    ),
    "a definition that takes what the stage makes": (
        "%%stage a\nacc = list('a')",
        "def add(x, to=acc):\n    to.append(x)",
        "%%stage a\nadd('b')",
    ),
}


@pytest.mark.parametrize("cells", BETWEEN.values(), ids=BETWEEN)
def test_what_would_run_too_early_as_a_copy_is_refused(cells):
    _, findings = flow(*cells)
    assert [rule for rule, _ in errors(findings)] in (["out-of-place"], ["no-giver"])


def test_suggested_stage_holds_the_definitions_between_its_cells():
    found = suggest(notebook_of("x = [1]\nx.append(2)", "y = len", "x.append(y(x))"))
    assert [stage.cells for stage in found.stages] == [(0, 1, 2)]


def test_module_that_no_statement_imports_is_loaded_where_it_is_used():
    found, findings = flow(
        "import matplotlib as mpl\nimport seaborn as sns",
        "%%stage a\nx = [len('a')]",
        "%%stage b\nmpl.pyplot.figure()\ny = x + [1]",
    )
    codes = {stage.name: [one.code for one in stage.preamble] for stage in found.stages}
    assert not findings
    assert codes == {"a": [], "b": ["import matplotlib as mpl", '__import__("matplotlib.pyplot")']}
