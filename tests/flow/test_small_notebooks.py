from __future__ import annotations

import cases
import harder_cases
import pytest
from cut_notebooks import notebook_of, outcome_of

RIGHT = cases.RIGHT | harder_cases.RIGHT
REFUSED = cases.REFUSED | harder_cases.REFUSED


@pytest.mark.parametrize("cells", RIGHT.values(), ids=RIGHT)
def test_a_stage_for_each_cell_computes_what_the_notebook_does(cells):
    outcome = outcome_of(notebook_of(*cells))
    assert (outcome.refused, outcome.wrong) == ((), ())
    assert "out" in outcome.flow.stages[-1].gives


@pytest.mark.parametrize("cells", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_cut_is_refused_with_a_reason(cells):
    assert outcome_of(notebook_of(*cells)).refused
