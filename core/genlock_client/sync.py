"""Keeps what a host shows and one sequence of the daemon in step. Sans-I/O over a `Host`: time and happenings go in.

    Idle -> Settling -> (Asking ->) Sending -> Idle          the user edited
    Idle -> Showing -> Idle                                  somebody else did
    any  -> Stopped

The *shadow* is the picture that both sides agree on, and `base` the version it stands for. Local edits are what differs
between shadow and host; they go out first, as one command against `base`, which the daemon merges with what happened since.
Others' edits are shown when nothing local waits, and are read back into the shadow, so that they never come back as edits.
Of a refused edit what was turned down is taken back in the host, with the reason kept, and the rest is told again. What was
told is not believed before it is accepted: until then `before` is what both sides agreed on.
"""

from __future__ import annotations

import uuid
from typing import Any, Callable, Mapping, NamedTuple, Protocol, Sequence, Union

from genlock_client import cut as cuts
from genlock_client import diff
from genlock_client.cut import Cut, Value
from genlock_client.errors import ClientError
from genlock_client.happenings import Changed, CommandAccepted, CommandRefused, Connected, Happening
from genlock_client.partly import away, count, keep, with_known_tracks, without, without_refused
from genlock_client.session import Live, Session

QUIET_SECONDS = 0.15
"""An edit counts as done after this long without another change."""
POLL_SECONDS = 0.25
"""The fingerprint is taken at most this often while nothing happens, and costs at most a 500th of the time."""
ATTEMPTS = 8
"""How often what is left of a refused edit is told again."""
LONG_SECONDS = 0.003
"""What takes longer has a tick of its own."""
READ_SECONDS = 5.0
"""What the fingerprint does not see is looked for at most this often, at most a 600th of the time."""


class Mapped(NamedTuple):
    """A picture as a cut. `held`: key -> (code, sentence) of what is in the picture and cannot be told; `missing`: what
    the daemon has to be asked for first, such as paths of media that are in no pool."""

    cut: Cut
    held: Mapping[str, Any] = {}
    missing: frozenset[str] = frozenset()


class Shown(NamedTuple):
    """How showing a cut ended. `picture` is the shadow now, read back; `left` are keys that the user changed meanwhile,
    which were not touched; `troubles`: key -> (code, sentence) of what could not be shown."""

    picture: Any
    left: frozenset[str] = frozenset()
    troubles: Mapping[str, Any] = {}


class Work(Protocol):
    """A cut on its way into the host."""

    def step(self, budget: float) -> Shown | None:
        """Goes on for about `budget` seconds; the end of it when it is done, else None."""
        ...

    def stop(self) -> Any:
        """Ends it where it stands; returns the shadow as far as that is shown."""
        ...


class Host(Protocol):
    """The program whose timeline is kept in step. Pictures are its own values; a sync only hands them back."""

    def fingerprint(self) -> bytes:
        """Returns a few bytes that change with nearly every edit, cheaply."""
        ...

    def busy(self) -> str:
        """Returns why the host should be left alone now (a drag, playback, a render), or ""."""
        ...

    def read(self) -> Any:
        """Returns the whole picture, every part of it with its key."""
        ...

    def cut(self, picture: Any) -> Mapped:
        """Returns a picture as a cut; the same picture always gives the same cut."""
        ...

    def agreed(self, shadow: Any, picture: Any, held: frozenset[str]) -> Any:
        """Returns the picture with the parts `held` as the shadow has them, or without them when it does not."""
        ...

    def unshown(self, shadows: Sequence[Any]) -> Sequence[Any]:
        """Returns shadows without what was shown lately and went with the host's own undo, which nobody meant to undo."""
        ...

    def ask(self, missing: frozenset[str]) -> bool:
        """Asks the daemon for what is missing; False when that was tried and is useless. `Sync.answered` tells the end."""
        ...

    def show(self, cut: Cut, shadow: Any, label: str) -> Work:
        """Begins to show a cut; `label` says whose edits these are."""
        ...


class Idle(NamedTuple):
    """Nothing local waits to be sent."""


class Settling(NamedTuple):
    """Something changed at `since`; more may follow."""

    since: float


class Asking(NamedTuple):
    """The daemon reads media that an edit needs."""

    missing: frozenset[str]


class Keeping(NamedTuple):
    """Edits wait for a connection."""

    things: int


class Sending(NamedTuple):
    """A command waits for its answer; the shadow already holds what it says."""

    id: str
    command: Value


