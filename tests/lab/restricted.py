"""Runs netsim as a machine that allows less would: `python -m tests.lab.restricted WHAT ARGUMENTS...`.

Everything here can be had without privileges: limits of a user namespace of one's own, filters of system calls.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from netsim.lab import linux
from tests.lab.seccomp import KILL, Rule, install

_NETLINK, _SOCK_DIAG, _NETFILTER = 16, 4, 12
_CLONE_THREAD = 0x10000
SOMEBODY = 1000  # who we are in that user namespace: not root


def _limit(kind: str) -> Callable[[], None]:
    def restrict() -> None:
        as_somebody()
        Path(f"/proc/sys/user/max_{kind}_namespaces").write_text("0")

    return restrict


def _filter(*rules: Rule) -> Callable[[], None]:
    return lambda: install(*rules)


def as_somebody() -> None:
    """A user namespace in which we are nobody special, root or not outside; what is executed then has no powers."""
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(linux.NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{SOMEBODY} {uid} 1"), ("gid_map", f"{SOMEBODY} {gid} 1")):
        Path(f"/proc/self/{name}").write_text(text)


def _netlink(protocol: int, number: int) -> Rule:
    every = 0xFFFFFFFF
    return Rule("socket", number, ((0, every, _NETLINK), (2, every, protocol)))


RESTRICTIONS: dict[str, Callable[[], None]] = {
    "nothing": lambda: None,
    "somebody": as_somebody,
    "user limit 0": _limit("user"),
    "net limit 0": _limit("net"),
    "pid limit 0": _limit("pid"),
    "no unshare": _filter(Rule("unshare", errno.EPERM)),
    "no such unshare": _filter(Rule("unshare", errno.ENOSYS)),
    "deadly unshare": _filter(Rule("unshare", KILL)),
    "no net namespaces": _filter(Rule("unshare", errno.EINVAL, ((0, 0x40000000, 0x40000000),))),
    "no netfilter": _filter(_netlink(_NETFILTER, errno.EPROTONOSUPPORT)),
    "no sock_diag": _filter(_netlink(_SOCK_DIAG, errno.EPROTONOSUPPORT)),
    "no IPv4": _filter(Rule("socket", errno.EAFNOSUPPORT, ((0, 0xFFFFFFFF, socket.AF_INET),))),
    "no processes": _filter(
        Rule("fork", errno.EAGAIN),
        Rule("vfork", errno.EAGAIN),
        Rule("clone3", errno.ENOSYS),  # its arguments can't be looked at: the C library takes clone then
        Rule("clone", errno.EAGAIN, ((0, _CLONE_THREAD, 0),)),
    ),
}

if __name__ == "__main__":
    RESTRICTIONS[sys.argv[1]]()
    os.execv(sys.executable, [sys.executable, "-m", "netsim", *sys.argv[2:]])
