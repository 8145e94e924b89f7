# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where the add-on meets the daemon: a session, its errands and jobs, and a link for each linked scene.

Everything goes on in `pump`, which a timer calls; nothing here waits and nothing here is a thread.
"""

from __future__ import annotations

from typing import Any, Callable, NamedTuple

from genlock_client.session import Session

Then = Callable[[Any], None]


class Status(NamedTuple):
    """How a scene stands, for the panel. `state` is one of

    absent      no daemon is running                     denied      the daemon does not take our token, or another protocol
    connecting  a daemon was found                       unlinked    connected; the scene is linked to nothing
    linking     a sequence is being made or fetched      linked      in step with the daemon
    working     local edits go out, or others' come in   paused      linked; playback, a drag or a render holds others' edits
    offline     linked, no connection; edits are kept    asking      a question is open: `choices` for `relink`
    stopped     linked, but it cannot go on: `sentence` says why, `hint` what to do

    `sentence` is one for a person, `hint` may be empty. `local_changes` counts strips that wait to be sent. `held`: strip name
    -> (code, sentence) of strips that stay in Blender alone; `troubles` likewise of strips that could not be shown.
    `conflicts` are the model's open conflicts as on the wire, `refusal` the last edit's that was turned down ("" none).
    """

    state: str
    sentence: str
    hint: str = ""
    local_changes: int = 0
    held: dict[str, tuple[str, str]] = {}
    troubles: dict[str, tuple[str, str]] = {}
    conflicts: tuple[dict[str, Any], ...] = ()
    refusal: str = ""
    choices: tuple[str, ...] = ()
    project: str = ""
    sequence: str = ""


class Bridge:
    """All of the add-on that is not Blender's own interface. `bridge()` gives the one there is."""

    links: dict[int, Any]
    """By the scene's session_uid."""
    session: Session | None
    """None while disconnected; `session.model` is the project as the daemon has it."""
    errands: Any
    """genlock_client.errands.Errands: GET and POST without waiting."""
    jobs: Any
    """genlock_client.jobs.JobBook of the session's model; None while disconnected."""
    notes: list[str]
    """The last sentences for the panel's log, newest last."""

    def pump(self, now: float | None = None, budget: float = 0.008) -> float:
        """Does what is due within about `budget` seconds and returns the seconds until it should be called again."""
        raise NotImplementedError

    def connect(self) -> None:
        """Looks for a daemon, and goes on looking, until `disconnect`."""
        raise NotImplementedError

    def disconnect(self) -> None:
        """Leaves the daemon; linked scenes keep their links and go offline."""
        raise NotImplementedError

    def status(self, scene: Any) -> Status:
        """Returns how a scene stands."""
        raise NotImplementedError

    def link_new(self, scene: Any, project: str = "", name: str = "") -> None:
        """Makes a sequence of the scene and links them. `project` is an id; empty makes a project beside the .blend (or in
        its temporary folder). `name` is the sequence's, the scene's when empty. Its end shows in `status`."""
        raise NotImplementedError

    def link_existing(self, scene: Any, sequence: str, project: str) -> None:
        """Links the scene to a sequence and shows it: rate and size of the scene become the sequence's."""
        raise NotImplementedError

    def unlink(self, scene: Any) -> None:
        """Forgets the link; strips stay as they are and lose their ids."""
        raise NotImplementedError

    def relink(self, scene: Any, choice: str) -> None:
        """Answers the question of a status `asking`: "fork" (a sequence of its own), "continue" (the same) or "unlink"."""
        raise NotImplementedError

    def command(self, command: dict[str, Any], target: str = "", *, label: str = "", then: Then | None = None) -> str:
        """Sends a command and returns its id; `then` gets the CommandAccepted or CommandRefused. Raises ClientError."""
        raise NotImplementedError

    def projects(self) -> list[dict[str, Any]]:
        """Returns the daemon's projects as on the wire, by name; [] while disconnected."""
        raise NotImplementedError

    def sequences(self, project: str) -> list[dict[str, Any]]:
        """Returns a project's sequences in short (id, name, rate, duration), as far as known; asks for them when not."""
        raise NotImplementedError

    def sync_now(self, scene: Any) -> None:
        """Looks at the scene at once, at what the fingerprint does not see too, and tries again what failed."""
        raise NotImplementedError

    def listen(self, redraw: Callable[[], None]) -> Callable[[], None]:
        """Calls `redraw` whenever something that a panel shows has changed; returns what ends that."""
        raise NotImplementedError

    def listen_all(self, hear: Callable[[Any], None]) -> Callable[[], None]:
        """Calls `hear` with every happening of the session; returns what ends that."""
        raise NotImplementedError

    def key_of(self, scene: Any, strip: Any) -> str:
        """Returns the item id of a strip, "" when the daemon does not know it."""
        raise NotImplementedError

    def strip_of(self, scene: Any, key: str) -> Any:
        """Returns the strip that shows an item, or None. Never keep it across a tick."""
        raise NotImplementedError


def bridge() -> Bridge:
    """Returns the one Bridge."""
    raise NotImplementedError
