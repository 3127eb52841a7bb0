"""The rules: one file each, whose docstring is its manual page and its test cases."""

from __future__ import annotations

from nbprod.leakage.rules import (
    backward_fill,
    centred_window,
    cross_entity_shift,
    early_stopping_on_test,
    event_time_join,
    fit_before_split,
    fitted_on_test,
    forward_asof_join,
    forward_window,
    interpolation_reads_ahead,
    no_gap,
    not_yet_known,
    opaque_call,
    overlap_of_train_and_test,
    period_aggregate,
    reads_the_future,
    resample_before_split,
    same_entity_both_sides,
    shift_into_future,
    shuffled_temporal_split,
    target_in_features,
    test_before_train,
    test_set_reused,
    tuned_on_test,
    unbounded_join,
    unsorted_shift,
    unused_allow,
    whole_sample_statistic,
)
from nbprod.leakage.rules.rule import Rule

_MODULES = (
    backward_fill,
    centred_window,
    cross_entity_shift,
    early_stopping_on_test,
    event_time_join,
    fit_before_split,
    fitted_on_test,
    forward_asof_join,
    forward_window,
    interpolation_reads_ahead,
    no_gap,
    not_yet_known,
    opaque_call,
    overlap_of_train_and_test,
    period_aggregate,
    reads_the_future,
    resample_before_split,
    same_entity_both_sides,
    shift_into_future,
    shuffled_temporal_split,
    target_in_features,
    test_before_train,
    test_set_reused,
    tuned_on_test,
    unbounded_join,
    unsorted_shift,
    unused_allow,
    whole_sample_statistic,
)
RULES: dict[str, Rule] = {module.RULE.name: module.RULE for module in _MODULES}

__all__ = ["RULES", "Rule"]
