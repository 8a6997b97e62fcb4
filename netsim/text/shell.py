"""`netsim shell` in words: where one is and how to leave, which labs there are, the line for a second terminal.

Law: pure, and for standard error: standard output belongs to the command that is run.
"""

from __future__ import annotations

import errno
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netsim.text.charset import visible

if TYPE_CHECKING:  # the command line's help comes from here, and that has to be quick
    from netsim.model.running import Choice, RunningLab

EXAMPLES: tuple[tuple[str, ...], ...] = (
    ("ss", "-tanp"),
    ("nc", "127.0.0.1", "8888"),
    ("curl", "http://127.0.0.1:8888/"),
    ("tcpdump", "-n", "-i", "lo"),
)
HELP = """\
A shell, or one command, inside the net of a running lab, as the same user:
point ss, nc, curl or tcpdump at the demo from a second terminal.

  netsim shell                         a shell; exit leaves it
  netsim shell -- ss -tanp             the kernel's own table
  netsim shell -- nc 127.0.0.1 8888    one more client, yours
  netsim shell -- tcpdump -n -i lo     the packets"""
STATUS = """\
The exit status is the command's; 125: there is no such lab, or no way in;
126, 127: the command could not be run, or there is none of that name.
PIDs are the machine's own. As root, tcpdump needs -Z root in a lab that has
a user namespace. What you start stays yours: it does not end with the lab."""


def line_to_copy(command: Sequence[str] = EXAMPLES[0], *, lab: int | None = None, netsim: str = "netsim") -> str:
    """The whole line: "netsim shell -- ss -tanp". `lab`: where there are several; `netsim`: as it was started."""
    choice = ["--lab", str(lab)] if lab is not None else []
    return shlex.join([netsim, "shell", *choice, *(["--", *command] if command else [])])


def intro(lab: RunningLab) -> str:
    """What stands above the first prompt."""
    port = f"The server has port {lab.port}. " if lab.port else ""
    return (
        f"You are in the net of lab {lab.pid}. It has a 127.0.0.1 of its own.\n"
        f"{port}What you send waits at the gate while that is closed.\n"
        "exit or ctrl+d leaves."
    )


def prompt(lab: RunningLab) -> str:
    """The prompt of a shell that takes it from the environment; for Debian's bash, what stands before its own."""
    return f"(netsim {lab.pid}) $ "


def no_lab(choice: Choice, pid: int | None, command: Sequence[str]) -> str:
    """Why none was taken, and what to type."""
    if pid is not None:
        return "\n".join([f"PID {pid} is no running lab of yours, and in none.", *_yours(choice.labs, command)])
    if choice.labs:
        return "\n".join([f"{len(choice.labs)} labs of yours are running:", *_yours(choice.labs, command)])
    said = "No netsim of yours is running: start one in another terminal, and come back."
    if choice.others:
        said += "\nOther users have, and root may go there with --lab PID:\n" + _table(choice.others)
    return said


def _yours(labs: Sequence[RunningLab], command: Sequence[str]) -> list[str]:
    return [_table(labs), f"Choose one: {visible(line_to_copy(command, lab=labs[0].pid))}"] if labs else []


def in_host_net(lab: RunningLab | None = None) -> str:
    """The lab has no net of its own, or (None) the system has no such nets."""
    if lab is None:
        return "Only Linux has nets of their own: no shell is needed here, netsim's ports are this machine's."
    port = f"port {lab.port} is" if lab.port else "its ports are"
    return f"Lab {lab.pid} uses the machine's own net: no shell is needed, {port} the machine's."


def no_way_in(lab: RunningLab, step: str, number: int) -> str:
    """Entering was refused at a step, with an errno."""
    if number in (errno.ESRCH, errno.ENOENT):
        return f"Lab {lab.pid} has just ended."
    refused = f"Lab {lab.pid} can't be entered: {step}: {errno.errorcode.get(number, str(number))}."
    if number in (errno.EPERM, errno.EACCES):
        return f"{refused} It is entered by the user who started it ({visible(lab.user) or lab.uid}), or by root."
    return refused


def not_run(command: str, why: str) -> str:
    """The command could not be started."""
    return f"{visible(command)}: {visible(why)}"


def _table(labs: Sequence[RunningLab]) -> str:
    rows = [("PID", "PORT", "NET", "SINCE", "USER")]
    for lab in labs:
        user = visible(lab.user) or str(lab.uid)
        rows.append((str(lab.pid), str(lab.port or "?"), lab.net or "?", _age(lab.age), user))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)) for row in rows)
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def _age(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
