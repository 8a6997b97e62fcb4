"""A program's listing in its pane: the lines around the one where it stands, their results, and where it sleeps.

Law: the lines are the program's own. The window moves only when the program has left it, and then by several lines; a
result is never cut. Only the line that SPACE will run is reversed.
"""

from __future__ import annotations

from collections.abc import Sequence

from netsim.model.events import CallReturned, CallSlept, ProcessSlept, ProgramEnded
from netsim.model.threads import ThreadCall, last_moved
from netsim.model.world import Endpoint, World
from netsim.text.charset import Charset, cells
from netsim.text.elide import LONGEST, elide, expected_result, without_prefixes
from netsim.text.layout import blank, fill, spread, width_of
from netsim.text.lines import Line, Span, Style

GUTTER = 3  # a space, the mark, a space
RESULT_ROOM = 7  # " → 1024": for this much the indentation is chosen, so that it does not change with a result
LONG = 600  # lines of a program, above which only
STRETCH = 100  # lines before and twice behind are looked at
HISTORY = 2  # lines above the program's when the window has moved
WIDEST_RESULT = 16
LEAST_WITH_THREADS = 4  # rows of a listing of which the last one tells of another thread
WIDE_ENOUGH = 50  # columns of a pane in which there is room for a line and what it sleeps in
QUOTES = ('"""', "'''")
FAILED = "!"  # the mark of the line whose exception has ended the program


def draw_listing(
    world: World,
    width: int,
    height: int,
    charset: Charset,
    *,
    endpoint: Endpoint | None,
    target: str = "",
    plainest: int = 0,
    aim: int = 0,
) -> list[Line]:
    """The endpoint's program. `target`: the `who` whose next line SPACE will run. `plainest`: at least this level.

    `aim`: the line that the person points at; it is shown, and reversed.
    """
    if endpoint is None or height <= 0:
        return [blank(width)] * max(0, height)
    numbers = _lines_at(endpoint, max(plainest, level(endpoint, height)), aim)
    thread = last_moved(endpoint.threads) if height >= LEAST_WITH_THREADS else None
    room = height - bool(endpoint.extra) - (thread is not None)
    here = aim or endpoint.line
    place = next((index for index, number in enumerate(numbers) if number >= here), len(numbers) - 1)
    furthest = max((index for index, number in enumerate(numbers) if number in endpoint.marks), default=0)
    first = window(place, len(numbers), room, furthest)
    unit = _indentation(endpoint, width)
    lines: list[Line] = []
    shown = numbers[first : first + room] if room > 0 else []
    outer = _common_indentation(endpoint, shown) if endpoint.own is not None else 0
    for number in shown:
        if endpoint.extra and number == endpoint.line:
            lines.append(_extra(world, endpoint, width, charset))
        pointed = number == aim
        lines.append(
            _line(world, endpoint, number, width, charset, target=target, unit=unit, outer=outer, pointed=pointed)
        )
    if endpoint.extra and len(lines) < room + 1 and endpoint.line not in shown:
        lines.append(_extra(world, endpoint, width, charset))
    if thread is not None and len(lines) < height:
        lines.append(_thread(world, endpoint, thread, width, charset))
    return lines + [blank(width)] * (height - len(lines))


def level(endpoint: Endpoint | None, height: int) -> int:
    """How much is left out so that it fits: 0 nothing, 1 docstring, blank lines and comments, 2 imports too.

    Of a person's own program nothing is left out: it is known to its author as it is.
    """
    if endpoint is None or endpoint.own is not None:
        return 0
    return next((each for each in (0, 1) if len(_lines_at(endpoint, each)) <= height), 2)


