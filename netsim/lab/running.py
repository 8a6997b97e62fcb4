"""The labs that run on this machine, found by the names of their processes in /proc.

Law: reads, never signals; a lab that is starting or ending, and has no host in it, is none. Sources:
proc_pid_stat(5), proc_pid_comm(5), namespaces(7).
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from netsim.model.running import Choice, RunningLab

_OUTERMOST, _HOST = "netsim-lab", "netsim-host"
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PORT = b"--port"


class _Process(NamedTuple):
    pid: int
    name: str
    parent: int
    started: int  # ticks since boot
    uid: int


def choose(pid: int | None = None, proc: Path = Path("/proc")) -> Choice:
    """The lab that `pid` means; without one, this user's only lab.

    Of another user's labs root gets one only by its PID: who runs a program by this name should not lure root into it.
    """
    if not sys.platform.startswith("linux"):
        return Choice(has_nets=False)
    everybody, me = running_labs(proc), os.geteuid()
    own = tuple(each for each in everybody if each.uid == me)
    others = tuple(each for each in everybody if each.uid != me) if me == 0 else ()
    if pid is not None:
        lab = lab_of(pid, everybody if me == 0 else own, proc)
    else:
        lab = own[0] if len(own) == 1 else None
    return Choice(lab, own, others)


def running_labs(proc: Path = Path("/proc")) -> tuple[RunningLab, ...]:
    """The labs of everybody, the oldest first; () where there is no /proc."""
    processes = _processes(proc)
    found = []
    for each in processes.values():
        if each.name != _OUTERMOST:
            continue
        hosts = (one for one in processes.values() if one.name == _HOST and _is_below(one, each, processes))
        host = next(hosts, None)
        if host is not None:
            found.append(_lab(each, host, proc))
    return tuple(sorted(found, key=lambda lab: (-lab.age, lab.pid)))


def lab_of(pid: int, labs: tuple[RunningLab, ...], proc: Path = Path("/proc")) -> RunningLab | None:
    """The lab that is meant by a PID: of the lab itself, of anything in it, or of the netsim that shows it."""
    processes = _processes(proc)
    by_pid = {lab.pid: lab for lab in labs}
    number = pid
    while number in processes:  # upwards
        if number in by_pid:
            return by_pid[number]
        number = processes[number].parent
    shown = [lab for lab in labs if lab.pid in processes and processes[lab.pid].parent == pid]
    return shown[0] if len(shown) == 1 else None


def started(pid: int, proc: Path = Path("/proc")) -> int | None:
    """When a process began, in ticks since the machine did: this tells it from a later one. None: it is gone."""
    found = _process(pid, proc)
    return found.started if found else None


def _lab(outermost: _Process, host: _Process, proc: Path) -> RunningLab:
    return RunningLab(
        pid=outermost.pid,
        host=host.pid,
        host_started=host.started,
        net=_net(proc / str(outermost.pid), proc / str(host.pid)),
        port=_port(proc / str(outermost.pid) / "cmdline"),
        age=max(0.0, _uptime(proc) - outermost.started / _TICKS),
        uid=outermost.uid,
        user=_name(outermost.uid),
    )


def _is_below(process: _Process, ancestor: _Process, processes: dict[int, _Process]) -> bool:
    number = process.parent
    while number in processes:
        if number == ancestor.pid:
            return True
        number = processes[number].parent
    return False


def _processes(proc: Path) -> dict[int, _Process]:
    try:
        names = os.listdir(proc)
    except OSError:
        return {}
    found = (_process(int(name), proc) for name in names if name.isdigit())
    return {each.pid: each for each in found if each}


def _process(pid: int, proc: Path) -> _Process | None:
    try:
        text = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        before, _, after = text.rpartition(")")
        fields = after.split()
        uid = (proc / str(pid)).stat().st_uid
        return _Process(pid, before.partition("(")[2], int(fields[1]), int(fields[19]), uid)
    except (OSError, ValueError, IndexError):  # it has ended
        return None


def _net(outermost: Path, host: Path) -> Literal["host", "private", ""]:
    try:
        return "host" if os.readlink(outermost / "ns/net") == os.readlink(host / "ns/net") else "private"
    except OSError:  # another user's
        return ""


def _port(cmdline: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        words = cmdline.read_bytes().split(b"\0")
        return int(words[words.index(_PORT) + 1])
    return None


def _uptime(proc: Path) -> float:
    try:
        return float((proc / "uptime").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 0.0


def _name(uid: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return ""
