"""The first row: what this is, which net the lab lives in, how its packets are known, and how many steps were made.

Law: it says whether packets are held, inferred or recorded, so that no picture of the screen can claim more. Where the
past is shown it says so, first of all.
"""

from __future__ import annotations

from netsim.model.events import LabStarted
from netsim.model.world import World
from netsim.story.crowds import in_title
from netsim.text.charset import Charset
from netsim.text.layout import blank, fill, first_that_fits, spread, width_of
from netsim.text.lines import Line, Span

INFERRED, HELD = "packets inferred", "packets held"
BY_GATE = {"open": "packets seen passing", "failed": "packets pass unseen"}


def draw_title(
    world: World,
    width: int,
    height: int,
    charset: Charset,
    *,
    recorded: bool = False,
    steps: int | None = None,
    moment: tuple[int, int] | None = None,
    host: str = "127.0.0.1",
    playing: bool = False,
) -> list[Line]:
    """The title. `recorded`: a saved session is shown; `playing`: it goes on by itself.

    Where the past is shown: `steps`: how many there are; `moment`: which one it is, from 1, and how many there are.
    """
    if height <= 0:
        return []
    step = f"step {world.step}" if steps is None else f"step {world.step} of {steps}"
    right = [Span(f"{step}   "), Span("?", "key"), Span(" help")]
    name = [Span(" "), Span("netsim", "bold"), Span("   ")]
    dot = f" {charset.dot} "
    if recorded and moment is not None:
        where = [_recorded(world, moment, dot)]
    elif moment is not None:
        where = list(first_that_fits(_past(world, moment, dot), width - 2 - width_of(name) - width_of(right)))
    else:
        room = width - 2 - width_of(name) - width_of(right)
        where = list(first_that_fits(_where(world, charset, recorded=recorded, host=host, playing=playing), room))
    left = [*name, *where]
    return [fill(spread(left, right, width - 1), width), *([blank(width)] * (height - 1))]


def _evidence(world: World, lab: LabStarted) -> str:
    """How packets are known now; in a private net without a gate they are inferred, too."""
    return BY_GATE.get(world.gate, HELD if lab.gate else INFERRED)


def _past(world: World, moment: tuple[int, int], dot: str) -> list[list[Span]]:
    """The long form and the short one."""
    at, of = moment
    how = [_evidence(world, world.lab)] if world.lab else []
    long = dot.join((f"THE PAST: moment {at} of {of}, {of - at} back from now", *how))
    return [[Span(long, "bold")], [Span(dot.join(("THE PAST", f"{of - at} back of {of}", *how)), "bold")]]


def _recorded(world: World, moment: tuple[int, int], dot: str) -> Span:
    net = "the lab has ended" if world.ended else f"{world.lab.net} net" if world.lab else "no lab yet"
    return Span(dot.join(("RECORDED", f"moment {moment[0]} of {moment[1]}", net)), "bold")


def _where(world: World, charset: Charset, *, recorded: bool, host: str, playing: bool) -> list[list[Span]]:
    """The long form and shorter ones. What is not shown takes the place of the address, which is the same always."""
    if world.ended is not None:
        return [[Span("the lab has ended", "bold")]]
    if world.lab is None:
        return [[Span("starting the lab")]]
    how = "RECORDED" if recorded else _evidence(world, world.lab)
    dot, net = f" {charset.dot} ", f"{world.lab.net} net"
    if playing:
        end = Span("PLAYING, a stops it", "bold")
        return [[Span(dot.join((*each, ""))), end] for each in ((net, how), (net, how.removeprefix("packets ")))]
    counts = in_title(world)
    if not counts:
        return [[Span(dot.join((net, how, host)))]]
    short = how.removeprefix("packets ")
    told = [(how, count) for count in counts] + [(short, counts[-1])]
    return [[Span(f"{net}{dot}{evidence}{dot}"), Span(count, "bold")] for evidence, count in told]
