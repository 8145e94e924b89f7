# SPDX-License-Identifier: GPL-3.0-or-later
"""How strips and items are each other: plain values in, plain values out, without Blender.

`to_cut` tells a picture as a cut, `to_strips` shows a cut as a picture; both read a `Book`, which `book_of` makes from the
client's model. For a comparison use `level(before, after)`, which leaves out what either side holds back.
"""

from .book import Book, book_of
from .inward import Mapped, level, new_id, to_cut
from .outward import Wanted, to_strips

__all__ = ["Book", "Mapped", "Wanted", "book_of", "level", "new_id", "to_cut", "to_strips"]
