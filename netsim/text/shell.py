"""`netsim shell` in words: where one is, how to leave, which labs there are, and the line to copy into a second terminal.

Law: pure, and for standard error: standard output belongs to the command that is run.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from netsim.model.running import RunningLab
from netsim.text.charset import visible

EXAMPLES: tuple[tuple[str, ...], ...] = (
    ("ss", "-tanp"),
    ("nc", "127.0.0.1", "8888"),
    ("curl", "http://127.0.0.1:8888/"),
    ("tcpdump", "-n", "-i", "lo"),
)
HELP = """\
A shell, or one command, inside the net of a running lab, as the same user:
point ss, nc, curl or tcpdump at the demo from a second terminal."""
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
    port = f" on port {lab.port}" if lab.port else ""
    return (
        f"You are in the net of lab {lab.pid}. Its 127.0.0.1 is not the machine's: the server listens here{port}.\n"
        "Packets that you send wait at the gate until they are let go. exit or ctrl+d leaves."
    )


def prompt(lab: RunningLab) -> str:
    """The prompt of a shell that takes it from the environment; for Debian's bash, what stands before its own."""
    return f"(netsim {lab.pid}) $ "


def none(labs_of_others: Sequence[RunningLab] = ()) -> str:
    """There is no lab of this user's."""
    said = "No netsim of yours is running: start it in another terminal, then come back."
    if labs_of_others:
        said += "\nOthers have one; root may go there with --lab PID:\n" + _table(labs_of_others)
    return said


def several(labs: Sequence[RunningLab], command: Sequence[str]) -> str:
    """Which ones there are, and the line to type."""
    return "\n".join([
        f"{len(labs)} labs of yours are running:",
        _table(labs),
        f"Choose one: {visible(line_to_copy(command, lab=labs[0].pid))}",
    ])  # fmt: skip


def not_a_lab(pid: int, labs: Sequence[RunningLab]) -> str:
    """`--lab` named something else."""
    said = f"PID {pid} is no running lab of yours, nor in one."
    return f"{said} These are:\n{_table(labs)}" if labs else f"{said} {none()}"


def in_host_net(lab: RunningLab | None = None) -> str:
    """The lab has no net of its own, or (None) the system has no such nets."""
    if lab is None:
        return "Only Linux has nets of their own: no shell is needed here, netsim's ports are this machine's."
    port = f"port {lab.port} is" if lab.port else "its ports are"
    return f"Lab {lab.pid} uses the machine's own net: no shell is needed, {port} the machine's."


def no_way_in(lab: RunningLab, step: str, errno: str) -> str:
    """Entering was refused."""
    if errno in ("ESRCH", "ENOENT"):
        return f"Lab {lab.pid} has just ended."
    refused = f"Lab {lab.pid} can't be entered: {step}: {errno}."
    if errno in ("EPERM", "EACCES"):
        return f"{refused} It is entered by the user who started it ({visible(lab.user) or lab.uid}), or by root."
    return refused


def not_run(command: str, why: str) -> str:
    """The command could not be started."""
    return f"{visible(command)}: {visible(why)}"


def _table(labs: Sequence[RunningLab]) -> str:
    rows = [("PID", "PORT", "NET", "SINCE", "USER")]
    rows += [(str(lab.pid), str(lab.port or "?"), lab.net, _age(lab.age), visible(lab.user) or str(lab.uid)) for lab in labs]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _age(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
