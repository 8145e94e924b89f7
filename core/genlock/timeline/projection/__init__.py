"""Profiles put to work: a cut as a format would give it back, what that loses, and a returned cut with everything put
back that the format could not tell."""

from genlock.timeline.projection.agreement import disagreements
from genlock.timeline.projection.lifting import lift
from genlock.timeline.projection.registers import Same
from genlock.timeline.projection.stripping import levelled, losses, project
from genlock.timeline.projection.table import PLACEHOLDER, Lost

__all__ = ["PLACEHOLDER", "Lost", "Same", "disagreements", "levelled", "lift", "losses", "project"]
