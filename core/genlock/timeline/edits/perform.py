"""Which function carries out which command, and several commands as one."""

from __future__ import annotations

from typing import assert_never

from genlock.timeline.commands import (
    AddTrack,
    AppendItem,
    Batch,
    EditCommand,
    ExtractItems,
    ExtractRange,
    FillGap,
    InsertItem,
    JoinItems,
    LiftItems,
    LiftRange,
    LinkItems,
    MoveItems,
    MoveTrack,
    NestItems,
    OverwriteItem,
    RemoveMarker,
    RemoveTrack,
    RemoveTransition,
    RenameItem,
    ReplaceSource,
    ResolveConflict,
    RippleTrimItem,
    RollCut,
    SetEffects,
    SetEnabled,
    SetMarker,
    SetSequence,
    SetSpeed,
    SetTrack,
    SetTransition,
    SlideItem,
    SlipItem,
    SplitAt,
    SplitItem,
    TrimItem,
    UnlinkItems,
    UnnestItem,
)
from genlock.timeline.edits import (
    conflicts,
    cutting,
    insertion,
    links,
    markers,
    moving,
    nesting,
    removal,
    sources,
    tracks,
    transitions,
    trimming,
)
from genlock.timeline.edits.drafts import Draft, EditRefused

DEPTH = 8
"""How deep batches may lie in batches."""


def perform(draft: Draft, command: EditCommand, depth: int = 0) -> str:
    """Carries out a command on the draft, tidies up and checks what it touched; returns its label."""
    if isinstance(command, Batch):
        return _batch(draft, command, depth)
    before, count = draft.state, len(draft.ops)
    label = _edit(draft, command)
    draft.settle()
    if not draft.changes(before, count):
        raise EditRefused("no_change")
    draft.guard(before, count)
    return label


def _batch(draft: Draft, batch: Batch, depth: int) -> str:
    if depth >= DEPTH:
        raise EditRefused("bad_value", f"Batches lie more than {DEPTH} deep in each other.")
    labels, begun = [], len(draft.ops)
    for command in batch.commands:
        state, count = draft.state, len(draft.ops)
        try:
            labels.append(perform(draft, command, depth + 1))
        except EditRefused as refused:
            # what is already so does no harm to the rest
            if refused.code != "no_change":
                raise
            draft.rewind(state, count)
    if len(draft.ops) == begun:
        raise EditRefused("no_change")
    if batch.label:
        return batch.label
    more = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
    return "; ".join(labels[:3]) + more


def _edit(draft: Draft, command: EditCommand) -> str:
    match command:
        case InsertItem():
            return insertion.insert_item(draft, command)
        case OverwriteItem():
            return insertion.overwrite_item(draft, command)
        case AppendItem():
            return insertion.append_item(draft, command)
        case FillGap():
            return insertion.fill_gap(draft, command)
        case LiftItems():
            return removal.lift_items(draft, command)
        case ExtractItems():
            return removal.extract_items(draft, command)
        case LiftRange():
            return removal.lift_range(draft, command)
        case ExtractRange():
            return removal.extract_range(draft, command)
        case TrimItem():
            return trimming.trim_item(draft, command)
        case RippleTrimItem():
            return trimming.ripple_trim_item(draft, command)
        case RollCut():
            return trimming.roll_cut(draft, command)
        case SlipItem():
            return trimming.slip_item(draft, command)
        case SlideItem():
            return trimming.slide_item(draft, command)
        case MoveItems():
            return moving.move_items(draft, command)
        case SplitItem():
            return cutting.split_item(draft, command)
        case SplitAt():
            return cutting.split_at(draft, command)
        case JoinItems():
            return cutting.join_items(draft, command)
        case ReplaceSource() | SetSpeed() | SetEnabled() | RenameItem() | SetEffects():
            return _about_item(draft, command)
        case LinkItems():
            return links.link_items(draft, command)
        case UnlinkItems():
            return links.unlink_items(draft, command)
        case SetTransition():
            return transitions.set_transition(draft, command)
        case RemoveTransition():
            return transitions.remove_transition(draft, command)
        case SetMarker():
            return markers.set_marker(draft, command)
        case RemoveMarker():
            return markers.remove_marker(draft, command)
        case NestItems():
            return nesting.nest_items(draft, command)
        case UnnestItem():
            return nesting.unnest_item(draft, command)
        case AddTrack() | SetTrack() | MoveTrack() | RemoveTrack() | SetSequence():
            return _about_tracks(draft, command)
        case ResolveConflict():
            return conflicts.resolve_conflict(draft, command)
        case Batch():
            raise AssertionError("perform takes batches apart")
        case _:
            assert_never(command)


def _about_item(draft: Draft, command: ReplaceSource | SetSpeed | SetEnabled | RenameItem | SetEffects) -> str:
    match command:
        case ReplaceSource():
            return sources.replace_source(draft, command)
        case SetSpeed():
            return sources.set_speed(draft, command)
        case SetEnabled():
            return sources.set_enabled(draft, command)
        case RenameItem():
            return sources.rename_item(draft, command)
        case SetEffects():
            return sources.set_effects(draft, command)
        case _:
            assert_never(command)


def _about_tracks(draft: Draft, command: AddTrack | SetTrack | MoveTrack | RemoveTrack | SetSequence) -> str:
    match command:
        case AddTrack():
            return tracks.add_track(draft, command)
        case SetTrack():
            return tracks.set_track(draft, command)
        case MoveTrack():
            return tracks.move_track(draft, command)
        case RemoveTrack():
            return tracks.remove_track(draft, command)
        case SetSequence():
            return tracks.set_sequence(draft, command)
        case _:
            assert_never(command)
