# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences, and from them where the daemon is. The token stays in the preferences or the environment: a
.blend file never holds it."""

from __future__ import annotations

import ipaddress
import os
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from genlock_client import discovery
from genlock_client.discovery import Endpoint
from genlock_client.errors import ClientError

DEFAULT_PORT = 8765


class Settings(NamedTuple):
    """What the preferences say; the defaults where there are none, as in tests and scripts."""

    address: str = ""
    token: str = ""
    actor: str = ""
    connect: bool = True


def settings() -> Settings:
    """Returns the preferences as they are; the environment's GENLOCK_URL and GENLOCK_TOKEN fill what is empty."""
    found = _preferences()
    address = getattr(found, "address", "") or os.environ.get("GENLOCK_URL", "")
    token = getattr(found, "token", "") or os.environ.get("GENLOCK_TOKEN", "")
    actor = getattr(found, "actor", "") or discovery.actor()
    return Settings(address, token, actor, bool(getattr(found, "connect", True)))


def find(log_id: str = "") -> Endpoint | None:
    """Returns where the daemon is: the address of the preferences, else the one that serves `log_id`, else the newest.

    None when none runs. Raises ClientError for an address that is none or is not on this machine.
    """
    given = settings()
    if given.address:
        return _at(given.address, given.token)
    running = discovery.running()
    return next(
        (endpoint for endpoint in running if log_id and endpoint.log_id == log_id), running[0] if running else None
    )


def _at(address: str, token: str) -> Endpoint:
    parts = urlsplit(address if "//" in address else f"//{address}")
    try:
        host, port = parts.hostname or "", parts.port or DEFAULT_PORT
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise ClientError("bad_value", f"{address} is no address.", "Write it like 127.0.0.1:8765.") from error
    if not local:
        raise ClientError(
            "bad_value",
            f"{host} is another machine; the daemon is only reached on this one.",
            "Forward its port to this machine, as with ssh -L.",
        )
    return Endpoint(port, token, "127.0.0.1" if host == "localhost" else host)


def _preferences() -> Any:
    import bpy

    addon = bpy.context.preferences.addons.get(__package__)
    return addon.preferences if addon is not None else None


_classes: list[Any] = []


def register() -> None:
    """Registers the preferences."""
    import bpy
    from bpy.props import BoolProperty, StringProperty

    def changed(self: Any, context: Any) -> None:
        from .bridge import bridge

        bridge().connect()

    class GenlockPreferences(bpy.types.AddonPreferences):
        """Where the daemon is, and who edits."""

        bl_idname = __package__
        __annotations__ = {
            "address": StringProperty(
                name="Address",
                description="Where the daemon listens on this machine, as 127.0.0.1:8765. Empty: it is found by itself",
                update=changed,
            ),
            "token": StringProperty(
                name="Token",
                description="Only with an address: the daemon's token. Kept in the preferences, never in a .blend file",
                subtype="PASSWORD",
                update=changed,
            ),
            "actor": StringProperty(
                name="Your Name", description="Signs your edits. Empty: your login name", update=changed
            ),
            "connect": BoolProperty(
                name="Connect at Start", description="Look for the daemon as soon as Blender runs", default=True
            ),
        }

        def draw(self, context: Any) -> None:
            layout = self.layout
            layout.use_property_split = True
            for name in ("actor", "connect", "address", "token"):
                layout.prop(self, name)

    bpy.utils.register_class(GenlockPreferences)
    _classes.append(GenlockPreferences)


def unregister() -> None:
    """Takes the preferences away."""
    import bpy

    while _classes:
        bpy.utils.unregister_class(_classes.pop())
