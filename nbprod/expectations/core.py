"""Great Expectations' core expectations as data. Written by tests/expectations/core_of_gx.py: not by hand."""

GX_VERSION = "1.24.1"

# class: (type, arguments); `!` marks a required argument, the words after the colon what it takes
CORE: dict[str, tuple[str, tuple[str, ...]]] = {
    "ExpectColumnDistinctValuesToBeInSet": (
        "expect_column_distinct_values_to_be_in_set",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "value_set!: any or parameter",
        ),
    ),
    "ExpectColumnDistinctValuesToContainSet": (
        "expect_column_distinct_values_to_contain_set",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "value_set!: any or parameter",
        ),
    ),
    "ExpectColumnDistinctValuesToEqualSet": (
        "expect_column_distinct_values_to_equal_set",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "value_set!: any or parameter",
        ),
    ),
    "ExpectColumnKLDivergenceToBeLessThan": (
        "expect_column_kl_divergence_to_be_less_than",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "partition_object: any or parameter",
            "threshold: number or parameter",
            "internal_weight_holdout: number or parameter",
            "tail_weight_holdout: number or parameter",
            "bucketize_data: flag or parameter",
            "min_value: bound or parameter",
            "max_value: bound or parameter",
        ),
    ),
    "ExpectColumnMaxToBeBetween": (
        "expect_column_max_to_be_between",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "min_value: bound or parameter",
            "max_value: bound or parameter",
            "strict_min: flag or parameter",
            "strict_max: flag or parameter",
        ),
    ),
    "ExpectColumnMeanToBeBetween": (
        "expect_column_mean_to_be_between",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "min_value: bound or parameter",
            "max_value: bound or parameter",
            "strict_min: flag or parameter",
            "strict_max: flag or parameter",
        ),
    ),
    "ExpectColumnMedianToBeBetween": (
        "expect_column_median_to_be_between",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "min_value: bound or parameter",
            "max_value: bound or parameter",
            "strict_min: flag or parameter",
            "strict_max: flag or parameter",
        ),
    ),
    "ExpectColumnMinToBeBetween": (
        "expect_column_min_to_be_between",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "min_value: bound or parameter",
            "max_value: bound or parameter",
            "strict_min: flag or parameter",
            "strict_max: flag or parameter",
        ),
    ),
    "ExpectColumnMostCommonValueToBeInSet": (
        "expect_column_most_common_value_to_be_in_set",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "value_set!: any or parameter",
            "ties_okay: flag or parameter",
        ),
    ),
    "ExpectColumnPairValuesAToBeGreaterThanB": (
        "expect_column_pair_values_a_to_be_greater_than_b",
        (
            "column_A!: text",
            "column_B!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "or_equal: flag or parameter",
            "ignore_row_if: text or parameter",
        ),
    ),
    "ExpectColumnPairValuesToBeEqual": (
        "expect_column_pair_values_to_be_equal",
        (
            "column_A!: text",
            "column_B!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "ignore_row_if: text or parameter",
        ),
    ),
    "ExpectColumnPairValuesToBeInSet": (
        "expect_column_pair_values_to_be_in_set",
        (
            "column_A!: text",
            "column_B!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "value_pairs_set!: list or parameter",
            "ignore_row_if: text or parameter",
        ),
    ),
    "ExpectColumnProportionOfNonNullValuesToBeBetween": (
        "expect_column_proportion_of_non_null_values_to_be_between",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "min_value: number or parameter",
            "max_value: number or parameter",
            "strict_min: flag",
            "strict_max: flag",
        ),
    ),
    "ExpectColumnProportionOfUniqueValuesToBeBetween": (
        "expect_column_proportion_of_unique_values_to_be_between",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "min_value: number or parameter",
            "max_value: number or parameter",
            "strict_min: flag or parameter",
            "strict_max: flag or parameter",
        ),
    ),
    "ExpectColumnQuantileValuesToBeBetween": (
        "expect_column_quantile_values_to_be_between",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "quantile_ranges!: any or parameter",
            "allow_relative_error: flag or parameter",
        ),
    ),
    "ExpectColumnStdevToBeBetween": (
        "expect_column_stdev_to_be_between",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "min_value: number or parameter",
            "max_value: number or parameter",
            "strict_min: flag or parameter",
            "strict_max: flag or parameter",
        ),
    ),
    "ExpectColumnSumToBeBetween": (
        "expect_column_sum_to_be_between",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "min_value: bound or parameter",
            "max_value: bound or parameter",
            "strict_min: flag or parameter",
            "strict_max: flag or parameter",
        ),
    ),
    "ExpectColumnToExist": (
        "expect_column_to_exist",
        (
            "column!: text",
            "column_index: number or parameter",
        ),
    ),
    "ExpectColumnTypeToBe": (
        "expect_column_type_to_be",
        (
            "column!: text",
            "type_!: text or parameter",
        ),
    ),
    "ExpectColumnUniqueValueCountToBeBetween": (
        "expect_column_unique_value_count_to_be_between",
        (
            "column!: text",
            "row_condition: condition",
            "condition_parser: text",
            "min_value: number or parameter",
            "max_value: number or parameter",
            "strict_min: flag or parameter",
            "strict_max: flag or parameter",
        ),
    ),
    "ExpectColumnValueLengthsToBeBetween": (
        "expect_column_value_lengths_to_be_between",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "min_value: number or parameter",
            "max_value: number or parameter",
            "strict_min: flag or parameter",
            "strict_max: flag or parameter",
        ),
    ),
    "ExpectColumnValueLengthsToEqual": (
        "expect_column_value_lengths_to_equal",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "value!: number or parameter",
        ),
    ),
    "ExpectColumnValueZScoresToBeLessThan": (
        "expect_column_value_z_scores_to_be_less_than",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "threshold!: number or parameter",
            "double_sided!: flag or parameter",
        ),
    ),
    "ExpectColumnValuesToBeBetween": (
        "expect_column_values_to_be_between",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "min_value: bound or parameter",
            "max_value: bound or parameter",
            "strict_min: flag or parameter",
            "strict_max: flag or parameter",
        ),
    ),
    "ExpectColumnValuesToBeDateutilParseable": (
        "expect_column_values_to_be_dateutil_parseable",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
        ),
    ),
    "ExpectColumnValuesToBeDecreasing": (
        "expect_column_values_to_be_decreasing",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "strictly: flag or parameter",
        ),
    ),
    "ExpectColumnValuesToBeInSet": (
        "expect_column_values_to_be_in_set",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "value_set!: any or parameter",
        ),
    ),
    "ExpectColumnValuesToBeInTypeList": (
        "expect_column_values_to_be_in_type_list",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "type_list: list or parameter",
        ),
    ),
    "ExpectColumnValuesToBeIncreasing": (
        "expect_column_values_to_be_increasing",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "strictly: flag or parameter",
        ),
    ),
    "ExpectColumnValuesToBeJsonParseable": (
        "expect_column_values_to_be_json_parseable",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
        ),
    ),
    "ExpectColumnValuesToBeNull": (
        "expect_column_values_to_be_null",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
        ),
    ),
    "ExpectColumnValuesToBeOfType": (
        "expect_column_values_to_be_of_type",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "type_!: text or parameter",
        ),
    ),
    "ExpectColumnValuesToBeUnique": (
        "expect_column_values_to_be_unique",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
        ),
    ),
    "ExpectColumnValuesToMatchJsonSchema": (
        "expect_column_values_to_match_json_schema",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "json_schema!: any or parameter",
        ),
    ),
    "ExpectColumnValuesToMatchLikePattern": (
        "expect_column_values_to_match_like_pattern",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "like_pattern!: text or parameter",
            "escape: any or parameter",
        ),
    ),
    "ExpectColumnValuesToMatchLikePatternList": (
        "expect_column_values_to_match_like_pattern_list",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "like_pattern_list!: list or parameter",
            "match_on: text or parameter",
            "escape: any or parameter",
        ),
    ),
    "ExpectColumnValuesToMatchRegex": (
        "expect_column_values_to_match_regex",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "regex: text or parameter",
        ),
    ),
    "ExpectColumnValuesToMatchRegexList": (
        "expect_column_values_to_match_regex_list",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "regex_list!: list or parameter",
            "match_on: text or parameter",
        ),
    ),
    "ExpectColumnValuesToMatchStrftimeFormat": (
        "expect_column_values_to_match_strftime_format",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "strftime_format!: text or parameter",
        ),
    ),
    "ExpectColumnValuesToNotBeInSet": (
        "expect_column_values_to_not_be_in_set",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "value_set!: any or parameter",
        ),
    ),
    "ExpectColumnValuesToNotBeNull": (
        "expect_column_values_to_not_be_null",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
        ),
    ),
    "ExpectColumnValuesToNotBeOutliers": (
        "expect_column_values_to_not_be_outliers",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "method: text or parameter",
            "multiplier: number or parameter",
        ),
    ),
    "ExpectColumnValuesToNotMatchLikePattern": (
        "expect_column_values_to_not_match_like_pattern",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "like_pattern!: text or parameter",
            "escape: any or parameter",
        ),
    ),
    "ExpectColumnValuesToNotMatchLikePatternList": (
        "expect_column_values_to_not_match_like_pattern_list",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "like_pattern_list!: list or parameter",
            "escape: any or parameter",
        ),
    ),
    "ExpectColumnValuesToNotMatchRegex": (
        "expect_column_values_to_not_match_regex",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "regex!: text or parameter",
        ),
    ),
    "ExpectColumnValuesToNotMatchRegexList": (
        "expect_column_values_to_not_match_regex_list",
        (
            "column!: text",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "regex_list!: list or parameter",
        ),
    ),
    "ExpectCompoundColumnsToBeUnique": (
        "expect_compound_columns_to_be_unique",
        (
            "column_list!: any",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "ignore_row_if: text",
        ),
    ),
    "ExpectMulticolumnSumToEqual": (
        "expect_multicolumn_sum_to_equal",
        (
            "column_list!: list",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "ignore_row_if: text or parameter",
            "sum_total!: number or parameter",
        ),
    ),
    "ExpectMulticolumnValuesToBeEqual": (
        "expect_multicolumn_values_to_be_equal",
        (
            "column_list!: list",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "ignore_row_if: text or parameter",
        ),
    ),
    "ExpectQueryResultsToMatchComparison": (
        "expect_query_results_to_match_comparison",
        (
            "base_query!: text or parameter",
            "comparison_data_source_name!: text or parameter",
            "comparison_query!: text or parameter",
            "mostly: share or parameter",
        ),
    ),
    "ExpectSelectColumnValuesToBeUniqueWithinRecord": (
        "expect_select_column_values_to_be_unique_within_record",
        (
            "column_list!: any",
            "mostly: share or parameter",
            "row_condition: condition",
            "condition_parser: text",
            "ignore_row_if: text or parameter",
        ),
    ),
    "ExpectTableColumnCountToBeBetween": (
        "expect_table_column_count_to_be_between",
        (
            "min_value: bound or parameter",
            "max_value: bound or parameter",
        ),
    ),
    "ExpectTableColumnCountToEqual": (
        "expect_table_column_count_to_equal",
        ("value!: number or parameter",),
    ),
    "ExpectTableColumnsToMatchOrderedList": (
        "expect_table_columns_to_match_ordered_list",
        ("column_list: list or parameter",),
    ),
    "ExpectTableColumnsToMatchSet": (
        "expect_table_columns_to_match_set",
        (
            "column_set: list or parameter",
            "exact_match: flag or parameter",
        ),
    ),
    "ExpectTableRowCountToBeBetween": (
        "expect_table_row_count_to_be_between",
        (
            "min_value: number or parameter",
            "max_value: number or parameter",
            "strict_min: flag or parameter",
            "strict_max: flag or parameter",
            "row_condition: condition",
            "condition_parser: text",
        ),
    ),
    "ExpectTableRowCountToEqual": (
        "expect_table_row_count_to_equal",
        (
            "value!: number or parameter",
            "row_condition: condition",
            "condition_parser: text",
        ),
    ),
    "ExpectTableRowCountToEqualOtherTable": (
        "expect_table_row_count_to_equal_other_table",
        (
            "other_table_name!: text or parameter",
            "row_condition: condition",
            "condition_parser: text",
        ),
    ),
    "UnexpectedRowsExpectation": (
        "unexpected_rows_expectation",
        ("unexpected_rows_query!: text or parameter",),
    ),
}
