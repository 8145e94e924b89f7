"""The one error tree.

Every error a person or a program can meet has a stable code. `CODES` is the whole list: code -> (HTTP status, what
it means, what to do). docs/errors.md shows the same table and a test keeps the two equal.

    GenlockError
    ├── BadInput        what was given cannot be used (a file, a value, a flag)
    ├── NotFound        the thing named does not exist
    ├── Refused         a command was understood and turned down; the state did not change
    ├── StoreError      the event store cannot do it (locked, full, tampered)
    ├── MediaError      a media file cannot be read or written
    ├── GenerationError a job could not be carried out
    └── AccessError     who asks may not
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple


class Code(NamedTuple):
    """One row of the error table."""

    status: int
    meaning: str
    hint: str


CODES: dict[str, Code] = {
    # -- bad input
    "bad_request": Code(
        400, "The request does not have the shape the command needs.", "Compare it with docs/protocol.md."
    ),
    "unknown_command": Code(
        400,
        "There is no command of that name.",
        "List them in docs/protocol.md; the client may be newer than the daemon.",
    ),
    "unknown_format": Code(415, "No reader knows this file.", "Export it as .otio from the tool it comes from."),
    "bad_json": Code(400, "The file is not valid JSON.", "The file may be cut short: export it again."),
    "bad_xml": Code(400, "The file is not valid XML.", "The message says the line; export the file again."),
    "too_deep": Code(
        400,
        "The file nests deeper than any timeline does.",
        "Export it again; if it is genuine, send it to us.",
    ),
    "too_large": Code(
        413, "The file or message is larger than the limit.", "Split it, or raise the limit in the settings."
    ),
    "bad_time": Code(
        400,
        "A time value is not a number a timeline can hold.",
        "NaN, infinite or negative durations come from a broken export.",
    ),
    "bad_rate": Code(
        400, "That is not a frame rate Genlock knows.", "Use 23.976, 24, 25, 29.97, 30, 48, 50, 59.94 or 60."
    ),
    "bad_timecode": Code(
        400, "That is not a timecode at this rate.", "Write HH:MM:SS:FF, or HH:MM:SS;FF for drop frame."
    ),
    "bad_timeline": Code(
        400,
        "The file is a timeline with parts that contradict each other.",
        "The message names the part; fix it in the tool it comes from.",
    ),
    "bad_value": Code(400, "A value lies outside what is allowed.", "The message says which and what is allowed."),
    "ambiguous_name": Code(400, "That name fits more than one.", "Write more of it, or the start of its id."),
    "bad_name": Code(400, "That name cannot be used.", "Use letters, digits, space, dot, dash and underscore."),
    # -- not found
    "no_such_project": Code(404, "There is no such project.", "`genlock project list` shows them."),
    "no_such_sequence": Code(404, "There is no such sequence.", "`genlock sequence list` shows them."),
    "no_such_track": Code(404, "There is no such track in the sequence.", "Somebody may have removed it: reload."),
    "no_such_item": Code(404, "There is no such item in the sequence.", "Somebody may have removed it: reload."),
    "no_such_transition": Code(
        404, "There is no transition between these items.", "Somebody may have removed it: reload."
    ),
    "no_such_marker": Code(404, "There is no such marker.", "Somebody may have removed it: reload."),
    "no_such_shot": Code(404, "There is no such shot.", "`genlock shot list` shows them."),
    "no_such_take": Code(404, "The shot has no such take.", "`genlock take list SHOT` shows them."),
    "no_such_job": Code(404, "There is no such job.", "`genlock jobs` shows them."),
    "no_such_media": Code(404, "The media pool has no such media.", "Add the file to the project first."),
    "no_such_version": Code(404, "The history has no such version.", "`genlock history` shows the versions."),
    "no_such_file": Code(404, "The file does not exist.", "Check the path."),
    "no_such_engine": Code(404, "There is no such engine.", "`genlock doctor` lists the engines that can run here."),
    "no_such_model": Code(404, "There is no such model.", "`genlock models list` shows the known ones."),
    "not_found": Code(404, "There is nothing at this address.", "See docs/protocol.md for the addresses."),
    "no_such_conflict": Code(
        404, "There is no such open conflict in the sequence.", "`genlock conflicts list SEQ` shows the open ones."
    ),
    # -- refused edits
    "stale_version": Code(
        409,
        "The sequence moved on since the version you edited.",
        "Take the events since, then send the edit again.",
    ),
    "overlap": Code(
        409,
        "The edit would put two items in the same place of a free track.",
        "Use overwrite, or make room first.",
    ),
    "outside_media": Code(
        409,
        "The edit asks for frames the media does not have.",
        "The message says how many frames of handle are left.",
    ),
    "not_enough_handle": Code(
        409,
        "A transition needs more handle than its clips have.",
        "Shorten the transition, or slip the clip.",
    ),
    "too_short": Code(409, "The edit would leave an item without a frame.", "Trim less, or remove the item."),
    "before_start": Code(
        409, "The edit would put an item before the first frame of the sequence.", "Move it less far."
    ),
    "locked_track": Code(409, "The track is locked.", "Unlock it first."),
    "wrong_track_kind": Code(
        409,
        "Video cannot go on an audio track, nor audio on a video track.",
        "Choose a track of the same kind.",
    ),
    "wrong_placement": Code(
        409,
        "A magnetic track has no free positions and a free track no order.",
        "Use the edit meant for that placement.",
    ),
    "sync_conflict": Code(
        409,
        "A sync-locked track has something in the way of the ripple.",
        "Switch sync lock off for the tracks named, or move what is in the way.",
    ),
    "not_adjacent": Code(409, "The two items do not touch.", "Roll, join and transitions need neighbours."),
    "not_contiguous": Code(
        409, "The two items are not one piece of source.", "Only halves of the same source can be joined."
    ),
    "not_nested": Code(409, "The item is not a nested sequence.", "Unnest works on nested sequences only."),
    "nesting_cycle": Code(409, "A sequence cannot contain itself.", "Nest a copy instead."),
    "track_not_empty": Code(
        409, "The track still holds items.", "Remove them first, or ask for removal with its items."
    ),
    "no_gap_here": Code(409, "There is no gap at that place.", "Fill works on gaps; use overwrite to replace items."),
    "id_taken": Code(409, "Something else already has this id.", "Make a new id."),
    "no_change": Code(409, "The edit would change nothing.", "Nothing was stored."),
    "nothing_to_undo": Code(
        409,
        "You have nothing left to undo here.",
        "Undo is per person; `genlock history` shows who did what.",
    ),
    "nothing_to_redo": Code(409, "You have nothing left to redo here.", "A new edit clears the redo stack."),
    "undo_conflict": Code(
        409, "Somebody changed this since.", "The conflicts are listed; repeat with force to undo it anyway."
    ),
    "conflict_choice": Code(
        409, "This conflict cannot be settled that way.", "Its `choices` say how; `manual` is always one of them."
    ),
    "lossy_export": Code(
        409,
        "The format cannot carry everything and --strict was asked for.",
        "The loss report names it; leave --strict out, or choose another --to.",
    ),
    "no_base": Code(
        409,
        "Nothing says which version the file was made from.",
        "Name it with --base VERSION, or import the file as a new sequence.",
    ),
    "archived": Code(409, "It was archived.", "Restore it, or fork it."),
    "name_taken": Code(409, "Another one already has that name.", "Choose another name."),
    "in_use": Code(409, "It is still used.", "The message says where."),
    "wrong_state": Code(409, "That cannot be done in its present state.", "The message says what state it is in."),
    "command_id_reused": Code(
        409,
        "This command id was already used by another command.",
        "Make a new id for each command; repeat an id only to repeat the same command.",
    ),
    # -- store
    "store_busy": Code(
        423,
        "Another process has the store open.",
        "The message names its pid: close it, or talk to that daemon.",
    ),
    "store_full": Code(
        507,
        "The disk is full: the edit was not stored, nothing else was lost.",
        "Free some space and repeat.",
    ),
    "store_unwritable": Code(
        507, "The store's folder cannot be written.", "Check the permissions, or give another --store."
    ),
    "store_tampered": Code(
        500,
        "An event in the store is not what was written.",
        "Restore a backup with `genlock store restore`; the message names the first bad event.",
    ),
    "store_corrupt": Code(500, "The store file is damaged.", "Restore a backup with `genlock store restore`."),
    "store_on_network": Code(
        400,
        "The store lies on a network mount, where SQLite cannot promise anything.",
        "Keep it on a local disk; put backups and exports on the share.",
    ),
    "store_unreachable": Code(
        503, "The database server does not answer.", "Check the URL and whether the server runs."
    ),
    "store_version": Code(500, "The store was written by a newer Genlock.", "Update Genlock."),
    "unknown_event": Code(500, "The store holds an event this Genlock does not know.", "Update Genlock."),
    # -- media
    "media_missing": Code(
        404,
        "The media file is not where the project expects it.",
        "Relink it: `genlock doctor` lists missing media.",
    ),
    "media_unreadable": Code(
        422, "The media file cannot be decoded.", "Play it elsewhere to check it; it may be cut short."
    ),
    "media_busy": Code(503, "The media process did not answer in time.", "It was restarted; try again."),
    "unwritable_folder": Code(507, "The folder cannot be written.", "Check the permissions and the free space."),
    "render_failed": Code(500, "The renderer stopped.", "The message ends with what it printed."),
    "blender_absent": Code(
        409,
        "No Blender was found that can do it.",
        "Install Blender 4.2 or newer, or name one with --blender, --with or GENLOCK_BLENDER.",
    ),
    "blender_failed": Code(500, "Blender did not do what it was asked.", "The message ends with what it printed."),
    "blender_package": Code(500, "The Blender extension cannot be packed.", "Install Genlock anew."),
    # -- generation
    "bad_generation": Code(422, "The request asks for something no engine can make.", "The message says which part."),
    "worker_lost": Code(500, "The worker process died.", "The job can be retried; the take folder holds its log."),
    "engine_failed": Code(500, "The engine stopped with an error.", "The message says which."),
    "cancelled": Code(409, "The job was cancelled.", "Retry it to run it again."),
    "needs_memory": Code(
        507, "No plan fits into the memory of this machine.", "Make it smaller, or choose another engine."
    ),
    "model_missing": Code(
        409, "The model is not on this machine.", "`genlock models list` shows what is, and how to get it."
    ),
    "model_broken": Code(409, "The model's files cannot be used.", "`genlock models check` says which; pull it again."),
    "licence": Code(
        403,
        "The model's licence has to be accepted first.",
        "Accept it on the model's page with your Hugging Face account, log in with `hf auth login`, then pull again.",
    ),
    "no_space": Code(507, "The disk has no room for the model.", "Free some space, or point GENLOCK_MODELS elsewhere."),
    "hub_unreachable": Code(
        503,
        "The model's files cannot be fetched from where they are published.",
        "Pull again when you are online; what was fetched is kept.",
    ),
    "language_model": Code(
        502,
        "The language model's server gave no usable answer.",
        "Look at the server's log, or choose another provider.",
    ),
    "unsafe_weights": Code(
        422, "Weights that are pickles are never opened.", "Use the safetensors of the same model, or convert them."
    ),
    # -- access and wire
    "unauthorized": Code(
        401, "The token is missing or wrong.", "The discovery file holds the token of the running daemon."
    ),
    "bad_host": Code(421, "The Host header is not one of ours.", "Use http://127.0.0.1:PORT."),
    "bad_origin": Code(403, "Requests from other pages are not served.", "Open the panel that the daemon serves."),
    "not_json": Code(415, "Only application/json is read here.", "Set Content-Type: application/json."),
    "outside_roots": Code(
        403,
        "The path lies outside the folders the daemon may read.",
        "Allow the folder with `genlock up --root DIR`.",
    ),
    "protocol_version": Code(400, "Client and daemon speak different protocol versions.", "Update the older one."),
    "slow_client": Code(
        429, "The client did not read fast enough and was cut off.", "Reconnect with the resume cursor."
    ),
    "too_many": Code(429, "Too many connections at once.", "Close some, then connect again."),
    "daemon_absent": Code(503, "No daemon is running for this store.", "Start one with `genlock up`."),
    "no_answer": Code(
        504,
        "The daemon did not answer in time.",
        "It may still be working: ask for the state before you repeat anything.",
    ),
    "shutting_down": Code(503, "The daemon is shutting down.", "Reconnect in a moment with the same cursor."),
    "internal": Code(500, "Genlock made a mistake.", "The log has a traceback: please report it."),
}


class GenlockError(Exception):
    """Base of all errors: a stable `code`, one sentence for a person, a hint, and details for programs.

    `message` defaults to the table's meaning and `hint` to the table's hint. `details` must be JSON-ready.
    """

    default: ClassVar[str] = "internal"

    def __init__(self, code: str = "", message: str = "", *, hint: str = "", **details: Any) -> None:
        self.code = code or self.default
        row = CODES[self.code]
        self.status = row.status
        self.message = message or row.meaning
        self.hint = hint or row.hint
        self.details: dict[str, Any] = details
        super().__init__(self.message)

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON shape used on the wire, by REST and by `--json`."""
        return {"code": self.code, "message": self.message, "hint": self.hint, **self.details}


class BadInput(GenlockError):
    """What was given cannot be used; raised before anything is stored."""

    default = "bad_request"


class NotFound(GenlockError):
    """The thing named does not exist."""

    default = "not_found"


class Refused(GenlockError):
    """A command was understood and turned down; nothing changed. `details["conflicts"]` lists what stands against it."""

    default = "bad_value"


class StoreError(GenlockError):
    """The event store could not do what was asked."""

    default = "store_corrupt"


class MediaError(GenlockError):
    """A media file could not be read or written."""

    default = "media_unreadable"


class GenerationError(GenlockError):
    """A generation job could not be carried out."""

    default = "engine_failed"


class AccessError(GenlockError):
    """Whoever asks may not."""

    default = "unauthorized"
