"""Writes into a store from four threads until it is killed: `python -m tests.faults.store_writer PATH`.

Each acknowledged append is one line on standard output, written after the append returned: `aggregate version`.
"""

from __future__ import annotations

import os
import sys
from threading import Thread
from uuid import UUID, uuid4

from genlock.store import Commit, EventStore, open_store
from tests.contract.event_store import created, renamed


def write(store: EventStore, originator: UUID) -> None:
    version = len(list(store.read(originator)))
    if version == 0:
        store.append([Commit(uuid4().hex, "writer", b"", (created(originator),))])
        version = 1
    while True:
        events = tuple(renamed(originator, version + n) for n in (1, 2, 3))
        store.append([Commit(f"{originator.hex}-{version}", "writer", b"", events)])
        version += 3
        os.write(1, b"%d %d\n" % (originator.int, version))


def main() -> None:
    store = open_store(sys.argv[1])
    os.write(1, b"ready\n")
    threads = [Thread(target=write, args=(store, UUID(int=n))) for n in range(1, 5)]
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main()
