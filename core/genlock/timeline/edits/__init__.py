"""Every edit of a timeline as a pure function of the state.

drafts         an edit in the making: ops so far, running state, tidying up, last guard
selection      which items and tracks a command means; whether what it brings can be used
rooms          room on a track: Gap items on magnetic ones, free frames on others; opening and closing
cutting        split, join, frames cut out
insertion, removal, trimming, moving, sources, links, transitions, markers, tracks, nesting
               the commands, by what they are about
perform        command -> function; batches
"""

from __future__ import annotations

from genlock.timeline.commands import EditCommand
from genlock.timeline.decision import Context, Decision, Refusal
from genlock.timeline.edits.drafts import Draft, EditRefused
from genlock.timeline.edits.perform import perform
from genlock.timeline.sequence import Sequence

__all__ = ["decide"]


def decide(state: Sequence, command: EditCommand, context: Context) -> Decision | Refusal:
    """Returns the ops that carry out the command, or why it is turned down. Never raises, never changes the state.

    The ops are valid for `state` as it is; new ids come from the context's command id alone.
    """
    draft = Draft(state, context)
    try:
        label = perform(draft, command)
    except EditRefused as refused:
        return refused.refusal
    return Decision(tuple(draft.ops), type(command).__name__, label, tuple(draft.spawned.items()))
