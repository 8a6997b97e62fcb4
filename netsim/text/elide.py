"""Source lines that are too long for their pane, shortened inside the call so that one still sees which call it is.

Law: code that is left out is marked ".."; the call's name and its closing bracket stay as long as there is room.
"""

from __future__ import annotations

import re

from netsim.text.charset import CUT, cells, clip

LONGEST = 400  # characters of a line that are looked at; what is shown of one is shorter
WORTH_KEEPING = 6  # cells of a single argument below which it is left out as a whole

# How wide the result of a call will be: "→ fd 4", "→ 19", "zzz", and "ok" for all others.
_RESULTS = (
    (re.compile(r"\b(socket|accept|dup)\("), 6),
    (re.compile(r"\bsend(to|all|msg)?\("), 4),
    (re.compile(r"\b(recv|connect)\w*\("), 3),
)
_SHORTEST_RESULT = 2

_CONSTANT = re.compile(r"(?P<key>\w+=)?[A-Z]+_(?P<end>[A-Z]+)")  # type=SOCK_DGRAM: its end is what matters
_PREFIX = re.compile(r"\bsocket\.(?=[A-Z_])")  # socket.SO_REUSEADDR: the constants say it without
_TARGETS = re.compile(r"^(\s*)[\w.\[\], *]+ = (?=\S)")  # what takes the result: "conn, addr = "
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def elide(line: str, room: int) -> str:
    """The visible line in at most `room` cells.

    First a comment goes, as far as it must, then the constants lose their `socket.`, then one argument becomes "..":
    the first one whose absence is enough; a single one keeps its beginning. What is still too long is cut at the end.
    """
    line = line[:LONGEST]
    if cells(line) <= room:
        return line
    code = _code(line)
    if code and len(code) < len(line):
        return clip(line, room) if cells(code) + cells(CUT) < room else elide(code, room)
    short = without_prefixes(line)
    if cells(short) <= room:
        return short
    found = _arguments(short)
    if not found:
        if "(" in short:  # what is called matters more than what takes its result
            short = _TARGETS.sub(rf"\g<1>{CUT} = ", short)
        return clip(short, room)
    if len(found) == 1:
        return _shorten(short, *found[0], room)
    for start, end in found:
        tried = short[:start] + CUT + short[end:]
        if cells(tried) <= room:
            return tried
    return clip(short[: found[0][0]] + CUT + short[found[-1][1] :], room)


def without_prefixes(line: str) -> str:
    """The line without the `socket.` of its constants."""
    return _PREFIX.sub("", line)


def expected_result(line: str) -> int:
    """How many cells the result of the line's call will usually take."""
    return next((width for pattern, width in _RESULTS if pattern.search(line)), _SHORTEST_RESULT)


def _shorten(line: str, start: int, end: int, room: int) -> str:
    """The line with the end of its only argument left out, or all of it where little would be left."""
    spare = room - cells(line[:start]) - cells(line[end:])
    if constant := _CONSTANT.fullmatch(line[start:end]):
        tail = CUT + constant["end"]
        kept = [each for each in ((constant["key"] or "") + tail, tail) if cells(each) <= spare]
        if kept:
            return line[:start] + kept[0] + line[end:]
    if spare < WORTH_KEEPING:
        return clip(line[:start] + CUT + line[end:], room)
    return line[:start] + clip(line[start:end], spare) + line[end:]


def _arguments(line: str) -> list[tuple[int, int]]:
    """Where the arguments of the line's first call begin and end; none if there is no whole call."""
    opening = line.find("(")
    if opening < 0:
        return []
    found: list[tuple[int, int]] = []
    closing = [")"]
    start = opening + 1
    at = start
    while at < len(line):
        char = line[at]
        if char in "'\"":
            at = _after_string(line, at)
            continue
        if char in _PAIRS:
            closing.append(_PAIRS[char])
        elif char == closing[-1]:
            closing.pop()
        if not closing or (char == "," and len(closing) == 1):
            first = start + len(line[start:at]) - len(line[start:at].lstrip())
            if first < at:
                found.append((first, at))
            start = at + 1
            if not closing:
                return found
        at += 1
    return []


def _code(line: str) -> str:
    """The line without its comment."""
    at = 0
    while at < len(line) and line[at] != "#":
        at = _after_string(line, at) if line[at] in "'\"" else at + 1
    return line[:at].rstrip()


def _after_string(line: str, at: int) -> int:
    """Where a string that begins at `at` is over."""
    quote = line[at]
    at += 1
    while at < len(line) and line[at] != quote:
        at += 2 if line[at] == "\\" else 1
    return at + 1
