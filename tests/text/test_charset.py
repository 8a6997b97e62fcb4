"""Text from outside: made safe, measured, cut."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from netsim.text.charset import ASCII, UNICODE, cells, clip, payload, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x7f\x00\x9b", r"\x7f\x00\x9b"),
        ("user\u202egnp.exe", r"user\u202egnp.exe"),  # right-to-left override
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("e\u0301", r"e\u0301"),  # combining acute
        ("é", "é"),
        ("שלום", r"\u05e9\u05dc\u05d5\u05dd"),
        ("漢字", "漢字"),
        ("👍🏽", r"\U0001f44d\U0001f3fd"),
        ("\u1100\u1161", r"\u1100\u1161"),  # two jamo that some terminals draw as one
        ("\ud800", r"\ud800"),
        ("a\u00a0b\u2028c", r"a\xa0b\u2028c"),
        ("→ ► │", "→ ► │"),
    ],
)
def test_what_could_act_or_hide_or_move_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_ascii_turns_marks_into_their_forms_and_spells_out_the_rest() -> None:
    assert ASCII.visible("41233 → 41302 ■×►•─│ é漢") == r"41233 > 41302 #x>.-| \xe9\u6f22"


def test_a_payload_can_be_read_back() -> None:
    assert payload(b'say "hi"\\n') == r"say \"hi\"\\n"
    assert payload(b"\xff\xfeok") == r"\xff\xfeok"
    assert payload("héllo".encode()) == "héllo"


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("hello", 5, "hello"),
        ("hello", 4, "he.."),
        ("hello", 2, "he"),
        ("hello", 0, ""),
        ("漢字漢字", 8, "漢字漢字"),
        ("漢字漢字", 7, "漢字.."),
        ("漢字漢字", 5, "漢.."),  # half a letter is not drawn
    ],
)
def test_clip(text: str, width: int, cut: str) -> None:
    assert clip(text, width) == cut


def test_both_sets_have_a_mark_of_one_cell_for_everything() -> None:
    for charset in (UNICODE, ASCII):
        assert [cells(mark) for mark in charset[1:]] == [1] * (len(charset) - 1)
    assert all(mark.isascii() for mark in ASCII[1:])


def test_every_character_has_the_width_that_a_terminal_library_says() -> None:
    shown = [visible(chr(code)) for code in range(sys.maxunicode + 1)]
    assert not [each for each in shown if cells(each) != cell_len(each)]


@given(st.text())
def test_visible_text_has_no_control_and_the_width_that_a_terminal_library_says(text: str) -> None:
    for charset in (UNICODE, ASCII):
        shown = charset.visible(text)
        assert shown.isprintable()
        assert not any(unicodedata.category(char)[0] in "MC" for char in shown)
        assert cells(shown) == cell_len(shown)
    assert ASCII.visible(text).isascii()


@given(st.text(), st.integers(-2, 30))
def test_a_cut_text_fits(text: str, width: int) -> None:
    assert cells(UNICODE.shown(text, width)) <= max(0, width)
