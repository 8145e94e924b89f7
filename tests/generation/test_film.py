"""The encoder beside an engine."""

from __future__ import annotations

from threading import Thread
from typing import Any

import numpy as np

from genlock.generation.film import AHEAD, _Encoder


class Unwell:
    """A writer whose library raises what nobody expects."""

    def write_video(self, picture: Any) -> None:
        raise RuntimeError("generic error in an external library")

    def abort(self) -> None:
        pass


def test_an_encoder_that_fails_in_an_unknown_way_ends_the_film() -> None:
    encoder = _Encoder(Unwell())  # type: ignore[arg-type]
    found: list[str] = []

    def engine() -> None:
        try:
            for _ in range(AHEAD * 3):
                encoder.put_frame(np.zeros((2, 2, 3), np.uint8))
            encoder.finish()
        except RuntimeError as error:
            found.append(str(error))
            encoder.abort()

    thread = Thread(target=engine, daemon=True)
    thread.start()
    thread.join(5)
    assert found == ["generic error in an external library"]
