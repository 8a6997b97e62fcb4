"""A lab that is running, as another process of the same machine sees it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class RunningLab(Struct, frozen=True):
    """`pid`: its outermost process; `host`: the one that is in its net, which `host_started` tells from a later one.

    `net` "private": its host has another net than its outermost process; "": that can't be seen. `port` None: it could
    not be read. `age` in seconds; `user`: the owner's name.
    """

    pid: int
    host: int
    host_started: int  # ticks since the machine's start, as proc_pid_stat(5) has it
    net: Literal["host", "private", ""]
    port: int | None
    age: float
    uid: int
    user: str = ""


class Choice(Struct, frozen=True):
    """Which lab is meant. `lab` None: there is none, or there are too many, of `labs`, this user's own.

    `others`: those that root may choose too.

    `has_nets` False: a system on which every lab is in the machine's own net, and none can be looked for.
    """

    lab: RunningLab | None = None
    labs: tuple[RunningLab, ...] = ()
    others: tuple[RunningLab, ...] = ()
    has_nets: bool = True
