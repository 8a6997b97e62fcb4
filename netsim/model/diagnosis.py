"""What is the matter, judged from what was tried: each problem has a name and the check that it explains.

Law: pure. A cause is named only where the errno and what the machine says of itself leave no other; else the problem
is just "refused", and the step and errno speak. Sources: kernel-notes, "When it is not allowed"; unshare(2).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from netsim.model.capabilities import PRIVATE, Capabilities, Check, CheckName, TerminalFacts

Cause = Literal[
    "not-linux",
    "no-process",
    "no-loopback",
    "apparmor",
    "seccomp",
    "userns-clone",
    "user-limit",
    "user-limit-used",
    "no-user-namespaces",
    "user-refused",
    "net-limit",
    "net-limit-used",
    "no-net-namespaces",
    "net-refused",
    "pid-limit",
    "pid-limit-used",
    "no-pid-namespaces",
    "pid-refused",
    "loopback-refused",
    "calm-refused",
    "no-queue",
    "no-nf-tables",
    "no-queue-rule",
    "gate-refused",
    "held-failed",
    "no-sock-diag",
    "short-tcp-info",
    "psutil-blind",
    "no-proc",
    "lab-fails",
    "lab-differs",
    "not-a-terminal",
    "dumb-terminal",
    "small-terminal",
    "not-unicode",
]
Level = Literal["holds", "private", "host", "nothing"]

BEGINNING = "start a fresh Python"  # the step of a try that could not even begin
LEAST_COLUMNS, LEAST_ROWS = 80, 24
_REFUSED = ("EPERM", "EACCES")
_NOT_BUILT = ("EINVAL", "ENOSYS")  # unshare() does not know the flag
_NO_SUBSYSTEM = ("EOPNOTSUPP", "EPROTONOSUPPORT", "EAFNOSUPPORT", "EINVAL", "ENOENT")
_UNDRAWABLE = ("", "dumb", "unknown")


class Problem(NamedTuple):
    """Something that is not as it could be; `check`: what it explains, None for the terminal."""

    cause: Cause
    check: CheckName | None = None


def level(found: Capabilities) -> Level:
    """What one can do with netsim here: hold packets, have a private net, use the machine's own net, or nothing."""
    if not found.lab.net:
        return "nothing"
    if found.lab.net == "host":
        return "host"
    return "holds" if found.lab.gate else "private"


def problems(found: Capabilities) -> tuple[Problem, ...]:
    """Everything that is the matter, each cause once; () on a machine that allows all of it."""
    if found.system.name != "Linux":
        judged = [Problem("not-linux")]
    else:
        judged = [problem for check in found.checks if (problem := _of(check, found))]
        explained = any(each.check in (*PRIVATE, "lab") for each in judged)
        if not explained and level(found) != "holds":
            judged.append(Problem("lab-differs", "lab"))
    judged += _of_terminal(found.terminal)
    first: dict[Cause, Problem] = {}
    for each in judged:
        first.setdefault(each.cause, each)
    return tuple(first.values())


def _of(check: Check, found: Capabilities) -> Problem | None:
    """What is the matter with one check."""
    if check.outcome in ("works", "untried"):
        return None
    cause: Cause | None
    if check.step == BEGINNING:
        return Problem("no-process", check.name)
    if check.step.startswith(("listen on ", "connect over ")):
        return Problem("no-loopback", check.name)
    match check.name:
        case "user" | "uid_map":
            cause = None if _root_manages(found) else _of_user(check, found)
        case "net" | "pid":
            cause = _of_namespace(check, found)
        case "loopback":
            cause = _restricted(check, found) or "loopback-refused"
        case "calm":
            cause = None if check.errno == "ENOENT" else "calm-refused"  # ENOENT: just an older kernel
        case "queue" | "rule":
            cause = _of_gate(check, found) if check.outcome == "fails" else None  # partly: a kernel without IPv6
        case "held":
            cause = "held-failed"
        case "sock_diag":
            cause = "no-sock-diag"
        case "tcp_info":
            cause = "short-tcp-info"
        case "psutil":
            cause = "psutil-blind"
        case "proc":
            cause = "no-proc"
        case "lab":
            cause = "lab-fails"
    return Problem(cause, check.name) if cause else None


def _of_user(check: Check, found: Capabilities) -> Cause:
    sysctls, errno = found.surroundings.sysctls, check.errno
    if errno == "ENOSPC":
        return "user-limit" if sysctls.get("user.max_user_namespaces") == "0" else "user-limit-used"
    if check.name == "user" and errno == "EPERM" and sysctls.get("kernel.unprivileged_userns_clone") == "0":
        return "userns-clone"
    restricted = _restricted(check, found)
    if restricted:
        return restricted
    return "no-user-namespaces" if errno in _NOT_BUILT and check.name == "user" else "user-refused"


def _of_namespace(check: Check, found: Capabilities) -> Cause | None:
    net = check.name == "net"
    if check.errno == "ENOSPC":
        none = found.surroundings.sysctls.get(f"user.max_{check.name}_namespaces") == "0"
        if net:
            return "net-limit" if none else "net-limit-used"
        return "pid-limit" if none else "pid-limit-used"
    restricted = _restricted(check, found)
    if restricted:
        return restricted
    if check.errno in _NOT_BUILT:
        return "no-net-namespaces" if net else "no-pid-namespaces"
    return "net-refused" if net else "pid-refused"


def _of_gate(check: Check, found: Capabilities) -> Cause:
    if check.errno in _REFUSED:
        return _restricted(check, found) or "gate-refused"
    if check.name == "queue":
        return "no-queue" if check.errno in _NO_SUBSYSTEM else "gate-refused"
    if check.step.startswith("nft rule"):
        return "no-queue-rule" if check.errno in _NO_SUBSYSTEM else "gate-refused"
    return "no-nf-tables" if check.errno in _NO_SUBSYSTEM else "gate-refused"


def _restricted(check: Check, found: Capabilities) -> Cause | None:
    """A filter of system calls, or Ubuntu's AppArmor. That lets unshare() succeed and takes the powers away after."""
    around = found.surroundings
    if check.errno == "SIGSYS":
        return "seccomp"
    filtered = around.seccomp == 2
    if filtered and check.step.startswith("unshare") and check.errno in ("EPERM", "ENOSYS"):
        return "seccomp"
    apparmor = around.sysctls.get("kernel.apparmor_restrict_unprivileged_userns", "0") != "0"
    return "apparmor" if apparmor and check.errno in _REFUSED else None


def _root_manages(found: Capabilities) -> bool:
    """Root has a net without a user namespace: that it is refused takes nothing away."""
    return found.works("net")


def _of_terminal(terminal: TerminalFacts) -> list[Problem]:
    if not (terminal.input and terminal.output):
        return [Problem("not-a-terminal")]
    if terminal.term in _UNDRAWABLE:
        return [Problem("dumb-terminal")]
    judged = []
    if terminal.columns < LEAST_COLUMNS or terminal.rows < LEAST_ROWS:
        judged.append(Problem("small-terminal"))
    if not terminal.unicode:
        judged.append(Problem("not-unicode"))
    return judged
