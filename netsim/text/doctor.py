"""`netsim doctor` in words: what one can do here, what was tried, what can be done about it, and which net is taken.

Law: pure, from the capabilities to lines of ASCII of at most 79 columns (a line to copy may be longer); what came from
the machine is made visible first. The student's part comes first and needs no knowledge of Linux.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

import msgspec

from netsim.model.capabilities import MACHINE, PRIVATE, Capabilities, Check, CheckName, TerminalFacts
from netsim.model.diagnosis import Level, Problem, level, problems
from netsim.text.advice import Advice, advice
from netsim.text.charset import visible

WIDTH = 79
_LABELS: dict[CheckName, str] = {
    "user": "user namespace",
    "uid_map": "yourself in it",
    "net": "network namespace",
    "pid": "pid namespace",
    "loopback": "its loopback",
    "calm": "patient timers",
    "queue": "packet queue",
    "rule": "rule that fills it",
    "held": "a packet, held",
    "sock_diag": "kernel's sockets",
    "tcp_info": "TCP's counters",
    "psutil": "whose a port is",
    "proc": "processes",
    "lab": "a whole lab",
}
_MARKS = {"works": "ok", "partly": "ok", "fails": "NO", "untried": "--"}
_ERRNOS = {
    "EPERM": "not permitted",
    "EACCES": "permission denied",
    "ENOSPC": "none left: a limit is reached",
    "EINVAL": "the kernel does not know it",
    "EAGAIN": "not now: a limit is reached",
    "ENOSYS": "there is no such system call",
    "ENOENT": "there is none of that name",
    "EROFS": "can only be read",
    "EOPNOTSUPP": "not supported",
    "EPROTONOSUPPORT": "not supported",
    "EAFNOSUPPORT": "not supported",
    "ENOPROTOOPT": "this system has none",
    "ETIMEDOUT": "it did not come back",
    "SIGSYS": "ended by a filter of system calls",
}
_INFERRED = "Packets are inferred, not held: that one was sent is told from the kernel's counters."
_SUMMARY: dict[Level, str] = {
    "holds": "You can use all of netsim: real packets are held until you let them go.",
    "private": f"You can use netsim, in a net of your own. {_INFERRED}",
    "host": f"You can use netsim, in this machine's own net, whose ports everybody here shares. {_INFERRED}",
    "nothing": "netsim can't be used here as things are.",
}
_COLOURS = {0: "none", 16: "16", 256: "256", 16777216: "16 million"}
_GATES = {"nft": "nft's own queue expression", "xt": "the xt target NFQUEUE"}


class _Told(msgspec.Struct, frozen=True):
    """One problem, as JSON has it."""

    cause: str
    check: str | None
    student: str
    administrator: tuple[str, ...]


class _Report(msgspec.Struct, frozen=True):
    """Everything, as JSON has it."""

    works: bool
    level: Level
    problems: tuple[_Told, ...]
    found: Capabilities


def works(found: Capabilities) -> bool:
    """Whether netsim can be used at all."""
    return level(found) != "nothing"


def as_json(found: Capabilities) -> str:
    """All that was found and what it means, as indented JSON in ASCII."""
    told = tuple(_Told(each.cause, each.check, words.student, words.administrator) for each, words in _advised(found))
    written = msgspec.json.encode(_Report(works(found), level(found), told, found)).decode()
    ascii_only = "".join(char if char.isascii() else _escaped(char) for char in written)
    return msgspec.json.format(ascii_only, indent=2)


def lines(found: Capabilities) -> list[str]:
    """The whole report."""
    advised = _advised(found)
    return [
        *_head(found),
        "",
        *_wrapped(_SUMMARY[level(found)]),
        *(line for _, words in advised for line in _wrapped(words.student, "  * ", "    ")),
        *_whom_to_ask(found, advised),
        "",
        "TRIED JUST NOW, IN PROCESSES OF THEIR OWN",
        *(line for name in (*PRIVATE, *MACHINE, "lab") for line in _check(found.check(name), found)),
        "",
        "THIS TERMINAL",
        *_terminal(found.terminal),
        *_administrator(advised),
        "",
        *_wrapped(_net(found)),
    ]


def _head(found: Capabilities) -> list[str]:
    here = found.system
    whose = f"{here.user or 'somebody'} (uid {here.uid})" if here.uid is not None else here.user or "somebody"
    around = found.surroundings
    boxes = [around.container and f"in a container ({around.container})", "under WSL" if around.wsl else ""]
    libraries = ", ".join(f"{name} {version or 'MISSING'}" for name, version in here.libraries.items())
    where = ", ".join([f"{here.name} {here.release}", here.machine, *(each for each in boxes if each)])
    return [
        *_wrapped(f"netsim {here.netsim} on {where}"),
        *_wrapped(f"as {whose}, with Python {here.python}, {libraries}"),
    ]


# --- what was tried


def _check(check: Check, found: Capabilities) -> list[str]:
    tried = check.step
    if check.errno:
        meaning = _ERRNOS.get(check.errno, "")
        tried += f": {check.errno}" + (f" ({meaning})" if meaning else "")
    if check.outcome == "untried":
        tried = "only Linux has it" if found.system.name != "Linux" else "not tried: it needs what failed above"
    elif check.found:
        tried += f" ({check.found})"
    start = f"  {_MARKS[check.outcome]}  {_LABELS[check.name]:<19} "
    shown = _wrapped(tried, start, " " * len(start))
    if check.name == "calm":
        for each in found.settings:
            if each.errno:
                shown += _wrapped(f"without {each.name} ({each.errno})", " " * len(start), " " * len(start))
    return shown


def _terminal(terminal: TerminalFacts) -> list[str]:
    """The terminal in rows like those of the checks."""
    size = f"{terminal.columns} columns, {terminal.rows} rows" if terminal.output else "no size"
    both = terminal.input and terminal.output
    ends = [name for name, there in (("input", terminal.input), ("output", terminal.output)) if there]
    streams = " and ".join(ends) or "none: neither input nor output is one"
    colours = f"{_COLOURS[terminal.colours]}, by TERM={terminal.term or '(not set)'}"
    colours += f" and COLORTERM={terminal.colorterm}" if terminal.colorterm else ""
    colours += "; NO_COLOR is set, so there are greys only" if terminal.no_color else ""
    letters = f"{terminal.encoding or 'no encoding'}, locale {terminal.locale or '(not set)'}"
    letters += "" if terminal.unicode else ": drawn in ASCII"
    line = ["over SSH"] * terminal.ssh + [f"in {terminal.multiplexer}"] * bool(terminal.multiplexer)
    rows = [
        (both, "terminal", streams),
        (not terminal.output or (terminal.columns >= 80 and terminal.rows >= 24), "size", size),
        (True, "colours", colours),
        (terminal.unicode, "letters", letters),
        (True, "line", ", ".join(line) or "local, as far as can be seen"),
    ]
    shown = []
    for good, label, value in rows:
        start = f"  {'ok' if good else '--'}  {label:<19} "
        shown += _wrapped(value, start, " " * len(start))
    if terminal.ssh and terminal.colours == 256:
        note = "ssh does not pass COLORTERM on by itself: ssh -o SendEnv=COLORTERM, and AcceptEnv COLORTERM there."
        shown += _wrapped(note, " " * 26, " " * 26)
    return shown


# --- what to do


def _advised(found: Capabilities) -> list[tuple[Problem, Advice]]:
    """The problems, each piece of advice once: several steps may be refused for one reason."""
    advised: dict[Advice, Problem] = {}
    for each in problems(found):
        advised.setdefault(advice(each.cause, found), each)
    return [(problem, words) for words, problem in advised.items()]


def _whom_to_ask(found: Capabilities, advised: Sequence[tuple[Problem, Advice]]) -> list[str]:
    if not any(words.administrator for _, words in advised):
        return []
    wish = {"holds": "To have that too", "nothing": "To change that"}.get(level(found), "To hold packets")
    return _wrapped(f"{wish}, show the lines further down to whoever looks after this machine.")


def _administrator(advised: Iterable[tuple[Problem, Advice]]) -> list[str]:
    shown: list[str] = []
    for problem, words in advised:
        if words.administrator:
            label = _LABELS[problem.check] if problem.check else "terminal"
            shown += ["", f"  {label} ({problem.cause}):"]
            for line in words.administrator:
                to_copy = line.startswith(("$ ", "    "))
                shown += [f"    {line}"] if to_copy else _wrapped(line, "    ", "    ")
    return ["", "FOR WHOEVER LOOKS AFTER THIS MACHINE", *shown[1:]] if shown else []


def _net(found: Capabilities) -> str:
    """Which net --net auto takes, as a lab has just done, and why."""
    lab = found.lab
    why = lab.net_because
    ended = (
        "When netsim ends, the kernel ends whatever is left in the lab."
        if lab.contained
        else "Without a pid namespace, a program that starts other programs may leave one of them behind."
    )
    came = f"a lab that was started just now came up in it, in {lab.ms:.0f} ms."
    match lab.net:
        case "private":
            gate = _GATES.get(lab.gate, lab.gate)
            not_held = lab.gate_because or "it does not say why"
            held = f"It holds packets by {gate}." if gate else f"It can't hold packets: {not_held}."
            first = f" Before that was refused: {why}." if why else ""
            return f"--net auto takes the private net: {came} {held}{first} {ended}"
        case "host":
            because = f" A private net is refused: {why}." if why else ""
            return f"--net auto takes the host net: {came}{because} {ended}"
        case _:
            return f"--net auto takes no net: the lab did not start. {lab.failure}"


# --- lines


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    """A paragraph, made visible: whatever is said of the machine comes through here."""
    return textwrap.wrap(
        visible(text, ascii=True),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=True,
        break_on_hyphens=False,
    )


def _escaped(char: str) -> str:
    r"""A character as JSON spells it in ASCII: \uXXXX, two of them beyond the first 65536."""
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
