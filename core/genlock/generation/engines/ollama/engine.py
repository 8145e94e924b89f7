"""What a model on an Ollama server can do."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Final

from genlock.errors import BadInput, GenerationError, GenlockError
from genlock.generation.engine import Engine, Plan, Sink
from genlock.generation.engines.llm.directing import Question, question
from genlock.generation.engines.ollama.asking import Held, abilities, address, chat, message, models
from genlock.project.request import GenerationRequest, Mode

REMEMBERED: Final = 5.0
"""Seconds for which an answer about what is there counts: nobody waits for a server that is down twice."""

KEEP_ALIVE: Final = "5m"
WIDTH: Final = 896
"""Pixels: width of a picture sent."""

WRITERS: Final = ("gemma3", "qwen", "llama", "mistral")
"""Starts of names that are taken before others when no model is named."""


class OllamaEngine:
    """Writes prompts out. Its memory is the server's own: the plan holds none."""

    name = "ollama"
    version = "1"
    modes: frozenset[Mode] = frozenset({"enhance_prompt"})

    def __init__(self) -> None:
        self.url = ""
        """The server's address; empty: OLLAMA_HOST's or this machine's."""
        self._seen: dict[str, tuple[float, list[Held] | GenlockError]] = {}

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        """Returns the one way: the model named, else the likeliest. Raises GenerationError(language_model)."""
        asked = question(request)
        keep = request.settings.get("keep_alive", KEEP_ALIVE)
        if isinstance(keep, bool) or not isinstance(keep, int | str):
            raise BadInput("bad_generation", f"keep_alive is a time such as '5m', or seconds, not {keep!r}.")
        url = address(str(request.settings.get("url") or self.url))
        model = self._choose(url, str(request.settings.get("model") or ""))
        cut = (f"Left out or shortened for want of room: {', '.join(asked.cut)}.",) if asked.cut else ()
        return (
            Plan(
                engine=self.name,
                name="server",
                product="text",
                lane="language",
                notes=cut,
                how={"url": url, "keep_alive": keep},
                model=model,
            ),
        )

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        """Asks for it and hands it on as it comes. Raises GenerationError(language_model)."""
        asked, url = question(request), str(plan.how["url"])
        able = abilities(url, plan.model)
        pictures = _pictures(asked) if "vision" in able else ()
        written = 0

        def said(text: str) -> None:
            nonlocal written
            written += 1
            sink.text(text)
            sink.progress(min(written, asked.max_tokens), asked.max_tokens, "write")

        counts = chat(
            url,
            {
                "model": plan.model,
                "stream": True,
                "keep_alive": plan.how["keep_alive"],
                "messages": [message("system", asked.system), message("user", asked.text, pictures)],
                # thoughts would use up the words of the answer
                **({"think": False} if "thinking" in able else {}),
                "options": {
                    "seed": request.seed,
                    "temperature": asked.temperature,
                    "num_predict": asked.max_tokens,
                    "num_ctx": _reads(asked),
                },
            },
            said,
            lambda: sink.progress(min(written, asked.max_tokens), asked.max_tokens, "write"),
        )
        if not written:
            raise GenerationError("language_model", f"{plan.model} at {url} had nothing to say.")
        sink.note(
            server=url,
            read=counts.read,
            tokens=counts.written,
            pictures=len(pictures),
            cut=list(asked.cut),
            blind=bool(asked.pictures) and not pictures,
        )
        sink.progress(asked.max_tokens, asked.max_tokens, "write")

    def missing(self) -> str:
        """Says when no server answers or it has no model; looks once in a few seconds."""
        try:
            url = address(self.url)
            found = self.held(url)
        except GenlockError as error:
            return f"{error.message} Start Ollama, or set another address."
        return "" if found else f"The Ollama server at {url} has no model: `ollama pull gemma3`."

    def libraries(self) -> tuple[str, ...]:
        """Names nothing: what ran is the server's."""
        return ()

    def _choose(self, url: str, wanted: str) -> str:
        names = [held.name for held in self.held(url)]
        if wanted:
            found = next((name for name in names if name in (wanted, f"{wanted}:latest")), None)
            if found is None:
                raise GenerationError(
                    "language_model",
                    f"The Ollama server at {url} has no model {wanted}; it has {', '.join(names) or 'none'}.",
                )
            return found
        for start in WRITERS:
            found = next((name for name in names if name.rpartition("/")[2].startswith(start)), None)
            if found is not None:
                return found
        if not names:
            raise GenerationError("language_model", f"The Ollama server at {url} has no model.")
        return names[0]

    def held(self, url: str) -> list[Held]:
        """Returns the models of a server, as it said a few seconds ago at most. Raises GenerationError(language_model)."""
        when, found = self._seen.get(url, (float("-inf"), []))
        if monotonic() - when > REMEMBERED:
            try:
                found = models(url)
            except GenlockError as error:
                found = error
            self._seen[url] = (monotonic(), found)
        if isinstance(found, GenlockError):
            raise GenerationError(found.code, found.message)
        return found


def _reads(asked: Question) -> int:
    """Returns how many tokens the server has to read at once: its usual number would cut a long question silently. In
    coarse steps, because another number loads the model again."""
    tokens = len(asked.system + asked.text) // 2 + 1024 * len(asked.pictures) + asked.max_tokens
    return next(step for step in (4096, 8192, 16_384, 32_768) if tokens <= step or step == 32_768)


def _pictures(asked: Question) -> tuple[bytes, ...]:
    from genlock.media.thumbnails import thumbnail

    return tuple(thumbnail(Path(path), first, WIDTH) for path, first in asked.pictures)


ENGINE: Engine = OllamaEngine()
