"""What a world forgets, so that it stays small however long and whatever others send: the oldest of strangers' first.

Law: what is held, or on the table, is never forgotten; nor is anything of ours while there is enough of theirs.
"""

from __future__ import annotations

from msgspec.structs import replace

from netsim.model.strangers import is_strangers
from netsim.model.world import World

PACKETS = 4000
AT_ONCE = 1000  # so many go together: seldom
HOLDERS = 500  # rows of which it is remembered who had them


def forget_packets(world: World) -> World:
    """The world with at most so many packets."""
    if len(world.packets) <= PACKETS:
        return world
    theirs = {each for each in {packet.conversation for packet in world.packets} if is_strangers(world, each)}
    gone: set[int] = set()
    for only_theirs in (True, False):
        for packet in world.packets:
            if len(gone) == AT_ONCE:
                break
            if packet.fate != "held" and (not only_theirs or packet.conversation in theirs):
                gone.add(packet.number)
    return replace(
        world,
        packets=tuple(packet for packet in world.packets if packet.number not in gone),
        packets_forgotten=world.packets_forgotten + len(gone),
        changed=world.changed - {f"packet {number}" for number in gone},
    )


def forget_holders(world: World) -> World:
    """The world that remembers of at most so many rows who had them."""
    if len(world.remembered) <= HOLDERS:
        return world
    shown = {slot.row.key for slot in world.slots if slot.row is not None}
    ours = {pid for each in world.endpoints.values() for pid in (each.pid, *each.former_pids)}
    theirs = [
        key
        for key, holders in world.remembered.items()
        if key not in shown and not any(holder.pid in ours for holder in holders)
    ]
    gone = set(theirs[: len(world.remembered) - HOLDERS // 2])
    return replace(world, remembered={key: each for key, each in world.remembered.items() if key not in gone})
