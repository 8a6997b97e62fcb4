"""Around the lab host there are namespaces where they are allowed, so that its end is the end of everything in it.

The outermost process (it stays outside) starts the host behind a guard: contained, that is PID 1 of a pid namespace,
and the kernel ends what is in there with it; else it is the outermost process itself, which hunts its descendants.
/proc stays the machine's, so that psutil and /proc/self speak of the machine's PIDs.

Sources: user_namespaces(7), pid_namespaces(7). A private net would come in here: one more flag for `enter`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Literal, NamedTuple, NoReturn

from netsim.lab import guard, linux

Mode = Literal["auto", "user+pid", "pid", "none"]
MODES: tuple[Mode, ...] = ("auto", "user+pid", "pid", "none")


class Containment(NamedTuple):
    """What came of it. `because` says in which namespaces the lab lives, or which step was refused, with its errno."""

    contained: bool
    because: str
    flags: int = 0


_USER_AND_PID = Containment(True, "user and pid namespaces", linux.NEWUSER | linux.NEWPID)
_PID = Containment(True, "a pid namespace", linux.NEWPID)


def run(mode: Mode, host: Callable[[Containment, int], int]) -> NoReturn:
    """Run `host(containment, life)` as `mode` says; does not return. To be called while there are no other threads.

    `life` is a pipe that ends when the outermost process does; standard input ends when the screen does. The exit
    status is the host's, 128 + n if signal n ended it.
    """
    guard.prepare_signals()
    linux.name_process("netsim-lab")
    chosen = choose(mode)
    life, alive = os.pipe()  # nothing is ever written: `alive` is only open in the outermost process
    if chosen.contained:
        refused = enter(chosen.flags)
        if refused:
            raise OSError(f"what was allowed a moment ago is refused: {refused}")
        status, init = guard.guard(lambda: guard.spawn(lambda: _init(chosen, host, life, alive)), (0,))
        if init is not None:
            guard.end_child(init)  # comes back when the kernel has ended everything in the namespace
    else:
        if sys.platform.startswith("linux"):
            linux.adopt_orphans()
        me = os.getpid()
        status, child = guard.guard(lambda: guard.spawn(lambda: _bare_host(chosen, host, life, alive, me)), (0,))
        if child is not None:
            guard.end_child(child)
        guard.end_descendants()
    os._exit(status)


def choose(mode: Mode = "auto") -> Containment:
    """What can be had here, each tried for real in a child that ends at once; about 2 ms.

    Root takes the pid namespace alone where it can: in a user namespace it would no longer be the root of the
    network, and lose port 80 and the sight of other users' sockets.
    """
    wanted = {"user+pid": (_USER_AND_PID,), "pid": (_PID,), "none": ()}.get(mode)
    if wanted is None:
        wanted = (_PID, _USER_AND_PID) if hasattr(os, "geteuid") and os.geteuid() == 0 else (_USER_AND_PID,)
    if not sys.platform.startswith("linux"):
        return Containment(False, "only Linux has namespaces")
    refusals = []
    for each in wanted:
        refused = _try(each.flags)
        if not refused:
            return each
        if refused not in refusals:
            refusals.append(refused)
    return Containment(False, "; ".join(refusals) or "not asked for")


def enter(flags: int) -> str:
    """Unshare what `flags` say, the user mapped to itself; "" or the step that was refused: "unshare(NEWUSER): EPERM".

    After a refusal the process may be half in: fit for nothing but ending.
    """
    uid, gid = os.geteuid(), os.getegid()
    step = ""
    try:
        if flags & linux.NEWUSER:
            step = "unshare(NEWUSER)"
            linux.unshare(linux.NEWUSER)
            for step, text in (
                ("/proc/self/setgroups", "deny"),  # or the gid may not be mapped
                ("/proc/self/uid_map", f"{uid} {uid} 1"),
                ("/proc/self/gid_map", f"{gid} {gid} 1"),
            ):
                with open(step, "w", encoding="ascii") as file:
                    file.write(text)
        step = "unshare(NEWPID)"
        linux.unshare(flags & ~linux.NEWUSER)
    except OSError as error:
        return f"{step}: {linux.error_name(error)}"
    return ""


def _try(flags: int) -> str:
    """`enter` in a child of its own. Only so can one go on without: a process can't leave a user namespace."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(write_end, enter(flags).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answer:
        refused = answer.read().decode()
    os.waitpid(child, 0)
    return refused


def _init(chosen: Containment, host: Callable[[Containment, int], int], life: int, alive: int) -> int:
    """PID 1 of the namespace. When it returns (and exits), the kernel kills what is left in there."""
    linux.name_process("netsim-init")
    linux.die_with_parent(0)  # our parent has no number in here; if it is gone already, `life` has ended
    os.close(alive)

    def run_host() -> int:
        linux.name_process("netsim-host")
        return host(chosen, life)

    status, _ = guard.guard(lambda: guard.spawn(run_host), (0, life))
    return status


def _bare_host(chosen: Containment, host: Callable[[Containment, int], int], life: int, alive: int, parent: int) -> int:
    linux.name_process("netsim-host")
    if sys.platform.startswith("linux"):
        linux.die_with_parent(parent)
    os.close(alive)
    return host(chosen, life)
