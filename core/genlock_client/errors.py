"""The client's error tree. Codes are those of the daemon (docs/errors.md); nothing else is invented here.

ClientError
├── Offline           no daemon answers now; trying again later may work
├── Refused           a command was understood and turned down; nothing changed
└── ProtocolMismatch  daemon and client speak different versions; one needs an update
"""

from __future__ import annotations

from typing import Any, Mapping

_HINTS = {
    "daemon_absent": "Start one with `genlock up`.",
    "no_answer": "It may still be working: ask for the state before you repeat anything.",
    "protocol_version": "Update the older one.",
    "bad_request": "Compare it with docs/protocol.md.",
}


class ClientError(Exception):
    """Anything that goes wrong between a host and the daemon.

    `code` is a stable code of the error table, `message` one sentence for a person, `hint` what to do, `details` JSON-ready
    facts for programs, `status` the HTTP status that came with it (0 when there was none).
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        hint: str = "",
        details: Mapping[str, Any] | None = None,
        status: int = 0,
    ) -> None:
        self.code = code
        self.message = message or code.replace("_", " ")
        self.hint = hint or _HINTS.get(code, "")
        self.details: dict[str, Any] = dict(details or {})
        self.status = status
        super().__init__(self.message)

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON shape that the wire, REST and `--json` share."""
        return {"code": self.code, "message": self.message, "hint": self.hint, **self.details}


class Offline(ClientError):
    """No daemon answers now (`daemon_absent`, `shutting_down`, `no_answer`)."""


class Refused(ClientError):
    """A command was understood and turned down; nothing changed. `conflicts` says what stands against it."""

    @property
    def conflicts(self) -> Any:
        return self.details.get("conflicts", [])


class ProtocolMismatch(ClientError):
    """The daemon speaks another protocol version (`protocol_version`)."""


def from_payload(payload: Any, status: int = 0) -> ClientError:
    """Returns the error of the tree that an `{"code", "message", "hint", ...}` object stands for.

    Objects of another shape, as a proxy or another program on the port would send, become `internal`.
    """
    fields = dict(payload) if isinstance(payload, dict) else {}
    code, message, hint = (str(fields.pop(key, "") or "") for key in ("code", "message", "hint"))
    fields.pop("type", None)
    if not code:
        return ClientError("internal", f"The daemon answered with status {status} and no error of ours.", status=status)
    kind = ClientError
    if code == "protocol_version":
        kind = ProtocolMismatch
    elif code in ("daemon_absent", "shutting_down", "no_answer"):
        kind = Offline
    elif status in (0, 409):
        kind = Refused
    return kind(code, message, hint, fields, status)