def window(place: int, total: int, height: int, furthest: int = 0) -> int:
    """The first line that is shown so that `place` is; it stays the same for as many places as possible.

    Each window but the first begins `HISTORY` lines above the first place that the one before did not reach. A program
    that comes back in a loop stays in the last window that has its place too: `furthest` is the last line that it ran.
    """
    if total <= height or height <= 0:
        return 0
    history = min(HISTORY, height - 1)
    starts = range(0, total, height - history)
    reached = min(start for start in starts if place < start + height)
    looped = max((start for start in starts if min(start, total - height) <= place and start <= furthest), default=0)
    return min(max(reached, looped if furthest >= reached + height else 0), total - height)


def _lines_at(endpoint: Endpoint, least: int, aim: int = 0) -> list[int]:
    """The numbers of the lines that a level shows; lines that were run or where the program stands always are.

    Of a very long program only those around the one that matters, so that a picture costs no more than of a short one.
    """
    source = endpoint.source
    if len(source) > LONG:
        middle = (aim or endpoint.line) // STRETCH * STRETCH
        return list(range(max(1, middle - STRETCH), min(len(source), middle + 2 * STRETCH) + 1))
    always = {number for number in (endpoint.line, *endpoint.marks) if 0 < number <= len(source)}
    end = _docstring_end(source) if least else 0
    return [
        number
        for number, line in enumerate(source, 1)
        if not least or number in always or (number > end and not _is_aside(line.strip(), least))
    ]


def _is_aside(line: str, least: int) -> bool:
    return not line or line.startswith("#") or (least > 1 and line.startswith(("import ", "from ")))


