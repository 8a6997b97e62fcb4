"""A stranger in the client's pane: who it is as far as that can be seen from outside, in place of a program.

Law: nothing is said that the packets, the kernel or the port table have not told; its lines can't be seen.
"""

from __future__ import annotations

from netsim.model.strangers import Stranger
from netsim.model.world import World
from netsim.text.charset import Charset
from netsim.text.layout import blank, fill, first_that_fits, wrapped
from netsim.text.lines import Line, Span
from netsim.text.marks import BOLD

LONGEST_NAME = 15  # characters of a process's name (TASK_COMM_LEN, linux/sched.h)
UNKNOWN = "a program"


def draw_strangers_head(world: World, width: int, charset: Charset, *, known: Stranger) -> Line:
    """The pane's head in its rule: the role, the PID, the name, and that it is not ours."""
    role = Span("CLIENT", BOLD["client"] if world.focus.role == "client" else "client")
    begin = [Span(f"{charset.dash} ", "rule"), role]
    pid = [Span(f"  pid {_pids(known)}")] if known.pids else []
    name = f"  {charset.shown(known.name, LONGEST_NAME)}" if known.name else ""
    variants = [
        [*begin, *pid, Span(f"{name}, not ours " if name else "  not ours ")],
        [*begin, *pid, Span(f"{name} " if name else "  not ours ")],
        [*begin, *pid, Span(" ")],
    ]
    return fill(first_that_fits(variants, width), width, charset.dash, "rule")


def draw_stranger(world: World, width: int, height: int, charset: Charset, *, known: Stranger) -> list[Line]:
    """What can and what can't be known of it."""
    name = charset.shown(known.name, LONGEST_NAME) if known.name else UNKNOWN
    sentences = [f"{name} is not ours: its lines can't be seen, only what it sends and what the kernel has."]
    if known.unlisted:
        sentences.append("There are too many sockets to show: its own is left out, or gone.")
    elif not known.holds:
        sentences.append(f"{_first(name)} has closed its socket, or has ended.")
    elif not known.pids:
        sentences.append("Which process it is can't be seen from here.")
    lines = [line for sentence in sentences for line in wrapped(_first(sentence), width - 2, 3)]
    rows = [fill([Span(f" {line}")], width) for line in lines][: max(0, height)]
    return rows + [blank(width)] * (height - len(rows))


def _pids(known: Stranger) -> str:
    more = f" +{len(known.pids) - 1}" if len(known.pids) > 1 else ""
    return f"{known.pids[0]}{more}"


def _first(text: str) -> str:
    """A sentence begins with a capital, a program's name as it is."""
    return text[0].upper() + text[1:] if text.startswith(UNKNOWN) else text
