"""Link groups: items that move and trim together."""

from __future__ import annotations

from genlock.timeline.commands import LinkItems, UnlinkItems
from genlock.timeline.edits import selection
from genlock.timeline.edits.drafts import Draft, EditRefused


def link_items(draft: Draft, command: LinkItems) -> str:
    chosen = selection.clips(draft, command.items, linked=False)
    if len(chosen) < 2:
        raise EditRefused("bad_value", "A link needs two items at least.")
    links = {draft.item(id_).link for id_ in chosen}
    (only,) = links if len(links) == 1 else (None,)
    if only is not None and draft.state.links[only] == frozenset(chosen):
        raise EditRefused("no_change", "These items are already linked with each other.")
    link = draft.fresh("l")
    for id_ in chosen:
        draft.set(id_, link=link)
    _release(draft, links)
    return f"Link {len(chosen)} items"


def unlink_items(draft: Draft, command: UnlinkItems) -> str:
    chosen = selection.items(draft, command.items, linked=False)
    links = {draft.item(id_).link for id_ in chosen}
    for id_ in chosen:
        draft.set(id_, link=None)
    _release(draft, links)
    return f"Unlink {selection.amount(draft, chosen)}"


def _release(draft: Draft, links: set[str | None]) -> None:
    """Takes out of a group the one item that is left alone in it."""
    for link in sorted(link for link in links if link is not None):
        rest = draft.state.links.get(link, frozenset())
        if len(rest) == 1:
            (alone,) = rest
            if not draft.state.track_of(alone).locked:
                draft.set(alone, link=None)
