"""The proof that a plan computes what its notebook does: both are run, and every value given is compared."""

from nbprod.verifying.cuts import Cut, flow_cut
from nbprod.verifying.verify import verify

__all__ = ["Cut", "flow_cut", "verify"]
