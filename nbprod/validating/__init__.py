"""Suites judged against artifacts: Ibis measures, Great Expectations judges."""
