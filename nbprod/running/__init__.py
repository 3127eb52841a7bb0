"""Running a plan: papermill's home. Warm kernels, cache, schedule, records."""

from nbprod.running.run import run

__all__ = ["run"]
