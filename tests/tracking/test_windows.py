"""The times of held-out rows: from their own column or an index that is truly shared, never from one that only counts."""

import pytest
from projects import project, ran

from nbprod.errors import NbprodError
from nbprod.tracking.entering import kept_plan_of
from nbprod.tracking.roles import roles_of
from nbprod.tracking.windows import held_out_window, training_window


def test_rows_that_keep_the_features_index_have_their_times(tmp_path):
    record = ran(project(tmp_path, expect=""))
    roles = roles_of(kept_plan_of(record))
    spans = training_window(record, roles).span, held_out_window(record, roles).span
    assert spans == (
        ("2026-01-01T00:00:00", "2026-02-09T23:00:00"),
        ("2026-02-10T00:00:00", "2026-02-19T23:00:00"),
    )


def test_rows_that_were_numbered_anew_have_no_times_that_can_be_told(tmp_path):
    split = (
        "%%stage split\n"
        "known = features.iloc[::-1].assign(y=past['y'].iloc[::-1]).reset_index(drop=True)\n"
        "is_past = known['time'].dt.day_of_year <= day\n"
        "X_train, y_train = known[is_past].drop(columns=['time', 'y']), known.loc[is_past, 'y']\n"
        "X_test, y_test = known[~is_past].drop(columns=['time', 'y']), known.loc[~is_past, 'y']"
    )
    record = ran(project(tmp_path, expect="", split=split))
    with pytest.raises(NbprodError, match="times can't be told"):
        held_out_window(record, roles_of(kept_plan_of(record)))
