"""The live socket `/ws`: hello, the snapshot or the missed events, then commands in and events out.

Plain ASGI below the gate. One task reads, one writes; the writer alone waits for the client.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

import msgspec
from starlette.types import Message, Receive, Scope, Send

from genlock import __version__
from genlock.daemon import wire
from genlock.daemon.direct import DIRECT
from genlock.daemon.hub import entry_of
from genlock.daemon.outbox import Closing, Direct, Entry, Outbox
from genlock.daemon.presence import STATE_LIMIT
from genlock.errors import GenlockError

if TYPE_CHECKING:
    from genlock.application.application import Accepted
    from genlock.daemon.services import Services

log = logging.getLogger("genlock.socket")

RESUME_LIMIT = 5000
"""A client further behind than this gets a snapshot: it is smaller than the events."""
PAGE = 1000
IN_FLIGHT = 256
"""Commands of one client that may wait for their answer; the next is not read before one is answered."""
NAME_LENGTH = 64
STALL_SECONDS = 10.0
"""How long a client that was cut off may take to accept its last frame."""


class _Ended(Exception):
    """The session is over; the error frame and close code to say so, if any."""

    def __init__(self, error: wire.ErrorMessage | None = None, code: int = wire.CLOSE_BAD) -> None:
        self.error, self.code = error, code
        super().__init__(error.message if error else "gone")


class Socket:
    """The ASGI endpoint. `clients_limit` sockets at once at most."""

    def __init__(
        self, services: Services, *, hello_seconds: float = wire.HELLO_SECONDS, clients_limit: int = 1000
    ) -> None:
        self._services = services
        self._hello_seconds = hello_seconds
        self._clients_limit = clients_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            if self._services.hub.clients >= self._clients_limit:
                raise _Ended(wire.error_message("too_many"), wire.CLOSE_SLOW)
            hello = await self._hello(receive)
            direct = scope.get("extensions", {}).get(DIRECT)
            await self._serve(hello, receive, send, direct)
        except _Ended as end:
            if end.error is not None:
                await _end(send, wire.encode(end.error), end.code)
        except OSError:
            # the connection broke while something was sent (uvicorn's ClientDisconnected): nobody is left to tell
            return

    async def _hello(self, receive: Receive) -> wire.Hello:
        try:
            async with asyncio.timeout(self._hello_seconds):
                message = _read(await receive())
        except TimeoutError:
            raise _Ended(wire.error_message("bad_request", "No hello came in time.")) from None
        if not isinstance(message, wire.Hello):
            raise _Ended(wire.error_message("bad_request", "The first message must be hello."))
        if message.protocol != wire.PROTOCOL:
            text = f"The daemon speaks protocol {wire.PROTOCOL}, the client {message.protocol}."
            raise _Ended(wire.error_message("protocol_version", text))
        if message.token and not self._services.access.is_token(message.token):
            raise _Ended(wire.error_message("unauthorized"), wire.CLOSE_UNAUTHORIZED)
        return message

    async def _serve(self, hello: wire.Hello, receive: Receive, send: Send, direct: Direct | None) -> None:
        hub = self._services.hub
        host, actor = _name(hello.host) or "client", _name(hello.actor)
        session, outbox = hub.join(host, actor, hello.project)
        outbox.direct = direct
        try:
            await self._welcome(hello, session, outbox, send)
            hub.arrive(session)
            writer = asyncio.create_task(_write(outbox, send))
            reader = asyncio.create_task(_Reader(self._services, outbox, session, host, actor).run(receive))
            await _until_one_ends(reader, writer, outbox.cut)
        finally:
            hub.leave(session)
            if all(member.host != host for member in hub.presence):
                self._services.hints.forget(host.lower())

    async def _welcome(self, hello: wire.Hello, session: str, outbox: Outbox, send: Send) -> None:
        """Sends welcome with a snapshot, or welcome and the events since the cursor."""
        head = self._services.app.head_id()
        resume = self._resumable(hello.cursor, head)
        if resume is None:
            try:
                snapshot = await asyncio.to_thread(self._services.snapshot, hello.project)
            except GenlockError as error:
                raise _Ended(wire.error_message(error.code, error.message)) from error
            outbox.last, outbox.floors = head, snapshot.floors
            await send(_text(_welcome_text(session, outbox.cursor, snapshot.data, self._services.hub.log)))
            return
        outbox.last = resume.id
        welcome = wire.Welcome(wire.PROTOCOL, __version__, resume.log, resume, session, None, head - resume.id)
        await send(_text(wire.encode(welcome)))
        await self._tail(outbox, send)

    def _resumable(self, cursor: wire.Cursor | None, head: int) -> wire.Cursor | None:
        if cursor is None or cursor.log != self._services.hub.log:
            return None
        return cursor if 0 <= head - cursor.id <= RESUME_LIMIT and cursor.id >= 0 else None

    async def _tail(self, outbox: Outbox, send: Send) -> None:
        cursor = outbox.last
        while not outbox.is_slow:
            page = self._services.hub.recent(cursor)
            if page is None:
                page = await asyncio.to_thread(self._page, cursor)
            for begin in range(0, len(page), wire.EVENTS_A_FRAME):
                part = page[begin : begin + wire.EVENTS_A_FRAME]
                wanted = [entry for entry in part if outbox.wants(entry)]
                # the frame without events is sent too: it moves the client's cursor over what is not its own
                await send(_text(wire.events_frame((e.data for e in wanted), self._services.hub.log, part[-1].id)))
                outbox.last = part[-1].id
            if len(page) < PAGE:
                return
            cursor = page[-1].id

    def _page(self, cursor: int) -> list[Entry]:
        return [entry_of(published) for published in self._services.app.published_since(cursor, PAGE)]


class _Reader:
    """Takes the messages of one session."""

    def __init__(self, services: Services, outbox: Outbox, session: str, host: str, actor: str) -> None:
        self._services, self._outbox = services, outbox
        self._session, self._host, self._actor = session, host, actor
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._loop = asyncio.get_running_loop()

    async def run(self, receive: Receive) -> None:
        """Reads until the client is gone; raises _Ended when it speaks out of turn."""
        while True:
            match _read(await receive()):
                case wire.CommandMessage() as message:
                    await self._slots.acquire()
                    self._command(message)
                case wire.PresenceMessage(state=state):
                    if len(msgspec.json.encode(state)) > STATE_LIMIT:
                        raise _Ended(
                            wire.error_message("too_large", f"A presence state has at most {STATE_LIMIT} bytes.")
                        )
                    self._services.hub.show(self._session, state)
                case wire.Ping():
                    self._outbox.answer(wire.encode(wire.Pong()))
                case wire.Hello():
                    raise _Ended(wire.error_message("bad_request", "Hello was said before."))

    def _command(self, message: wire.CommandMessage) -> None:
        try:
            future = self._services.submit(message, actor=self._actor, host=self._host)
        except GenlockError as error:
            self._refused(message.id, error)
            return
        except Exception:
            # the boundary of a request: one command that trips us must not end the session
            log.exception("a command could not be taken")
            self._refused(message.id, GenlockError("internal"))
            return
        future.add_done_callback(lambda done: self._answer(message.id, done))

    def _answer(self, id_: str, done: Future[Accepted]) -> None:
        """Runs on the writer's thread; only reads the result there."""
        error = done.exception()
        call: Callable[[], None]
        if error is None:
            accepted = done.result()
            call = lambda: self._accepted(id_, accepted)  # noqa: E731
        else:
            known = error if isinstance(error, GenlockError) else GenlockError("internal")
            if known is not error:
                log.error("a command failed", exc_info=error)
            call = lambda: self._refused(id_, known)  # noqa: E731
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            # the loop closed during a shutdown; the client repeats the command by its id
            return

    def _accepted(self, id_: str, accepted: Accepted) -> None:
        self._slots.release()
        cursor = wire.Cursor(self._services.hub.log, accepted.last_id)
        message = wire.AcceptedMessage(
            id_, accepted.target, accepted.version, cursor, accepted.duplicate, accepted.created
        )
        self._outbox.answer(wire.encode(message))

    def _refused(self, id_: str, error: GenlockError) -> None:
        self._slots.release()
        self._outbox.answer(wire.encode(wire.refused(id_, error)))


