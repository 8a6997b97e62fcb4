"""The first row: what this is, which net the lab lives in, how its packets are known, and how many steps were made.

Law: it says whether packets are held, inferred or recorded, so that no picture of the screen can claim more.
"""

from __future__ import annotations

from netsim.model.world import World
from netsim.text.charset import Charset
from netsim.text.layout import blank, fill, spread
from netsim.text.lines import Line, Span

EVIDENCE = {"host": "packets inferred", "private": "packets held"}


def draw_title(
    world: World,
    width: int,
    height: int,
    charset: Charset,
    *,
    recorded: bool = False,
    steps: int | None = None,
    host: str = "127.0.0.1",
) -> list[Line]:
    """The title. `recorded`: a saved session is shown. `steps`: how many there are, where the past is shown."""
    if height <= 0:
        return []
    left = [Span(" "), Span("netsim", "bold"), Span("   "), *_where(world, charset, recorded=recorded, host=host)]
    step = f"step {world.step}" if steps is None else f"step {world.step} of {steps}"
    right = [Span(f"{step}   "), Span("?", "key"), Span(" help")]
    return [fill(spread(left, right, width - 1), width), *([blank(width)] * (height - 1))]


def _where(world: World, charset: Charset, *, recorded: bool, host: str) -> list[Span]:
    if world.ended is not None:
        return [Span("the lab has ended", "bold")]
    if world.lab is None:
        return [Span("starting the lab")]
    how = "RECORDED" if recorded else EVIDENCE[world.lab.net]
    return [Span(f" {charset.dot} ".join((f"{world.lab.net} net", how, host)))]
