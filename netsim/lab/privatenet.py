"""A network of the lab's own: the namespaces it takes, and what makes the empty net in them usable and calm.

`unshare_private` is for a process that has one thread, `prepare` for one that is in the new net and has executed no
other program since (then an ordinary user has no say there any more). Sources: user_namespaces(7), unshare(2).
"""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

from netsim.lab import calm, linux, loopback
from netsim.lab.calm import Setting
from netsim.lab.steps import StepError, step

NEWNET = 0x40000000  # linux/sched.h
LOWEST_PORT = 80  # from here on a port needs no privilege in the lab; below, a student still meets EACCES


class PrivateNetError(StepError):
    """There is no private net: the step that failed, and its errno."""


class Prepared(NamedTuple):
    """What came of `prepare`; `skipped` is no failure: older kernels lack some, a read-only /proc/sys has EROFS."""

    set: tuple[Setting, ...]
    skipped: tuple[Setting, ...]


def unshare_private(*, user: bool = True, pid: bool = True) -> None:
    """Leave the machine's net for an empty one, and with `pid` let the next child be PID 1 of a pid namespace.

    The order makes the net the user namespace's own: first that and its maps, the user mapped to itself, then net and
    pid. `user=False` needs privileges. Raises PrivateNetError; then the process may be half in, and is fit for nothing
    but ending: try the next thing in a fresh one. EINVAL at unshare(NEWUSER): there are other threads.
    """
    if user:
        # Before the unshare: after it, without maps, everybody is 65534.
        enter_user_namespace(os.geteuid(), os.getegid())
    flags, name = (NEWNET | linux.NEWPID, "unshare(NEWNET|NEWPID)") if pid else (NEWNET, "unshare(NEWNET)")
    with step(name, PrivateNetError):
        linux.unshare(flags)


def enter_user_namespace(uid: int, gid: int) -> None:
    """A user namespace of one's own, with this user and group mapped to themselves; raises PrivateNetError.

    Where Ubuntu's AppArmor restricts it, the unshare succeeds and a map is refused (EACCES or EPERM).
    """
    with step("unshare(NEWUSER)", PrivateNetError):
        linux.unshare(linux.NEWUSER)
    # setgroups first: without that an unprivileged process may not map its group
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with (
            step(f"write /proc/self/{name}", PrivateNetError),
            open(f"/proc/self/{name}", "w", encoding="ascii") as file,
        ):
            file.write(text)


def prepare() -> Prepared:
    """Make the empty net usable: loopback with a wire's MTU, calm timers, port 80 for everybody, IPv6 where there is.

    Raises PrivateNetError if the loopback can't be brought up; EBUSY: this is not an empty net (or
    it was prepared before), and nothing was changed: these settings are not for the machine's own net.
    """
    with step("look at the interfaces", PrivateNetError):
        interfaces = loopback.interfaces_up()
    if interfaces:
        raise PrivateNetError(f"not an empty net: {', '.join(interfaces)} is up", errno.EBUSY)
    first = calm.write("net.ipv6.conf.lo.disable_ipv6", 0)  # a machine's "no IPv6" is inherited; here it is harmless
    with step("bring the loopback up", PrivateNetError):
        loopback.bring_up()
    ports = calm.write("net.ipv4.ip_unprivileged_port_start", LOWEST_PORT)
    settings = (first, ports, *calm.calm_down())
    return Prepared(
        tuple(each for each in settings if each.errno is None),
        tuple(each for each in settings if each.errno is not None),
    )
