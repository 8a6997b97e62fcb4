"""The case's two address books: what answered by its port, and who by its PID.

Law: an entry that was not tried says so; a count is of what was really tried.
"""

from __future__ import annotations

from netsim.model.machine import Probed
from netsim.story.case import EXHIBITS, Case
from netsim.story.case_counts import attempts, lately, number, servers
from netsim.story.case_record import HERE, THERE, Attempt, Server, is_alive
from netsim.text.charset import Charset
from netsim.text.layout import blank, fill
from netsim.text.lines import Line, Span

NOT_ASKED = "not asked yet"
STALE = "ended; not asked again yet"
FIRST = 2  # of many PIDs: so many are shown before ".."


def port_head(case: Case) -> str:
    """How many ports the exhibit has."""
    ports = {case.port_of(lab) for lab in case.now.labs}
    ports |= {each.port for each in case.record.binds if each.exhibit == case.exhibit and not each.error}
    return "one number" if len(ports) == 1 else f"{number(len(ports))} numbers"


def pid_head(case: Case) -> str:
    """How many PIDs the servers have had since the case began."""
    count = len({(each.lab, each.pid) for each in case.record.servers})
    return "one number" if count == 1 else f"{count} numbers so far"


def by_port(case: Case, width: int, height: int, charset: Charset) -> list[Line]:
    """The left book."""
    match case.exhibit:
        case 2:
            rows = _four_ports(case)
        case 3:
            rows = [_answers(case.port, lately(case)), *_who_took_them(case, height - 1, charset)]
        case 4:
            rows = [_answers(case.port, attempts(case)), *_binds(case)]
        case 5:
            there = "another machine" if case.private else "the other server"
            rows = [
                "this machine" if case.private else "this server",
                f"  {_answers(case.port, attempts(case))}",
                there,
                f"  {_answers(case.port_of(THERE), attempts(case, lab=THERE))}",
            ]
        case _:
            rows = [f"s.connect(('127.0.0.1', {case.port}))", _answers(case.port, attempts(case))]
    return _lines(rows, width, height, charset)


def by_pid(case: Case, width: int, height: int, charset: Charset) -> list[Line]:
    """The right book."""
    every = servers(case)
    if case.exhibit == len(EXHIBITS):
        here = [each for each in case.record.servers if each.lab == HERE and not each.ended]
        every = [*here, *servers(case, lab=THERE)]
    elif case.exhibit > 1:  # who is there, and who was asked for after the end
        every = [each for each in every if not each.ended or _word(case, each) not in (NOT_ASKED, STALE)]
    words = [_word(case, each) for each in every]
    alive = words.count("alive")
    rows = [_probed(case, each) for each in every]
    if len(every) > 1 and case.exhibit == 1 and alive and not {NOT_ASKED, STALE} & set(words):
        rows[-1] = f"{rows[-1]:<27}{alive} of {len(every)}"
    room = height - 1
    if len(rows) > room:
        hidden = every[FIRST : len(rows) - (room - FIRST - 1)]
        same = {_word(case, each) for each in hidden}
        said = f"all {same.pop()}" if len(same) == 1 else f"{alive} alive" if alive else ""
        rows = [*rows[:FIRST], f".. {len(hidden)} more  {said}", *rows[len(rows) - (room - FIRST - 1) :]]
    return _lines(["os.kill(PID, 0)   is anyone there?", *rows], width, height, charset)


def answer_text(answer: Probed | None) -> str:
    """What os.kill(PID, 0) said, as Python says it."""
    if answer is None:
        return NOT_ASKED
    if answer.failure:
        return "can't be asked"
    if answer.errno == "ESRCH":
        return "ProcessLookupError"
    if answer.same is False:
        return "another process now"
    if answer.zombie:
        return "ended, not reaped"
    return "alive" if not answer.errno else "alive, another user's"


def _word(case: Case, server: Server) -> str:
    answer = case.record.probe_of(server.pid)
    if server.ended and answer is not None and is_alive(answer):
        return STALE
    return answer_text(answer)


def _probed(case: Case, server: Server) -> str:
    text = f"{server.pid}  {_word(case, server)}"
    if server.forked_from:
        return f"{text}  (its fork)"
    if case.exhibit == 5:
        place = "there" if server.lab == THERE else "here"
        inside = f", {server.inner_pid} inside" if server.inner_pid != server.pid else ""
        return f"{text}  ({place}{inside})"
    return text


def _answers(port: int, asked: list[Attempt]) -> str:
    """What the port's clients got: "8888  'Connection received'  12 of 12"."""
    if not asked:
        return f"{port:<4}  not tried yet"
    said = [each for each in asked if each.said]
    if said:
        return f"{port:<4}  {said[-1].said!r}  {len(said)} of {len(asked)}"
    errors = {each.error for each in asked if each.error}
    return f"{port:<4}  {errors.pop() if errors else 'connected, no answer yet'}"


def _four_ports(case: Case) -> list[str]:
    rows = []
    for bind in case.record.binds:
        if bind.exhibit != case.exhibit:
            continue
        asked = [each for each in attempts(case) if each.port == bind.port]
        rows.append(f"{bind.port:<4}  not to be had: {bind.error}" if bind.error else _answers(bind.port, asked))
    return rows


def _who_took_them(case: Case, room: int, charset: Charset) -> list[str]:
    served = [(each, case.record.served_by(each)) for each in lately(case)]
    rows = [f":{each.local}  {charset.to}  PID {pid}" for each, pid in served if pid is not None]
    return rows[-room:] if room > 0 else []


def _binds(case: Case) -> list[str]:
    mine = [each for each in case.record.binds if each.exhibit == case.exhibit][1:]
    return [f"bind() by {each.pid}  {each.error or 'ok'}" for each in mine]


def _lines(rows: list[str], width: int, height: int, charset: Charset) -> list[Line]:
    lines = [fill([Span(" "), Span(charset.shown(row, width))], width) for row in rows[:height]]
    return lines + [blank(width)] * (height - len(lines))
