"""The page from lab to life: what can be saved, and the commands that show the same without netsim.

Law: a command is never cut where it can be wrapped; what was done stands in the last row but one.
"""

from __future__ import annotations

from netsim.model.world import World
from netsim.story import life
from netsim.story.life import Deed
from netsim.text.charset import Charset
from netsim.text.layout import blank, fill, spread, wrapped
from netsim.text.lines import Line, Span

WHAT = 11  # columns of what a command is for


def draw_life(
    world: World, width: int, height: int, charset: Charset, *, folder: str, said: str, may_save: bool
) -> list[Line]:
    """The page. `folder`: where the files were saved, "" if they were not; `said`: what the last key has done."""
    title = [Span(" "), Span("netsim", "bold"), Span("   from lab to life")]
    rows: list[Line] = [fill(spread(title, [Span("esc", "key"), Span(" back ")], width), width)]
    rows.append(_rule("THE PROGRAMS", width, charset))
    rows += _words(life.about_files(world), width, charset)
    if life.files(world):
        where = f"They are in {folder}." if folder else "Plain files for plain Python: no line of netsim is in them."
        rows += _words(where, width, charset)
    rows.append(blank(width))
    rows.append(_rule("THE SAME WITHOUT NETSIM  one terminal each", width, charset))
    rows += _deeds(life.without_netsim(world, folder), width, charset)
    inside = life.in_the_lab(world)
    if inside:
        rows.append(blank(width))
        rows.append(_rule("THIS LAB FROM ANOTHER TERMINAL", width, charset))
        rows += _deeds(inside, width, charset)
    bottom = [_said(said, width, charset), _keys(world, width, may_save=may_save)]
    rows = rows[: height - len(bottom)]
    return rows + [blank(width)] * (height - len(bottom) - len(rows)) + bottom


def _rule(text: str, width: int, charset: Charset) -> Line:
    return fill([Span(f"{charset.dash} ", "rule"), Span(text, "head"), Span(" ")], width, charset.dash, "rule")


def _words(text: str, width: int, charset: Charset) -> list[Line]:
    return [fill([Span(f" {line}")], width) for line in wrapped(charset.visible(text), width - 2, 2)]


def _deeds(deeds: tuple[Deed, ...], width: int, charset: Charset) -> list[Line]:
    rows: list[Line] = []
    for deed in deeds:
        for index, part in enumerate(wrapped(charset.visible(deed.line), width - WHAT - 2, 3)):
            label = "" if index else deed.what
            rows.append(fill([Span(f" {label:<{WHAT}}"), Span(part, "bold")], width))
    return rows


def _said(said: str, width: int, charset: Charset) -> Line:
    return fill([Span(f" {charset.shown(said, width - 2)}")], width)


def _keys(world: World, width: int, *, may_save: bool) -> Line:
    keys = [("c", "copy the commands"), ("l", "copy those for this lab alone")]
    if may_save and life.files(world):
        keys.insert(0, ("s", "save the programs"))
    if not life.in_the_lab(world):
        keys.pop()
    spans = [Span(" ")]
    for key, word in keys:
        spans += [Span(key, "key"), Span(f" {word}   ")]
    return fill(spans, width)