def _docstring_end(source: Sequence[str]) -> int:
    """The number of the line on which the program's docstring ends, 0 if it has none."""
    for number, line in enumerate(source, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        quotes = text.lstrip("rR")[:3]
        if quotes not in QUOTES:
            return 0
        if text.count(quotes) > 1:
            return number
        return next((later for later in range(number + 1, len(source) + 1) if quotes in source[later - 1]), 0)
    return 0


def _indentation(endpoint: Endpoint, width: int) -> int:
    """Columns per level of indentation: 4 where every line of the program fits so, else 2. Never changes in a run."""
    room = width - GUTTER - 1 - RESULT_ROOM
    end = endpoint.modules[0][0] if endpoint.modules else len(endpoint.source) + 1  # what is read later changes nothing
    code = [number for number in _lines_at(endpoint, 2) if number < end]
    return 4 if all(len(endpoint.source[number - 1].expandtabs(4)) <= room for number in code) else 2


def _line(
    world: World, endpoint: Endpoint, number: int, width: int, charset: Charset, *, target: str, unit: int,
    outer: int, pointed: bool,
) -> Line:  # fmt: skip
    here = number == endpoint.line and endpoint.status not in ("ended", "starting")
    touched = here and endpoint.status == "stopped" and target == endpoint.who
    failed = number == endpoint.line and endpoint.error is not None
    mark = FAILED if failed else " "
    if here and not failed:
        mark = charset.next if touched else charset.asleep if endpoint.status == "asleep" else charset.stopped
    result = _result(world, endpoint, number, width, charset, here=here)
    room = max(0, width - GUTTER - 1)
    spare = width_of(result) + 1 if result else 0
    text = _source_text(endpoint.source[number - 1], unit, outer, charset)
    if cells(without_prefixes(text)) > room - spare:  # cut it at once for its result, so that it is not cut twice
        spare = max(spare, expected_result(text) + 1)
    text = elide(text, max(0, room - spare))
    if pointed:
        left = [Span(f" {mark} "), Span(f"{endpoint.in_file(number)[0]}: {text}", "next")]
    elif touched:
        left = [Span(" "), Span(f"{mark} {text}", "next")]
    elif failed:
        left = [Span(" "), Span(mark, "lost"), Span(f" {text}")]
    else:
        left = [Span(f" {mark} {text}")]
    return _with_result(left, result, width)


def _source_text(line: str, unit: int, outer: int, charset: Charset) -> str:
    text = line[:LONGEST].expandtabs(4).rstrip()
    code = text.lstrip(" ")
    return " " * (max(0, len(text) - len(code) - outer) * unit // 4) + charset.visible(code)


def _common_indentation(endpoint: Endpoint, numbers: Sequence[int]) -> int:
    """The columns by which all these lines are indented: inside a method of a class there are many, and little room."""
    texts = [endpoint.source[number - 1][:LONGEST].expandtabs(4).rstrip() for number in numbers]
    return min((len(text) - len(text.lstrip(" ")) for text in texts if text), default=0)


def _result(world: World, endpoint: Endpoint, number: int, width: int, charset: Charset, *, here: bool) -> list[Span]:
    """What came of the line, bold if in this step.

    Where the program stands, and below, an older result is from an earlier round of a loop: it is not shown any more.
    """
    if here and endpoint.status == "asleep":
        slept = any(isinstance(each, CallSlept | ProcessSlept) and each.who == endpoint.who for each in world.since)
        return [Span(_asleep(endpoint, width), "bold" if slept else "")]
    mark = endpoint.marks.get(number)
    if endpoint.error is not None and number == endpoint.line and (mark is None or mark.ok):
        ended = any(isinstance(event, ProgramEnded) and event.who == endpoint.who for event in world.since)
        return [Span(charset.shown(endpoint.error.type, WIDEST_RESULT), "bold" if ended else "")]
    fresh = any(
        isinstance(event, CallReturned) and event.who == endpoint.who and event.line == number for event in world.since
    )
    ahead = endpoint.status != "ended" and number >= endpoint.line
    if mark is None or (ahead and not fresh):
        return []
    style: Style = "bold" if fresh else ""
    whose = f"thread {mark.thread} " if mark.thread and width >= WIDE_ENOUGH else ""
    return [Span(whose + charset.shown(mark.text, WIDEST_RESULT), style)]


def _asleep(endpoint: Endpoint, width: int) -> str:
    """That it sleeps; of a person's own program also in which system call, since its line may not say it.

    In a narrow pane the line of a socket call says more, and has the room.
    """
    told = endpoint.own is not None and endpoint.syscall and (endpoint.call is None or width >= WIDE_ENOUGH)
    return f"zzz {endpoint.syscall}" if told else "zzz"


def _thread(world: World, endpoint: Endpoint, thread: ThreadCall, width: int, charset: Charset) -> Line:
    """What the thread does that has moved last: its line may be far from where the main one stands."""
    fresh = any(
        isinstance(each, CallReturned | CallSlept) and (each.who, each.call) == (endpoint.who, thread.call)
        for each in world.since
    )
    if thread.asleep:
        told = f"zzz {thread.syscall}" if thread.syscall and width >= WIDE_ENOUGH else "zzz"
    else:
        told = charset.shown(thread.result, WIDEST_RESULT)
    result = [Span(told, "bold" if fresh else "")] if told else []
    source = endpoint.text(thread.line)[:LONGEST].strip() or f"{thread.name}()"
    head = f" {charset.asleep if thread.asleep else ' '} thread {thread.thread}: "
    room = width - cells(head) - width_of(result) - 2
    return _with_result([Span(head + elide(charset.visible(source), max(0, room)))], result, width)


def _extra(world: World, endpoint: Endpoint, width: int, charset: Charset) -> Line:
    """The line that was run and is not in the program, where the program stands."""
    if endpoint.extra_error is not None:
        outcome = endpoint.extra_error.name or endpoint.extra_error.type
    else:
        outcome = f"→ {endpoint.extra_result}" if endpoint.extra_result else "ok"
    result = [Span(charset.shown(outcome, WIDEST_RESULT), "bold")]
    text = charset.visible(endpoint.extra[:LONGEST])
    prompt = " >>> "
    return _with_result([Span(prompt + elide(text, width - cells(prompt) - width_of(result) - 2))], result, width)


def _with_result(left: Sequence[Span], result: Sequence[Span], width: int) -> Line:
    """The result ends one column before the pane does."""
    if not result:
        return fill(left, width)
    return fill(spread(left, result, width - 1), width)
