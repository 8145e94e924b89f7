"""What a language model is asked."""

from __future__ import annotations

from typing import Any

import pytest

from genlock.errors import BadInput
from genlock.generation.engines.llm.directing import LONGEST, question
from genlock.project.request import Conditioning, GenerationRequest


def asked(prompt: str = "a fox", **settings: Any) -> GenerationRequest:
    return GenerationRequest(mode="enhance_prompt", prompt=prompt, settings=settings)


def test_the_facts_of_the_shot_come_before_the_draft() -> None:
    context = {"scene": "12", "before": ["A door opens.", "Rain."], "notes": "", "colour of the moon": "red"}
    request = GenerationRequest(
        mode="enhance_prompt", prompt=" a fox ", shot_code="SH01", camera="push", settings={"context": context}
    )
    text = question(request).text
    assert text == "Shot: SH01\nScene: 12\nCamera: push\nShot before: A door opens.; Rain.\nDraft: a fox"


def test_what_does_not_fit_is_cut_from_the_end_and_named() -> None:
    made = question(asked(context={"scene": "s" * 60, "notes": "n" * 100, "after": "a" * 100}), room=170)
    assert made.cut == ("notes", "after")
    assert made.text == f"Scene: {'s' * 60}\nNotes: {'n' * 95}…\nDraft: a fox"


def test_a_draft_of_the_longest_kind_passes_and_one_byte_more_does_not() -> None:
    assert question(asked("x" * LONGEST)).text.endswith("x" * LONGEST)
    with pytest.raises(BadInput, match="16001 bytes"):
        question(asked("x" * (LONGEST + 1)))


@pytest.mark.parametrize(
    ("prompt", "settings"),
    [
        ("  ", {}),
        ("fox", {"temperature": 3}),
        ("fox", {"temperature": "hot"}),
        ("fox", {"max_tokens": 0}),
        ("fox", {"words": True}),
        ("fox", {"context": "SH01"}),
        ("fox", {"system": 7}),
        ("fox", {"tempreature": 1}),
    ],
)
def test_what_cannot_be_asked_is_refused(prompt: str, settings: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as caught:
        question(asked(prompt, **settings))
    assert caught.value.code == "bad_generation"


def test_four_pictures_are_shown_with_their_frames() -> None:
    pictures = tuple(Conditioning(f"/p/{n}.png", frame=n, first=n * 10) for n in range(6))
    made = question(GenerationRequest(mode="enhance_prompt", prompt="fox", conditioning=pictures))
    assert made.pictures == (("/p/0.png", 0), ("/p/1.png", 10), ("/p/2.png", 20), ("/p/3.png", 30))


def test_a_clip_to_go_on_from_is_shown_by_its_first_frame() -> None:
    one = (Conditioning("/p/0.png"),)
    made = question(GenerationRequest(mode="enhance_prompt", prompt="fox", conditioning=one, source="/p/clip.mov"))
    assert made.pictures == (("/p/0.png", 0), ("/p/clip.mov", 0))


def test_a_system_prompt_of_ones_own_replaces_ours() -> None:
    assert question(asked(system="Say {words} words of {this}.", words=12)).system == "Say 12 words of {this}."
    assert "at most 12 words" in question(asked(words=12)).system
