"""The line on which a message is typed, without a screen."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from netsim.text.charset import ASCII, UNICODE
from netsim.text.layout import width_of
from netsim.text.lines import plain
from netsim.tui.line_aim import LineAim
from netsim.tui.message_line import HINT, LONGEST, TYPE_HINT, MessageLine, Verb
from tests.script import Script


def typed(*keys: str, line: MessageLine | None = None) -> MessageLine:
    """The line after these keys; a single character makes itself."""
    line = line or MessageLine("send")
    for key in keys:
        line.press(key, key if len(key) == 1 else None)
    return line


def reversed_text(line: MessageLine, width: int = 80) -> str:
    return "".join(span.text for span in line.draw(width, UNICODE) if span.style == "next")


@pytest.mark.parametrize("verb", ["send", "udp", "filter", "type"])
def test_the_hint_is_shown_in_full(verb: Verb) -> None:
    line = MessageLine(verb)
    assert plain(line.draw(80, UNICODE)).rstrip().endswith(line.hint)


@pytest.mark.parametrize("name", ["client", "client 2", "udp client 2"])
def test_the_choice_of_a_line_says_in_full_how_it_ends(name: str) -> None:
    script = Script()
    script.open()
    client = replace(script.world.endpoints["client1"], line=1000)
    shown = plain(LineAim(client, name).draw(80, UNICODE)).rstrip()
    assert shown.endswith("enter runs, esc leaves")


def test_the_suggestion_is_sent_as_it_is_or_gives_way() -> None:
    assert MessageLine("send").text == "hello"
    assert typed("h", "i").text == "hi"
    assert typed("backspace").text == ""
    assert typed("end", "!").text == "hello!"


@pytest.mark.parametrize(
    ("line", "text"), [(MessageLine("send"), "hello"), (MessageLine("udp"), "hello"), (MessageLine("type", ""), "")]
)
def test_who_presses_space_to_go_on_has_not_typed_anything(line: MessageLine, text: str) -> None:
    typed(" ", " ", line=line)
    assert line.text == text
    assert line.hint in ("enter sends it, a letter replaces it", "write a line, then enter")
    assert plain(line.draw(80, UNICODE)).rstrip().endswith(line.hint)
    assert typed("a", " ", "b", line=line).text == "a b"
    assert line.hint in (HINT, TYPE_HINT)


def test_a_space_is_text_once_somebody_writes() -> None:
    assert typed("end", " ", "y", "o", "u").text == "hello you"
    assert typed("backspace", " ").text == " "
    assert typed(" ", line=MessageLine("filter", "")).text == " "


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (("a", "b", "left", "X"), "aXb"),
        (("a", "b", "home", "X", "end", "Y"), "XabY"),
        (("a", "b", "left", "backspace"), "b"),
        (("a", "b", "left", "delete"), "a"),
        (("a", "b", "ctrl+u", "c"), "c"),
        (("a", "left", "left", "right", "right", "right", "b"), "ab"),
        (("a", "pagedown", "tab", "f5", "up"), "a"),
    ],
)
def test_it_is_edited_as_lines_are(keys: tuple[str, ...], text: str) -> None:
    assert typed(*keys).text == text


def test_what_is_no_printable_character_is_not_taken() -> None:
    line = typed("a")
    for character in ("\x1b", "\x00", "\n", "\u202e", "\u200b", None):
        line.press("whatever", character)
    assert line.text == "a"


class TestPaste:
    def test_it_takes_the_place_of_the_suggestion(self) -> None:
        line = MessageLine("udp")
        line.paste("a port is a door")
        assert line.text == "a port is a door"

    def test_of_several_lines_only_the_first_and_that_is_told(self) -> None:
        line = typed("a")
        line.paste("b\nrm -rf\n")
        assert line.text == "ab"
        assert "only its first line was pasted" in plain(line.draw(80, UNICODE))
        assert "enter sends it" in plain(typed("c", line=line).draw(80, UNICODE))

    def test_what_cannot_be_typed_is_left_out_and_that_is_told(self) -> None:
        line = MessageLine("send")
        line.paste("a\x1b[31mb")
        assert line.text == "a[31mb"
        assert "left out" in plain(line.draw(80, UNICODE))

    def test_it_is_bounded(self) -> None:
        line = typed("a")
        line.paste("x" * (LONGEST + 5))
        assert len(line.text) == LONGEST
        assert "too much" in plain(line.draw(80, UNICODE))
        assert len(typed("y", line=line).text) == LONGEST

    def test_nothing_pasted_changes_nothing(self) -> None:
        line = typed("a")
        line.paste("")
        assert line.text == "a"


class TestDrawing:
    @pytest.mark.parametrize("width", [80, 81, 120, 200])
    @pytest.mark.parametrize("text", ["", "hi", "x" * 500, "日本" * 100, "é"])
    def test_it_is_as_wide_as_the_row_and_says_what_the_keys_do(self, width: int, text: str) -> None:
        line = typed(*text) if text else typed("backspace")
        drawn = line.draw(width, UNICODE)
        assert width_of(drawn) == width
        assert plain(drawn).startswith(" SEND ")
        assert "enter sends it, escape does not" in plain(drawn)

    def test_one_thing_is_reversed_the_suggestion_or_the_cursor(self) -> None:
        assert reversed_text(MessageLine("send")) == "hello"
        assert reversed_text(typed("a", "b")) == " "
        assert reversed_text(typed("a", "b", "left")) == "b"
        assert reversed_text(typed(*"x" * 500, "left", "left")) == "x"

    def test_the_cursor_of_a_long_message_is_in_sight(self) -> None:
        line = typed(*"x" * 500, "E", "left")
        assert reversed_text(line) == "E"

    def test_ascii_stays_ascii(self) -> None:
        assert plain(typed("é").draw(80, ASCII)).isascii()