async def _until_one_ends(reader: asyncio.Task[None], writer: asyncio.Task[None], cut: asyncio.Event) -> None:
    """Waits for the first to end. A writer whose client was cut off gets STALL_SECONDS to say so; a client that reads
    nothing at all is dropped then."""
    watch = asyncio.create_task(cut.wait())
    try:
        await asyncio.wait((reader, writer, watch), return_when=asyncio.FIRST_COMPLETED)
        if watch.done():
            await asyncio.wait((writer,), timeout=STALL_SECONDS)
        elif reader.done() and not writer.done():
            reader.result()
    finally:
        for task in (reader, writer, watch):
            task.cancel()
        await asyncio.gather(reader, writer, watch, return_exceptions=True)


async def _write(outbox: Outbox, send: Send) -> None:
    """Sends what the outbox gives until it ends the session; a client that never reads is dropped with the task."""
    while True:
        frames = await outbox.take()
        if isinstance(frames, Closing):
            await _end(send, frames.text, frames.code)
            return
        for frame in frames:
            await send(_text(frame))


async def _end(send: Send, text: str, code: int) -> None:
    try:
        async with asyncio.timeout(STALL_SECONDS):
            await send(_text(text))
            await send({"type": "websocket.close", "code": code})
    except (TimeoutError, OSError):
        return


def _read(message: Message) -> wire.ClientMessage:
    if message["type"] != "websocket.receive":
        raise _Ended
    text = message.get("text")
    if text is None:
        raise _Ended(wire.error_message("bad_request", "Frames are JSON text."))
    try:
        return wire.decode(text)
    except msgspec.ValidationError as error:
        raise _Ended(wire.error_message("bad_request", f"The message is not of the protocol: {error}.")) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise _Ended(wire.error_message("bad_json", "The message is not JSON.")) from error


def _text(frame: str) -> Message:
    return {"type": "websocket.send", "text": frame}


def _welcome_text(session: str, cursor: wire.Cursor, snapshot: bytes, log_id: str) -> str:
    message = wire.Welcome(wire.PROTOCOL, __version__, log_id, cursor, session, msgspec.Raw(snapshot))
    return wire.encode(message)


def _name(text: str) -> str:
    """Returns a name fit for a history list: one line of at most NAME_LENGTH characters."""
    return "".join(c for c in text if c.isprintable())[:NAME_LENGTH].strip()
