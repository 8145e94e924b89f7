"""uvicorn's WebSocket protocol with a way to write a frame at once.

An ASGI `send` has to be awaited, so one event for 200 clients would wake 200 tasks. What an idle client is sent needs no
task: the frame is the same bytes for everybody (a server's frames are not masked) and goes straight to the transport.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

DIRECT = "genlock.direct"
"""The key in the ASGI scope's extensions; another server does not have it, and then everything goes through `send`."""


class DirectProtocol(WebSocketsSansIOProtocol):
    """Offers `send_now` to the application through the scope."""

    _last: tuple[str, bytes] = ("", b"")

    def handle_connect(self, event: Request) -> None:
        """Takes the handshake, and adds ours to the scope before the application's task sees it."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[DIRECT] = self.send_now

    def send_now(self, text: Callable[[], str]) -> bool:
        """Writes a text frame if the connection stands and nothing is waiting to be written; else does nothing."""
        transport = self.transport
        if self.close_sent or self.disconnected or transport.is_closing() or transport.get_write_buffer_size():
            return False
        transport.write(_frame(text()))
        return True


def _frame(text: str) -> bytes:
    """Returns the frame of a text; the last one is kept, because it often goes to many clients in a row."""
    known, frame = DirectProtocol._last
    if known is not text:
        frame = Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
        DirectProtocol._last = text, frame
    return frame
