"""A small REST client on urllib: JSON, streamed uploads, ranged downloads. docs/protocol.md lists the addresses."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, Mapping, cast

from genlock_client.discovery import Endpoint
from genlock_client.errors import ClientError, Offline, from_payload

CHUNK = 1024 * 1024


class Rest:
    """One daemon's REST interface. Every call carries the token and waits at most `timeout` seconds for bytes."""

    def __init__(self, base_url: str, token: str, *, timeout: float = 60.0) -> None:
        self.base_url = base_url.rstrip("/")
        self.token = token
        self.timeout = timeout
        # A proxy of the environment would carry the token out of this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @classmethod
    def at(cls, endpoint: Endpoint, *, timeout: float = 60.0) -> Rest:
        """Returns the client of a discovered daemon."""
        return cls(endpoint.url, endpoint.token, timeout=timeout)

    def get(self, path: str, **query: Any) -> Any:
        """Returns the JSON at an address; query values that are None are left out. Raises ClientError."""
        return self.request("GET", path, query=query)

    def post(self, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """Posts JSON and returns the JSON answered. Raises ClientError."""
        return self.request("POST", path, body={} if body is None else body, query=query)

    def post_once(self, path: str, body: Mapping[str, Any] | None = None, *, id: str = "") -> Any:
        """Posts JSON with a new id (or `id`) to an address that takes one, and returns the JSON answered.

        A call that lost its connection is made again, once: the daemon answers the id as it did before, or carries it out
        now. Raises ClientError.
        """
        signed = {**(body or {}), "id": id or uuid.uuid4().hex}
        try:
            return self.post(path, signed)
        except Offline as error:
            if error.code != "daemon_absent":
                raise
            return self.post(path, signed)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Patches with JSON and returns the JSON answered. Raises ClientError."""
        return self.request("PATCH", path, body=body)

    def command(self, command: Mapping[str, Any], target: str = "", **envelope: Any) -> dict[str, Any]:
        """Sends one command with a new id (or `id=`) and returns its acknowledgement. Raises Refused and ClientError."""
        body = {"id": envelope.pop("id", None) or uuid.uuid4().hex, "target": target, "command": dict(command)}
        body.update({name: value for name, value in envelope.items() if value is not None})
        return cast("Dict[str, Any]", self.post("/api/commands", body))

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        """Makes one call and returns the JSON answered (None when there is no body).

        Raises ClientError with the daemon's code, or Offline when it cannot be reached.
        """
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        with self._call(method, path, query, data, headers) as response:
            text = response.read()
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise ClientError("internal", f"The answer of {path} is not JSON.") from error

    def upload(self, path: str | Path, *, name: str = "") -> str:
        """Streams a file to the daemon and returns the path under which it can be imported. Raises ClientError."""
        file = Path(path)
        try:
            stream = file.open("rb")
        except OSError as error:
            raise ClientError("no_such_file", f"{file} cannot be read: {error.strerror}.") from error
        with stream:
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Length": str(os.fstat(stream.fileno()).st_size),
            }
            with self._call("POST", "/api/uploads", {"name": name or file.name}, stream, headers) as response:
                return str(json.loads(response.read())["path"])

    def download(
        self,
        path: str,
        target: str | Path,
        *,
        span: tuple[int, int | None] | None = None,
        **query: Any,
    ) -> int:
        """Streams an address into a file and returns how many bytes were written.

        `span` asks for bytes first..last (inclusive, last None for the rest). The file appears only when it is whole.
        Raises ClientError.
        """
        target = Path(target)
        partial = target.with_name(target.name + ".partial")
        written = 0
        try:
            with partial.open("wb") as out:
                for chunk in self.stream(path, span=span, **query):
                    out.write(chunk)
                    written += len(chunk)
            os.replace(partial, target)
        except OSError as error:
            raise ClientError("unwritable_folder", f"{target} cannot be written: {error.strerror}.") from error
        finally:
            if partial.exists():
                partial.unlink()
        return written

    def stream(self, path: str, *, span: tuple[int, int | None] | None = None, **query: Any) -> Iterator[bytes]:
        """Yields the bytes of an address in chunks; `span` as in download. Raises ClientError."""
        headers = {}
        if span is not None:
            headers["Range"] = f"bytes={span[0]}-{'' if span[1] is None else span[1]}"
        with self._call("GET", path, query, None, headers) as response:
            while True:
                chunk = response.read(CHUNK)
                if not chunk:
                    return
                yield chunk

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        data: bytes | BinaryIO | None,
        headers: dict[str, str],
    ) -> http.client.HTTPResponse:
        given = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        url = self.base_url + urllib.parse.quote(path, safe="/:@")
        if given:
            url += "?" + urllib.parse.urlencode(given)
        request = urllib.request.Request(url, data=cast("Any", data), method=method, headers=headers)
        request.add_header("Authorization", f"Bearer {self.token}")
        try:
            return cast("http.client.HTTPResponse", self._opener.open(request, timeout=self.timeout))
        except urllib.error.HTTPError as error:
            with error:
                raise _error_of(error) from None
        except TimeoutError as error:  # socket.timeout where urllib does not wrap it
            raise Offline("no_answer", f"The daemon did not answer within {self.timeout:g} seconds.") from error
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, OSError) and "timed out" in str(reason):
                raise Offline("no_answer", f"The daemon did not answer within {self.timeout:g} seconds.") from error
            raise Offline("daemon_absent", f"The daemon at {self.base_url} cannot be reached: {reason}.") from error


def _error_of(error: urllib.error.HTTPError) -> ClientError:
    try:
        payload = json.loads(error.read(CHUNK))
    except (ValueError, OSError, http.client.HTTPException):
        payload = None
    inner = payload.get("error") if isinstance(payload, dict) else None
    return from_payload(inner, error.code)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
