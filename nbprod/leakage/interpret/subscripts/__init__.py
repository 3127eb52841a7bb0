"""Subscripts: what `a[i]` takes of frames, columns and lists, and what `a[i] = value` leaves in them."""

from nbprod.leakage.interpret.subscripts.reading import taken, under_key
from nbprod.leakage.interpret.subscripts.storing import store
from nbprod.leakage.interpret.subscripts.stretches import ahead_of_position, at_place, sliced

__all__ = ["ahead_of_position", "at_place", "sliced", "store", "taken", "under_key"]
