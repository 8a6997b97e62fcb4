"""Thrift: what is sent shows the same picture as what was painted, and is never more."""

from __future__ import annotations

import random

import pyte
import pytest

from netsim.tui.thrift import PLAIN, Thrift, change, styled

COLUMNS, ROWS = 40, 6
STYLES = (
    "", "0", "1", "2", "4", "7", "1;7", "38;5;253;48;5;232", "1;38;5;243;48;5;232", "38;2;1;2;3", "48;2;9;8;7", "31",
    "1;94;41", "7;38;5;9;48;5;10", "107",
)  # fmt: skip
TEXTS = ("a", " ", "    ", "one two  three", "├──── SYN ──■", "►", "日本", "x日 y", "ende ", "·" * 12)


class Shown:
    """A terminal; what it was written, and every cell of it."""

    def __init__(self) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._screen.reset_mode(7, private=True)
        self._stream = pyte.Stream(self._screen)
        self.written = 0

    def write(self, data: str) -> None:
        self.written += len(data.encode())
        self._stream.feed(data)

    def cells(self) -> list[list[tuple[object, ...]]]:
        return [[seen(self._screen.buffer[y][x]) for x in range(COLUMNS)] for y in range(ROWS)]


def letter(written: str) -> tuple[object, ...]:
    """The second letter of what is written."""
    shown = Shown()
    shown.write(written)
    return shown.cells()[0][1]


def seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    """What a person can see of a cell."""
    if cell.data == " " and not (cell.reverse or cell.underscore):
        return (" ", cell.bg)
    return (cell.data, cell.fg, cell.bg, cell.bold, cell.underscore, cell.reverse)


def frame(dice: random.Random) -> str:
    """Some texts at some places, as Textual writes them: each with its style, and none over half a letter."""
    written = []
    for _ in range(dice.randrange(1, 6)):
        y = dice.randrange(ROWS)
        written.append(f"\x1b[{y + 1};1H")
        room = COLUMNS
        while room > 14:  # a row from its left edge on
            text = dice.choice(TEXTS)
            written.append(f"\x1b[{dice.choice(STYLES)}m{text}\x1b[0m")
            room -= sum(2 if char > "⺀" else 1 for char in text)
        written.append(f"\x1b[{dice.choice(STYLES)}m{'.' * room}\x1b[0m")
        written.append("\n" if y < ROWS - 1 else "")
    return "".join([*written, "\x1b[1;1H"])


@pytest.mark.parametrize("seed", range(20))
def test_the_pictures_are_the_same_however_many_frames_are_left_out(seed: int) -> None:
    dice = random.Random(seed)
    thrift, painted, spared = Thrift(), Shown(), Shown()
    for _ in range(12):
        painted.write(written := frame(dice))
        assert thrift.paint(written)
        if dice.random() < 0.5:
            spared.write(thrift.due())
            assert spared.cells() == painted.cells()
    spared.write(thrift.due())
    assert spared.cells() == painted.cells()
    assert thrift.due() == ""
    assert spared.written < painted.written


def sent(thrift: Thrift, *texts: str) -> str:
    """What is due after frames of these texts, without the cursor's way home at its end."""
    for text in texts:
        assert thrift.paint(f"{text}\x1b[1;1H")
    due = thrift.due()
    assert not due or due.endswith("\x1b[H")
    return due.removesuffix("\x1b[H")


def test_the_same_frame_again_costs_nothing() -> None:
    thrift = Thrift()
    assert sent(thrift, "\x1b[2;3H\x1b[31mab\x1b[0m\n") == "\x1b[2;3H\x1b[31mab\x1b[m"
    assert sent(thrift, "\x1b[2;3H\x1b[31mab\x1b[0m\n") == ""


def test_what_came_and_went_costs_nothing() -> None:
    thrift = Thrift()
    assert sent(thrift, "\x1b[2;1Hone") == "\x1b[2Hone"
    assert sent(thrift, "\x1b[2;1Htwo", "\x1b[2;1Hone") == ""


