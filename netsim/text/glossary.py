"""The glossary as lines: first the words that are on the screen now, then all the others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from netsim.story.glossary import GLOSSARY, Entry, words_in
from netsim.text.bottom import draw_keys
from netsim.text.charset import Charset
from netsim.text.layout import blank, fill, spread
from netsim.text.lesson import Paragraph, wrap
from netsim.text.lines import Line, Span

WORD = 18  # columns for the word


@lru_cache(maxsize=4)  # a page draws it again and again, for one screen
def entries_for(screen: str) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """The entries of the words on the screen, and the others; each by the alphabet."""
    here = words_in(screen)
    others = [entry for entry in GLOSSARY if entry not in here]
    return _sorted(here), _sorted(others)


def glossary_lines(screen: str, typed: str, width: int, charset: Charset) -> list[Line]:
    """All entries (those that begin with what was typed, or contain it), with a head over each of the two groups."""
    lines: list[Line] = []
    for head, entries in zip(("on the screen now", "all the others"), entries_for(screen), strict=True):
        found = _matching(entries, typed)
        if not found:
            continue
        title = [Span(charset.dash * 2, "rule"), Span(f" {head} ", "head"), Span(f"{len(found)} ")]
        lines.append(fill(title, width, charset.dash, "rule"))
        lines += [line for entry in found for line in _entry(entry, width, charset)]
    return lines or [fill([Span(f" No word has {charset.visible(typed)!r} in it.")], width)]


def draw_glossary(screen: str, typed: str, top: int, width: int, height: int, charset: Charset) -> list[Line]:
    """The whole screen; `top`: how many lines are scrolled out."""
    lines = glossary_lines(screen, typed, width, charset)
    room = height - 2
    shown = lines[top : top + room]
    look = (
        [Span(f"   looking for: {charset.visible(typed)}", "bold")] if typed else [Span("   type to look for a word")]
    )
    left = [Span(" "), Span("netsim", "bold"), Span("   glossary"), *look]
    title = fill(spread(left, [Span("esc", "key"), Span(" back")], width - 1), width)
    more = f"{min(top + room, len(lines))} of {len(lines)} lines"
    keys = draw_keys((("up down", "scroll"), ("space", more), ("esc", "back")), width, 1, charset)
    return [title, *shown, *[blank(width)] * (room - len(shown)), *keys]


def _matching(entries: Sequence[Entry], typed: str) -> list[Entry]:
    wanted = typed.lower()
    return [entry for entry in entries if any(wanted in form.lower() for form in (entry.word, *entry.forms))]


def _sorted(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.word.lower()))


def _entry(entry: Entry, width: int, charset: Charset) -> list[Line]:
    texts = [text for _, text in wrap([Paragraph(entry.meaning)], width - WORD - 3, charset)]
    first = fill([Span(" "), Span(f"{entry.word:{WORD}} ", "bold"), Span(charset.visible(texts[0]))], width)
    return [first, *(fill([Span(" " * (WORD + 2)), Span(charset.visible(text))], width) for text in texts[1:])]
