"""Three cuts become one: what both sides did since base, minimal, sound, and with every disagreement named.

registers   one value three times
ranges      in- and out-point, source and speed of an item
surveys     what one side did to the order and the places of a track
tracks      which tracks there are, and which take nothing from theirs
things      item by item: taken, both, removed
ripples     which displacements are still to be made on a track
free, magnetic  the lanes
marks       transitions, markers, settings
attempts    one attempt at the merged cut
whole       attempts until it is sound; conflicts; the policy
remedies    what settles a conflict
words       conflicts in words
"""

from __future__ import annotations

from genlock.timeline.merge.whole import Merged, Policy, merge

__all__ = ["Merged", "Policy", "merge"]