class Showing(NamedTuple):
    """Others' edits, up to versions `bases`, come into the host."""

    work: Work
    bases: Mapping[str, int]
    steps: int


class Stopped(NamedTuple):
    """It cannot go on."""

    reason: str
    hint: str


State = Union[Idle, Settling, Asking, Keeping, Sending, Showing, Stopped]


class Sync:
    """One linked sequence. A host calls `hint`, `tick` and `happened`, and saves `base`, `bases`, `shadow`, `pending` and
    `before`.

    `shadow` and `base` (0: nothing was shown yet) come from the last time, and so do `pending`, a command whose answer
    was never seen and that is sent again under its id, and `before`, the shadow without what that command says. `clock`
    gives seconds, for measuring what looking at the host costs.
    """

    def __init__(
        self,
        host: Host,
        session: Session,
        sequence: str,
        *,
        shadow: Any,
        base: int,
        clock: Callable[[], float],
        bases: Mapping[str, int] | None = None,
        pending: tuple[str, Value] | None = None,
        before: Any = None,
        fresh: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self.host = host
        self.sequence = sequence
        self.shadow = shadow
        self.base = base
        self.bases: dict[str, int] = dict(bases or {})
        """Of the nested sequences, as `base` is of this one."""
        self.refusal: ClientError | None = None
        """Why the last edit was turned down; None since one was taken."""
        self.held: Mapping[str, Any] = {}
        self.troubles: Mapping[str, Any] = {}
        self.local_changes = 0
        """Things that differ from what the daemon was told."""
        self._session = session
        self._clock = clock
        self._fresh = fresh
        self._agreed: Cut | None = None
        self._seen = b""
        self._poll_at = self._read_at = 0.0
        self._dirty = True
        self._remote = True
        self._label = ""
        self._theirs: list[str] = []
        self._sent = ""
        self._found = False
        self._lagging: frozenset[str] = frozenset()
        """What of the newest version was not shown because the user changed it just then."""
        self.before = before if pending is not None else None
        """The shadow as it was before the command that waits for its answer, or was turned down and not yet taken back."""
        self._first = False
        """Whether the host has to be shown something before it is looked at: what it shows is of no version."""
        self._told: tuple[Cut, Cut] | None = None
        """The cuts that the last command leads from and to, as they were when it was made."""
        self._useless: tuple[Any, int] = (None, 0)
        """What was refused last, and how often it came up again: what cannot be taken back is not told for ever."""
        self._again = 0
        self._stuck: frozenset[str] = frozenset()
        """What the last look found no edit of, although it was not shown because it differs: that is not waited for."""
        self._undone = False
        self.state: State = Idle()
        if pending is not None:
            self.state = Sending(*pending)
            self._send(pending[1], pending[0])

    # -- what goes in

    @property
    def pending(self) -> tuple[str, Value] | None:
        """The command that waits for its answer, with its id."""
        return (self.state.id, self.state.command) if isinstance(self.state, Sending) else None

    def hint(self, label: str = "") -> None:
        """Says that something may have changed; `label` names the edit in the history (as "Undo in Blender")."""
        self._dirty = True
        self._label = label or self._label

    def undone(self, label: str) -> None:
        """Says that the user undid or redid something."""
        self.hint(label)
        self._undone = True

    def answered(self) -> None:
        """Says that the daemon answered what the host asked for."""
        if isinstance(self.state, Asking):
            self.state = Idle()
            self._dirty = True

    def stop(self, reason: str, hint: str = "") -> None:
        """Ends it for good."""
        self.state = Stopped(reason, hint)

    def resume(self, session: Session) -> None:
        """Goes on over another session, as after the daemon was left and found again."""
        self._session = session
        self._found = False
        self._remote = self._dirty = True
        if isinstance(self.state, Sending):
            self._send(self.state.command, self.state.id)

    def happened(self, happening: Happening) -> None:
        """Takes a happening of the session."""
        if isinstance(self.state, Stopped):
            return
        if isinstance(happening, CommandAccepted):
            if isinstance(self.state, Sending) and happening.id == self.state.id:
                self._first = happening.version != self.base + 1  # others' edits were merged into it
                self.base = max(self.base, happening.version)
                self._done(None)
        elif isinstance(happening, CommandRefused):
            if isinstance(self.state, Sending) and happening.id == self.state.id:
                self._done(None if happening.error.code == "no_change" else happening.error)
        elif isinstance(happening, Changed):
            self._changed(happening)
        elif isinstance(happening, Connected):
            self._remote = True
            self._found = self._found or happening.fresh  # what a whole snapshot lacks is gone
            if isinstance(self.state, Keeping):
                self.state = Idle()
                self._dirty = True

    def tick(self, now: float, budget: float = 0.008) -> None:
        """Lets time pass: looks at the host when that is due and moves on."""
        if self._undone and not isinstance(self.state, Stopped):
            self._undone = False
            self._take_stock()
        state = self.state
        if isinstance(state, Showing):
            self._step(state, now, budget)
        elif isinstance(state, (Idle, Keeping)):
            self._idle(now, budget)
        elif isinstance(state, Settling):
            self._settle(state, now, budget)

    def due(self, now: float) -> float:
        """Returns the seconds after which `tick` has something to do again."""
        if isinstance(self.state, (Settling, Showing)):
            return 0.0
        return max(0.0, min(self._poll_at, self._read_at) - now)

    # -- looking

    def _idle(self, now: float, budget: float) -> None:
        if not self._ready():
            return
        if not self.base or self._must_show():  # what is there is told once it is known what was there before
            if self._behind() and not self.host.busy():
                self._show(now, budget)
            return
        if now >= self._poll_at or self._dirty:
            self._dirty = self._moved(now) or self._dirty
        if self._dirty:
            self._dirty = False
            self.state = Settling(now)
        elif now >= self._read_at and not self.host.busy():
            self._look(now)
        if isinstance(self.state, Idle) and self._behind() and not self.host.busy():
            if self._moved(now):
                self.state = Settling(now)
            else:
                self._show(now, budget)

    def _ready(self) -> bool:
        """Whether the model holds the sequence as far as this host has seen it; until then nothing can be compared."""
        model = self._session.model.sequences.get(self.sequence)
        if model is not None:
            self._found = True
            return model.version >= self.base and not away(self._session.model, self.sequence)
        if self._found:
            self.stop("The sequence is no longer in the project.", "Link the scene to another one.")
        return False

    def _must_show(self) -> bool:
        return self._first and isinstance(self._session.state, Live)

    def _settle(self, state: Settling, now: float, budget: float) -> None:
        if self._must_show():
            if self._behind() and not self.host.busy():
                self._dirty = True
                self._show(now, budget)
            return
        if self._moved(now) or self._dirty:
            self._dirty = False
            self.state = Settling(now)
        elif now - state.since >= QUIET_SECONDS and not self.host.busy():
            self._look(now)

    def _take_stock(self) -> None:
        """After an undo: others' edits that went with it are shown again, and are no edits of the user."""
        if isinstance(self.state, Showing):
            self.shadow = self.state.work.stop()
            self.state = Idle()
        shadows = [self.shadow] if self.before is None else [self.shadow, self.before]
        self.shadow, *before = self.host.unshown(shadows)
        self.before = before[0] if before else None
        self._agreed = None
        self._remote = True

    def _moved(self, now: float) -> bool:
        """Takes the fingerprint and says whether it is another than last time."""
        begun = self._clock()
        found = self.host.fingerprint()
        self._poll_at = now + max(POLL_SECONDS, 500 * (self._clock() - begun))
        moved = found != self._seen
        self._seen = found
        return moved

    def _look(self, now: float) -> None:
        """Reads the host and sends what the user changed."""
        begun = self._clock()
        if self._agreed is None:
            model = self._session.model.sequences.get(self.sequence)
            self._agreed = with_known_tracks(self.host.cut(self.shadow).cut, model.tracks if model is not None else ())
            if self._clock() - begun > LONG_SECONDS:
                return  # the next tick reads
        begun = self._clock()
        picture = self.host.read()
        mapped = self.host.cut(picture)
        self._moved(now)
        self._read_at = now + max(READ_SECONDS, 600 * (self._clock() - begun))
        live = isinstance(self._session.state, Live)
        if mapped.missing and live and self.host.ask(mapped.missing):
            self.state = Asking(mapped.missing)
            return
        cut, held = mapped.cut, mapped.held
        self.held = held
        after = keep(self._agreed, without(cut, held), held)
        found = diff.changes(self._agreed, after, self.bases)
        self.local_changes = 0 if found is None else count(found)
        if found is not None and not live:
            self.state = Keeping(self.local_changes)
            return
        if found is not None and self._useless == (found, ATTEMPTS):
            self.state = Idle()
            return
        before = self.shadow
        self.shadow = self.host.agreed(self.shadow, picture, frozenset(held))
        self._told = self._agreed, after
        self._agreed = after
        self.state = Idle()
        if self._lagging:
            self._stuck = self._lagging if found is None else frozenset()
            self._remote = self._dirty = True
            self._lagging = frozenset()
        if found is not None:
            self.before, self._again = before, 0
            self._useless = found, self._useless[1] + 1 if found == self._useless[0] else 0
            command = {"do": "Arrange", "base": self.base, **found}
            self.state = Sending(self._fresh(), command)
            self._send(command, self.state.id)

    def _send(self, command: Value, id_: str) -> None:
        self._sent = id_
        if id_ in self._session.pending:
            return
        try:
            self._session.command(command, self.sequence, id=id_, base_version=command["base"], label=self._label or "")
        except ClientError as error:  # the session is closed: the next one is told
            self.refusal = error
        self._label = ""

    def _done(self, error: ClientError | None) -> None:
        if error is not None or not self._again:
            self.refusal = error
        self.local_changes, self.state = 0, Idle()
        self._remote = True  # what was merged, or the correction
        if error is not None:
            self._agreed = None
            if self.before is not None and away(self._session.model, self.sequence):  # it is told when that is back
                self.shadow, self.before, self._dirty = self.before, None, True
                return
            self._first = True
            self._tell_the_rest(error)
        elif self._again:
            self._first = True
        else:
            self.before = None
            self._useless = None, 0

    def _tell_the_rest(self, error: ClientError) -> None:
        """Tells again what was not turned down: first without new items that were, then without any change that was."""
        against = {str(each.get("id")): each for each in error.details.get("conflicts") or ()}
        if not against or self.before is None or self._again >= ATTEMPTS:
            return
        before, after = self._told or (self.host.cut(self.before).cut, self.host.cut(self.shadow).cut)
        rest = without_refused(before, after, against)
        self._told = before, rest
        found = diff.changes(before, rest, self.bases)
        if found is not None and rest != after:
            self._again += 1
            command = {"do": "Arrange", "base": self.base, **found}
            self.state = Sending(self._fresh(), command)
            self._send(command, self.state.id)

    # -- showing

    def _changed(self, event: Changed) -> None:
        kinds = {kind for kind, _ in event.touched}
        ours = event.originator == self.sequence or event.originator in self.bases
        if not ours and not kinds & {"shot", "media", "project", "sequence"}:
            return
        self._remote = True
        fields = event.event if isinstance(event.event, dict) else {}
        if ours and (not self._sent or fields.get("command_id") != self._sent):
            deed = fields.get("label") or fields.get("intent")
            self._theirs.append(" ".join(filter(None, (fields.get("actor"), deed))))

    def _behind(self) -> bool:
        """Whether there may be something to show."""
        return self._remote and isinstance(self._session.state, Live) and self._ready()

    def _show(self, now: float, budget: float) -> None:
        begun = self._clock()
        models = self._session.model.sequences
        wanted = cuts.of(models[self.sequence], models)
        bases = {id_: models[id_].version for id_ in (self.sequence, *wanted.nested) if id_ in models}
        said = self._theirs
        label = said[0] if len(said) == 1 else f"{len(said)} edits" if said else ""
        self.state = Showing(self.host.show(wanted, self.shadow, label), bases, 0)
        self._remote, self._theirs = False, []
        left = budget - (self._clock() - begun)
        if left > 0:
            self._step(self.state, now, left)
        else:
            self.state = self.state._replace(steps=1)

    def _step(self, state: Showing, now: float, budget: float) -> None:
        if state.steps and self.host.busy():
            return
        shown = state.work.step(budget)
        if shown is None:
            self.state = state._replace(steps=state.steps + 1)
            return
        self.shadow = shown.picture
        if self.before is not None:  # what the user changed of a refused edit meanwhile is not agreed on
            self.shadow = self.host.agreed(self.before, self.shadow, shown.left)
            self.before = None
        self._agreed = None
        self._first = False
        self.troubles = shown.troubles
        self.bases = {id_: version for id_, version in state.bases.items() if id_ != self.sequence}
        self._lagging = shown.left - self.held.keys() - self._stuck if self.base else frozenset()
        self.base = state.bases[self.sequence]
        if not self._lagging:
            self._stuck = frozenset()
        self._moved(now)
        self._dirty = self._dirty or bool(shown.left) or state.steps > 0  # the user may have edited between the steps
        self.state = Idle()
