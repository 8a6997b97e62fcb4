"""The case for ports: two address books side by side, what ran, the rows of the port table, and one sentence.

Law: a function of the case, a size and the clock. Nothing moves while the size stays; each row says what was seen.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from netsim.model.world import Slot, World
from netsim.story.case import EXHIBITS, Case
from netsim.story.case_approach import rows_of_last
from netsim.story.case_record import HERE, THERE, Deed
from netsim.text.bottom import draw_keys, draw_space, draw_why
from netsim.text.case_books import by_pid, by_port, pid_head, port_head
from netsim.text.case_command import command
from netsim.text.case_verdict import draw_verdict
from netsim.text.charset import Charset
from netsim.text.layout import Cell, beside, blank, fill, placed, spread
from netsim.text.lines import Line, Span, Style
from netsim.text.table import draw_table, draw_table_head

KEYS = (("space", "next"), ("b", "again"), ("esc", "back to the story"), ("$", "the same in another terminal"))
LAST = "back to the story, as you left it"
WHY = 2  # rows
RESULT = 88  # the column of what came of a line, where there is room to spare
_BARE = 9  # rows of all but books, what ran and the table


class Sizes(NamedTuple):
    """How many rows each part has."""

    books: int
    ran: int
    table: int

    @classmethod
    def of(cls, height: int) -> Sizes:
        """The parts of a screen of this height: 6, 5 and 4 rows at 24."""
        more = max(0, height - 24)
        books, table = min(14, 6 + more // 3), min(10, 4 + more // 3)
        return cls(books, height - _BARE - books - table, table)


def draw_case(
    case: Case, width: int, height: int, charset: Charset, *, now: float, now_there: float | None = None
) -> list[Line]:
    """`height` lines of `width` cells; `now`: the lab's clock; `now_there`: the other lab's, which began later."""
    sizes = Sizes.of(height)
    middle = sizes.books + sizes.ran + sizes.table + 4
    if case.is_last and case.is_done and not case.trouble:
        body = draw_verdict(case, width, middle, charset)
    else:
        body = [
            *_draw_books(case, width, sizes.books, charset),
            *_draw_ran(case, width, sizes.ran, charset),
            *_draw_tables(case, width, sizes.table, charset, now, now if now_there is None else now_there),
            _draw_check(case, width, charset),
        ]
    return [
        _draw_title(case, width),
        *body,
        *draw_why(sentence(case), width, WHY, charset),
        *draw_space("SPACE" if case.is_done else "", label(case), width, 1, charset),
        *draw_keys(KEYS, width, 1, charset),
    ]


def sentence(case: Case) -> str:
    """What is said now, "" while it is not known yet."""
    return case.trouble or (case.now.said(case) if case.is_shown else "")


def label(case: Case) -> str:
    """The SPACE line."""
    if not case.is_done:
        return "starting ..." if case.step == 0 else f"{case.now.label(case)} ..."
    return LAST if case.is_last else case.steps[case.step + 1].label(case)


def _draw_title(case: Case, width: int) -> Line:
    about = EXHIBITS[case.exhibit - 1]
    if case.exhibit == len(EXHIBITS) and not case.private:
        about = "two servers"
    where = f"exhibit {case.exhibit} of {len(EXHIBITS)}: {about}"
    left = [Span(" "), Span("netsim", "bold"), Span(f"   why ports, not PIDs   {where}")]
    return fill(spread(left, [Span("esc", "key"), Span(" back")], width - 1), width)


def _draw_books(case: Case, width: int, height: int, charset: Charset) -> list[Line]:
    left = (width - 1) // 2
    right = width - left - 1
    head = beside(
        fill([Span(charset.dash, "rule"), Span(f" BY PORT  {port_head(case)} ", "head")], left, charset.dash, "rule"),
        Span(charset.down, "rule"),
        fill([Span(charset.dash, "rule"), Span(f" BY PID  {pid_head(case)} ", "head")], right, charset.dash, "rule"),
    )
    ports = by_port(case, left, height, charset)
    pids = by_pid(case, right, height, charset)
    rows = [beside(one, Span(charset.bar, "rule"), other) for one, other in zip(ports, pids, strict=True)]
    return [head, *rows]


def _draw_ran(case: Case, width: int, height: int, charset: Charset) -> list[Line]:
    """The newest lines of what ran since the press."""
    deeds = [each for each in case.record.deeds if each.step == case.step and _is_told(case, each)]
    hidden = len(deeds) - height
    head = " WHAT RAN " + (f" the last {height} of {len(deeds)} lines " if hidden > 0 else "")
    rule = fill([Span(charset.dash, "rule"), Span(head, "head")], width, charset.dash, "rule")
    # the books' bar ends here
    rows = [_deed(case, each, width, charset) for each in deeds[-height:]] if height else []
    return [_with_tee(rule, width, charset), *rows, *([blank(width)] * (height - len(rows)))]


def _with_tee(rule: Line, width: int, charset: Charset) -> Line:
    """The rule with the foot of the bar above it, where that meets nothing but rule."""
    at = (width - 1) // 2
    text = "".join(span.text for span in rule)
    if text[at] != charset.dash:
        return rule
    done: list[Span] = []
    seen = 0
    for span in rule:
        place = at - seen
        if 0 <= place < len(span.text):
            done += [Span(span.text[:place], span.style), Span(charset.up, "rule")]
            done.append(Span(span.text[place + 1 :], span.style))
        else:
            done.append(span)
        seen += len(span.text)
    return tuple(span for span in done if span.text)


def _is_told(case: Case, deed: Deed) -> bool:
    return deed.flag in case.now.flags if deed.flag else deed.lab in case.now.labs


def _deed(case: Case, deed: Deed, width: int, charset: Charset) -> Line:
    who = deed.who if deed.lab == HERE else f"{deed.who} there"
    style: Style = "client" if "client" in who else "server" if "server" in who else ""
    name = Cell(1, [Span(charset.visible(who), style)])
    text, result = (
        [Span(charset.shown(deed.text, width))],
        Cell(min(width - 24, RESULT), [Span(charset.shown(deed.result, 24))]),
    )
    if deed.flag:
        return placed([name, Cell(15, text), result], width)
    return placed([name, Cell(15, [Span(str(deed.pid))]), Cell(23, text), result], width)


def _draw_tables(case: Case, width: int, height: int, charset: Charset, now: float, now_there: float) -> list[Line]:
    if THERE not in case.now.labs or THERE not in case.worlds:
        here = _chosen(case, HERE, height)
        head = draw_table_head(here, width, 1, charset, rows=height)
        return [*head, *draw_table(here, width, height, charset, now=now)]
    top = (height - 1) // 2
    here, there = _chosen(case, HERE, top), _chosen(case, THERE, height - 1 - top)
    name = " ANOTHER MACHINE " if case.private else " THE OTHER SERVER "
    rule = fill([Span(charset.dash, "rule"), Span(name, "head")], width, charset.dash, "rule")
    return [
        *draw_table_head(here, width, 1, charset, rows=top),
        *draw_table(here, width, top, charset, now=now),
        rule,
        *draw_table(there, width, height - 1 - top, charset, now=now_there),
    ]


def _chosen(case: Case, lab: str, most: int) -> World:
    """The machine's world with the rows that the step is about: the listeners, and the last connection's ends."""
    world = case.worlds.get(lab, World())
    rows = [slot.row for slot in world.slots if slot.row is not None]
    listeners = [row.key for row in rows if row.state == "LISTEN"]
    last = [row.key for row in rows_of_last(world, case.record, lab, case.exhibit)]
    wanted = [*listeners, *last][:most]
    return replace(world, slots=tuple(Slot(row) for row in rows if row.key in wanted))


def _draw_check(case: Case, width: int, charset: Charset) -> Line:
    check = case.now.check(case) if case.is_shown and not case.trouble else None
    if check is None:
        return blank(width)
    return fill([Span(" "), Span("$ ", "key"), Span(charset.visible(command(check)))], width)
