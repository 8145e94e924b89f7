"""Opens foreign media for PyAV with limits. Only the media process imports this."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from PIL import Image, UnidentifiedImageError

from genlock.errors import MediaError
from genlock.media.limits import MOST_PIXELS, READ_ONLY_FILES

Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2  # pillow refuses at twice this


def unreadable(path: Path, why: object) -> MediaError:
    return MediaError("media_unreadable", f"{path.name} cannot be decoded: {why}.", path=str(path))


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what libav, pillow and the system say about a file into MediaError(media_missing, media_unreadable)."""
    try:
        yield
    except FileNotFoundError as error:
        raise MediaError("media_missing", f"{path} is not there.", path=str(path)) from error
    except (av.FFmpegError, OSError, UnidentifiedImageError, Image.DecompressionBombError, MemoryError) as error:
        raise unreadable(path, getattr(error, "strerror", None) or error or type(error).__name__) from error
    except (ValueError, ArithmeticError, LookupError, TypeError, SyntaxError) as error:
        # what decoders written in Python raise at broken files (pillow's plug-ins among them)
        raise unreadable(path, error) from error


@contextlib.contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Opens a container; leaves it closed. Raises as `container_of`, and turns what is raised meanwhile too: nothing but
    reading belongs into it."""
    with reading(path), container_of(path) as container:
        yield container


def container_of(path: Path) -> InputContainer:
    """Returns an open container, which the caller closes. Raises as `reading`, and for a path that is no regular file."""
    with reading(path):
        if path.exists() and not path.is_file():
            raise unreadable(path, "it is not a file")
        return av.open(f"file:{path}", "r", options=dict(READ_ONLY_FILES), metadata_errors="replace")


def picture_stream(container: InputContainer, *, rough: bool = False) -> av.VideoStream | None:
    """Returns the stream that holds the picture, no cover art; None without one. ValueError for absurd sizes.

    `rough` leaves out what costs time and is not seen in small pictures: frames nobody refers to, and deblocking.
    """
    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic and len(container.streams.audio):
            continue
        context = stream.codec_context
        if context.width * context.height > MOST_PIXELS:
            raise ValueError(f"{context.width}x{context.height} pixels are more than the limit")
        context.options = {"max_pixels": str(MOST_PIXELS), **({"skip_loop_filter": "all"} if rough else {})}
        context.skip_frame = "NONREF" if rough else "DEFAULT"
        context.thread_type = "SLICE"  # frame threads would hold back the one frame that is wanted
        return stream
    return None
