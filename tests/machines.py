"""Machines for tests of the doctor: what a machine that allows everything says, and changes to that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from msgspec.structs import replace

from netsim.model.capabilities import (
    Capabilities,
    Check,
    CheckName,
    LabTried,
    SettingTried,
    Surroundings,
    System,
    TerminalFacts,
)

_STEPS: dict[CheckName, tuple[str, str]] = {
    "user": ("unshare(NEWUSER)", ""),
    "uid_map": ("write uid_map", "1000 1000 1"),
    "net": ("unshare(NEWNET)", ""),
    "pid": ("unshare(NEWPID) and fork()", "first process: 1"),
    "loopback": ("bring the loopback up", ""),
    "calm": ("write the settings", "18 of 18 set"),
    "queue": ("queue 0: bind", ""),
    "rule": ("nft rule", "nft queue: inet"),
    "held": ("hold a handshake and release it", "client SYN_SENT, ESTABLISHED"),
    "sock_diag": ("list the sockets over netlink", "12 sockets"),
    "tcp_info": ("getsockopt(TCP_INFO)", "280 bytes"),
    "psutil": ("psutil.net_connections()", "12 sockets, 3 with a PID"),
    "proc": ("read /proc", "120 processes seen"),
    "lab": ("start a lab with --net auto", "private"),
}
TERMINAL = TerminalFacts(
    input=True, output=True, term="xterm-256color", columns=80, rows=24, colorterm="", colours=256, no_color=False,
    encoding="utf-8", locale="C.UTF-8", unicode=True, ssh=False, multiplexer="",
)  # fmt: skip
ALLOWS_ALL = Capabilities(
    system=System(
        name="Linux", release="6.18.44", machine="x86_64", python="3.11.7", executable="/usr/bin/python3",
        netsim="0.1.0", libraries={"textual": "8.2.8", "psutil": "7.2.2", "msgspec": "0.22.0"}, user="ada", uid=1000,
    ),
    surroundings=Surroundings({"user.max_user_namespaces": "96365", "user.max_net_namespaces": "96365"}, seccomp=0),
    checks=tuple(Check(name, "works", *_STEPS[name][:1], "", _STEPS[name][1]) for name in get_args(CheckName)),
    settings=(SettingTried("net.ipv4.tcp_early_retrans", "0"),),
    terminal=TERMINAL,
    lab=LabTried(net="private", contained=True, gate="nft", ms=62),
)  # fmt: skip
_HOST = LabTried(net="host", net_because="unshare(NEWUSER): EPERM", contained=False, ms=55)
_PRIVATE = ("user", "uid_map", "net", "pid", "loopback", "calm", "queue", "rule", "held")


def where(
    *failing: Check, sysctls: Mapping[str, str] | None = None, seccomp: int = 0, uid: int = 1000, lab: LabTried = _HOST
) -> Capabilities:
    """That machine with these checks; what a private net needs after the first of them is untried."""
    by_name = {each.name: each for each in failing}
    first = min((_PRIVATE.index(each.name) for each in failing if each.name in _PRIVATE), default=len(_PRIVATE))
    checks = tuple(
        by_name.get(each.name) or (Check(each.name) if each.name in _PRIVATE[first:] else each)
        for each in ALLOWS_ALL.checks
    )
    around = replace(ALLOWS_ALL.surroundings, sysctls=dict(sysctls or {}), seccomp=seccomp)
    return replace(ALLOWS_ALL, checks=checks, surroundings=around, lab=lab, system=replace(ALLOWS_ALL.system, uid=uid))


def failing(name: CheckName, errno: str, step: str = "") -> Check:
    """A check that failed at its usual step, or another."""
    return Check(name, "fails", step or _STEPS[name][0], errno)
