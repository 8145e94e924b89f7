"""An Ollama server as far as its interface goes: says what it is told to say, in the way it is told to."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


class FakeOllama:
    """`words` are said one a line. `manner`: "good", "dies" (hangs up after two words), "garbage", "error" (a line that
    says one), "silent" (never a word), "stalls" (one word, then nothing), "drips" (a byte of headers at a time), "broken"
    (status 500). `asked` are the bodies of all requests by path, `left` is set when a client hung up."""

    def __init__(self) -> None:
        self.models = ["llava:7b", "gemma3:12b", "tiny:latest"]
        self.seeing = {"llava:7b", "gemma3:12b"}
        self.thinking: set[str] = set()
        self.says_abilities = True
        self.words = ["A ", "fox ", "runs."]
        self.manner = "good"
        self.pause = 0.0
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.left = Event()
        self.url = ""

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for at, body in self.asked if at == path]


def _handler(fake: FakeOllama) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            fake.asked.append((self.path, {}))
            if fake.manner == "drips":
                with suppress(OSError):
                    for byte in b"HTTP/1.1 200 OK\r\n" * 20:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(0.05)
            self.answer({"models": [{"name": name, "size": 7, "details": {}} for name in fake.models]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fake.asked.append((self.path, body))
            if fake.manner == "broken":
                self.answer({"error": "out of memory"}, 500)
            elif self.path == "/api/show":
                self.show(body["model"])
            elif self.path == "/api/chat":
                try:
                    self.chat()
                except OSError:
                    fake.left.set()
            else:
                self.answer({"done": True})

        def show(self, model: str) -> None:
            sees = model in fake.seeing
            if fake.says_abilities:
                more = [*(["vision"] if sees else []), *(["thinking"] if model in fake.thinking else [])]
                self.answer({"capabilities": ["completion", *more], "details": {}})
            else:
                self.answer({"details": {"families": ["llama", *(["clip"] if sees else [])]}})

        def chat(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-ndjson")
            self.end_headers()
            if fake.manner == "silent":
                self.wait()
            if fake.manner == "garbage":
                self.wfile.write(b"<html>\n")
                return
            for number, word in enumerate(fake.words):
                if fake.manner == "dies" and number == 2:
                    return
                if fake.manner == "stalls" and number == 1:
                    self.wait()
                self.line({"message": {"role": "assistant", "content": word}, "done": False})
                time.sleep(fake.pause)
            if fake.manner == "error":
                self.line({"error": "the model crashed"})
                return
            self.line({"message": {"content": ""}, "done": True, "eval_count": 3, "prompt_eval_count": 9})

        def wait(self) -> None:
            while True:  # until the client hangs up
                self.wfile.write(b"\n")
                self.wfile.flush()
                time.sleep(0.05)

        def line(self, value: dict[str, Any]) -> None:
            self.wfile.write(json.dumps(value).encode() + b"\n")
            self.wfile.flush()

        def answer(self, value: dict[str, Any], status: int = 200) -> None:
            data = json.dumps(value).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                fake.left.set()

    return Handler


@contextmanager
def serving() -> Iterator[FakeOllama]:
    fake = FakeOllama()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
