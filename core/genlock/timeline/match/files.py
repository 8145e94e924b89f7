"""Which file of a returned cut is which of the base: paths, relinked folders, file names; never a clip's name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final
from unicodedata import normalize

from genlock.timeline.match.values import name_of

DEPTH: Final = 8
"""Parts of a path, from its end, by which files of one name are told apart."""

WAYS: Final = 64
"""Ways folders went, the commonest first, that are followed."""

_NO_NAME: Final = re.compile(r"[/\\\0]")
_WIDTH: Final = re.compile(r"%0\d+d")
_VERSION: Final = re.compile(r"(?:[\W_]+|(?<=\d))v(?:er(?:sion)?)?[\W_]*\d+(?=[\W_]|$)", re.IGNORECASE)


def plain(path: str) -> str:
    """Returns a path as it is compared: forward slashes, accents composed (a Mac writes them in pieces), numbers of images
    as wide as they are. A mere name has no slashes: programs that make a file's name of it put something else there."""
    name = name_of(path)
    path = path.replace("\\", "/") if name is None else _NO_NAME.sub("_", name)
    return normalize("NFC", _WIDTH.sub("%d", path) if "%0" in path else path)


def family(path: str) -> str:
    """Returns a file's name without folder, suffix and version: "/a/SC01_SH020_v003.mov" -> "sc01_sh020"."""
    name = plain(path).rpartition("/")[2].casefold()
    stem = name.rpartition(".")[0] or name
    return _VERSION.sub("", stem)


def same_files(base: Iterable[str], returned: Iterable[str]) -> dict[str, str]:
    """Returns returned path -> base path, each base path at most once.

    A path that both know is itself. Others have the same file name; among several of that name as much of the way to
    them decides as it takes, and a folder that moved, moved with all that was in it.
    """
    ours = {path for path in base if path}
    known = {plain(path): path for path in sorted(ours, reverse=True)}
    wanted = sorted({path for path in returned if path})
    found = {path: path if path in ours else known[key] for path in wanted if (key := plain(path)) in known}
    here = sorted(set(known.values()) - set(found.values()))
    there = [path for path in wanted if path not in found]
    for depth in range(1, DEPTH + 1):
        pairs = _only_ones(here, there, depth)
        found.update(pairs)
        here = sorted(set(here) - set(pairs.values()))
        there = [path for path in there if path not in pairs]
        if not here or not there:
            return found
    found.update(_moved_along(here, there, found))
    return found


def _only_ones(here: list[str], there: list[str], depth: int) -> dict[str, str]:
    """Pairs the paths whose last parts only one on either side has."""
    ours, theirs = _by_end(here, depth), _by_end(there, depth)
    return {paths[0]: ours[end][0] for end, paths in theirs.items() if len(paths) == 1 and len(ours.get(end, ())) == 1}


def _by_end(paths: list[str], depth: int) -> dict[tuple[str, ...], list[str]]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for path in paths:
        groups.setdefault(tuple(plain(path).casefold().split("/")[-depth:]), []).append(path)
    return groups


def _moved_along(here: list[str], there: list[str], found: dict[str, str]) -> dict[str, str]:
    """Pairs the files that lie where others of their folder went, the commonest way first."""
    moved = Counter(_roots(path, one) for path, one in found.items() if path != one)
    free = {plain(path): path for path in here}
    plainly = {path: plain(path) for path in there}
    pairs: dict[str, str] = {}
    for (root, other), _ in sorted(moved.items(), key=lambda row: (-row[1], row[0]))[:WAYS]:
        for path, told in plainly.items():
            if path in pairs or not told.startswith(root + "/"):
                continue
            one = free.pop(other + told[len(root) :], None)
            if one is not None:
                pairs[path] = one
    return pairs


def _roots(one: str, other: str) -> tuple[str, str]:
    """Returns what is left of two paths in front of the parts they share at the end."""
    a, b = plain(one).split("/"), plain(other).split("/")
    count = 0
    for left, right in zip(reversed(a), reversed(b), strict=False):
        if left != right:
            break
        count += 1
    return "/".join(a[: len(a) - count]), "/".join(b[: len(b) - count])