def test_only_what_differs_is_sent_and_short_gaps_are_written_again() -> None:
    thrift = Thrift()
    sent(thrift, "\x1b[1;1Hstep 1 of 9 in all the long way of it 1")
    assert sent(thrift, "\x1b[1;1Hstep 2 of 8 in all the long way of it 2") == "\x1b[1;6H2 of 8\x1b[27C2"
    assert sent(thrift, "\x1b[1;1Hstep 3 o. 8 in all the long way of it 2") == "\x1b[1;6H3 o."


def test_blanks_need_no_colour_but_their_own() -> None:
    thrift = Thrift()
    assert sent(thrift, "\x1b[1;1H\x1b[1;31ma\x1b[0m \x1b[1;31mb") == "\x1b[H\x1b[1;31ma b\x1b[m"
    assert sent(thrift, "\x1b[2;1H\x1b[44ma\x1b[0m \x1b[4m ") == "\x1b[2H\x1b[44ma\x1b[m \x1b[4m \x1b[m"


def test_the_cursor_is_left_where_the_frame_leaves_it() -> None:
    thrift = Thrift()
    thrift.paint("\x1b[1;1Hab\x1b[3;7H")
    assert thrift.due() == "\x1b[Hab\x1b[3;7H"


def test_half_a_letter_is_none() -> None:
    thrift = Thrift()
    sent(thrift, "\x1b[2;1H日本")
    assert sent(thrift, "\x1b[2;2Ha") == "\x1b[2H a"
    assert sent(thrift, "\x1b[2;3Hb") == "\x1b[2;3Hb "


@pytest.mark.parametrize(
    "data",
    ["\x1b[?25l", "\x1b[?2026$p", "\x1b]52;c;QQ==\x07", "text", "\x1b[1;1Ho\u0308", "\x1b[1;1H\x1b[58;5;1ma", "\a"],
)
def test_what_is_no_frame_changes_nothing(data: str) -> None:
    thrift = Thrift()
    thrift.paint("\x1b[2;1Hab\x1b[1;1H")
    assert not thrift.paint(data)
    assert sent(thrift) == "\x1b[2Hab"


def test_after_what_is_unknown_all_of_a_frame_is_sent() -> None:
    thrift = Thrift()
    sent(thrift, "\x1b[2;1Hab")
    thrift.forget()
    assert sent(thrift, "\x1b[2;1Hab") == "\x1b[2Hab"


def test_a_lost_picture_is_sent_again_as_far_as_it_fits() -> None:
    thrift = Thrift()
    sent(thrift, "\x1b[2;1Habcd\n\x1b[4;1Hgone\n")
    thrift.lose(3, 2)
    assert sent(thrift) == "\x1b[2Habc"


def test_nothing_is_sent_beyond_the_edges() -> None:
    thrift = Thrift()
    thrift.lose(3, 2)
    assert sent(thrift, "\x1b[2;1Habcd\n\x1b[3;1Hgone\n") == "\x1b[2Habc"
    thrift.lose(5, 3)
    assert sent(thrift, "\x1b[2;1HABCDE\n\x1b[3;1Hhere\n") == "\x1b[2HABCDE\x1b[3Hhere"


@pytest.mark.parametrize("old", STYLES)
def test_every_style_is_reached_from_every_other(old: str) -> None:
    begun = styled(PLAIN, old)
    assert begun is not None
    for new in STYLES:
        wanted = styled(PLAIN, new)
        assert wanted is not None
        sgr = change(begun, wanted)
        assert bool(sgr) == (begun != wanted)
        assert not sgr or styled(begun, sgr[2:-1]) == wanted
        assert letter(f"\x1b[{old}mx{sgr}y") == letter(f"\x1b[{new}m\x1b[1;2Hy")
