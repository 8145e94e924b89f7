# SPDX-License-Identifier: GPL-3.0-or-later
"""How a scene stands, as a value that a panel draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from genlock_client.errors import ProtocolMismatch
from genlock_client.partly import away
from genlock_client.session import Live
from genlock_client.sync import Asking, Idle, Keeping, Sending, Settling, Showing, Stopped, Sync

from .links import Broken, Link, Linked, Making, Question
from .states import NOTHING

if TYPE_CHECKING:
    from genlock_client.model import SequenceModel

    from .bridge import Bridge


class Status(NamedTuple):
    """How a scene stands, for the panel. `state` is one of

    absent      no daemon is running                     denied      the daemon does not take our token, or another protocol
    connecting  a daemon was found                       unlinked    connected; the scene is linked to nothing
    linking     a sequence is being made or fetched      linked      in step with the daemon
    working     local edits go out, or others' come in   paused      linked; playback, a drag or a render goes on
    offline     linked, no connection; edits are kept    asking      a question is open: `choices` for `relink`
    stopped     linked, but it cannot go on: `sentence` says why, `hint` what to do

    `sentence` is one for a person, `hint` may be empty. `local_changes` counts what waits to be sent. `held`: strip name ->
    (code, sentence) of strips that stay in Blender alone; `troubles` likewise of strips that could not be shown.
    `conflicts` are the model's open conflicts as on the wire, `refusal` the last edit's that was turned down ("" none).
    """

    state: str
    sentence: str
    hint: str = ""
    local_changes: int = 0
    held: dict[str, tuple[str, str]] = NOTHING
    troubles: dict[str, tuple[str, str]] = NOTHING
    conflicts: tuple[dict[str, Any], ...] = ()
    refusal: str = ""
    choices: tuple[str, ...] = ()
    project: str = ""
    sequence: str = ""


def of(bridge: Bridge, scene: Any) -> Status:
    """Returns how a scene stands."""
    link = bridge.links.get(scene.session_uid)
    if link is None:
        return _connection(bridge) or Status(
            "unlinked", "This scene is linked to nothing.", "Make a sequence of it, or show one."
        )
    if isinstance(link.state, Making):
        return _connection(bridge) or Status("linking", link.state.sentence)
    status = _link(bridge, link)
    return status._replace(project=link.kept.project, sequence=link.kept.sequence)


def _connection(bridge: Bridge) -> Status | None:
    """What stands in the way of any link; None when the daemon is there."""
    session = bridge.session
    if bridge.ended is not None:
        error = bridge.ended
        hint = error.hint or ("Update the older one." if isinstance(error, ProtocolMismatch) else "")
        return Status("denied", error.message, hint)
    if session is None:
        return Status("absent", "Genlock is not connected.", "Press Connect.")
    if isinstance(session.state, Live):
        return None
    if bridge.absent:
        return Status("absent", "No daemon is running.", "Start one with `genlock up`.")
    return Status("connecting", "Connecting to the daemon.")


def _link(bridge: Bridge, link: Link) -> Status:
    state = link.state
    if isinstance(state, Broken):
        return Status("stopped", state.sentence, state.hint)
    if isinstance(state, Question):
        return Status("asking", state.sentence, "Say what this scene shall be.", choices=state.choices)
    if link.stumble:
        return Status("stopped", f"Genlock stumbles over this scene: {link.stumble}.", "It is tried again by and by.")
    sync = link.sync
    if sync is not None and isinstance(sync.state, Stopped):
        return Status("stopped", sync.state.reason, sync.state.hint)
    down = _connection(bridge)
    if down is not None:
        changes = sync.local_changes if sync is not None else 0
        kept = f" {_changes(changes)} kept here." if changes else ""
        state_name = "denied" if down.state == "denied" else "offline"
        return _full(bridge, link, Status(state_name, f"{down.sentence}{kept}", down.hint, changes))
    session = bridge.session
    if session is not None and session.project != link.kept.project:
        return Status("paused", "Another project is open; one at a time is kept in step.", "Unlink the other scene.")
    reason = away(session.model, link.kept.sequence) if session is not None else ""
    if reason:
        return _full(bridge, link, Status("stopped", reason, "It goes on when it is back from the archive."))
    if sync is None or not isinstance(link.state, Linked):
        return Status("working", "The sequence is being fetched.")
    return _full(bridge, link, _synced(link.state, sync))


def _synced(linked: Linked, sync: Sync) -> Status:
    busy = linked.host.busy()
    if busy and not isinstance(sync.state, Sending):
        return Status("paused", _BUSY.get(busy, "Blender is busy; others' edits wait."), "", sync.local_changes)
    if isinstance(sync.state, Asking):
        return Status("working", "The daemon reads new media.", "", sync.local_changes)
    if isinstance(sync.state, (Sending, Keeping, Settling)):
        return Status("working", "Your edit goes out.", "", sync.local_changes)
    if isinstance(sync.state, Showing):
        return Status("working", "Others' edits come in.")
    assert isinstance(sync.state, Idle)
    return Status("linked", "In step.")


def _full(bridge: Bridge, link: Link, status: Status) -> Status:
    """Adds what stays here, what could not be shown, conflicts and the last refusal."""
    sync = link.sync
    if sync is None or not isinstance(link.state, Linked):
        return status
    model = bridge.session.model.sequences.get(link.kept.sequence) if bridge.session is not None else None
    names = _names(link.state, model) if sync.held or sync.troubles else {}
    return status._replace(
        held={names.get(key, key): why for key, why in sync.held.items()},
        troubles={names.get(key, key): why for key, why in sync.troubles.items()},
        conflicts=tuple(model.conflicts.values()) if model is not None else (),
        refusal=sync.refusal.message if sync.refusal is not None else "",
    )


def _names(linked: Linked, model: SequenceModel | None) -> dict[str, str]:
    """How strips and tracks are called, by key."""
    tracks = enumerate(model.tracks if model is not None else (), 1)
    named = {track["id"]: track.get("name") or f"Track {number}" for number, track in tracks}
    return {**named, **linked.host.names()}


_BUSY = {
    "drag": "Others' edits wait until you let go.",
    "playback": "Others' edits wait until playback ends.",
    "render": "Others' edits wait until the render ends.",
}


def _changes(count: int) -> str:
    return "1 change is" if count == 1 else f"{count} changes are"
