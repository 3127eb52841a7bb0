"""The condition of a retrain: read as written, told where it is wrong, and a fact that fired doesn't fire twice."""

import pytest

from nbprod.continuous.conditions import Observed, judged, parse
from nbprod.errors import NbprodError

SEEN = {
    "new-data": Observed(figure=1.0, says="other data", key="d1"),
    "drift": Observed(figure=0.1, says="PSI 0.1", key="v1 w1"),
    "metric": Observed(figure=0.75, says="0.75", key="v1 w1"),
    "mae": Observed(figure=None, says="no labels yet", key="v1 w1"),
    "rows": Observed(figure=500.0, says="500", key="w1"),
    "age": Observed(figure=40 * 86400.0, says="40 days", key="v1"),
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("new-data", True),
        ("drift", False),
        ("drift > 0.05", True),
        ("metric < 0.8", True),
        ("metric >= 0.8", False),
        ("mae > 3", False),
        ("not mae > 3", True),
        ("age > 30d", True),
        ("age > 6w", False),
        ("age > 960h and rows >= 500", False),
        ("age >= 960h and rows >= 500", True),
        ("drift or metric < 0.8 or age > 90d", True),
        ("drift and (metric < 0.8 or age > 30d)", False),
        ("not drift and new-data", True),
        ("never or never", False),
        ("always", True),
    ],
)
def test_a_condition_holds_as_it_reads(text, holds):
    assert judged(parse(text), SEEN, acted_on=frozenset()).holds is holds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("new_data", "character 1: In `new_data` 'new_data' is no fact. Did you mean 'new-data'?"),
        ("drift or metrik < 1", "character 10: .* 'metrik' is no fact. Did you mean 'metric'"),
        ("metric", "'metric' is compared with nothing"),
        ("metric < ", "'metric <' lacks its limit"),
        ("age > 30", "'30' is not a duration. As in `age > 30d`"),
        ("metric < 3d", "'3d' is not a number"),
        ("new-data > 3", "'new-data' is or is not"),
        ("(drift", "a bracket is left open"),
        ("drift drift", "character 7: .*'drift' is one too many"),
        ("drift & age > 1d", "character 6: '&' is no part of a condition"),
        ("", "a fact is missing"),
        ("drift or", "a fact is missing"),
    ],
)
def test_a_condition_that_is_wrong_is_told_where(text, says):
    with pytest.raises(NbprodError, match=says):
        parse(text)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("new-data", False),
        ("new-data or metric < 0.8", True),
        ("new-data and age > 30d", True),
        ("not new-data", False),
    ],
    ids=["alone", "with another", "joined to another", "denied"],
)
def test_what_was_acted_on_does_not_fire_again_but_still_is_so(text, holds):
    assert judged(parse(text), SEEN, acted_on=frozenset({"d1"})).holds is holds
