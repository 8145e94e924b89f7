"""The event store: SQLite in a file, PostgreSQL by a URL, the same tables, chain and contract.

store        EventStore and open_store: what the application uses
records      the values that go in and come out
mapper       events to JSON and back under stable topics; upcasters for older schemas
chain        the hash chain over the log and the checksum of each event
ledger       the contract of the recorders: sqlite, postgres, memory (tables: the SQL both share)
lockfile     one process a store; mounts: never on a network mount
snapshots    shortcuts for opening an aggregate
verify, backup, jsonl, fork, stats    what an operator needs
"""

from genlock.store.records import CommandRow, Commit, Recorded
from genlock.store.store import EventStore, open_store

__all__ = ["CommandRow", "Commit", "EventStore", "Recorded", "open_store"]
