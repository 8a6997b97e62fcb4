"""One line that asks for a message, laid over the SPACE row: enter sends, escape gives up.

Law: what is typed is only text; it is bounded, and whatever a paste brings beside its first line is dropped and told.
"""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

LONGEST = 200_000  # characters: more than a datagram can carry, so that the kernel can say so


class Prompt(Horizontal):
    """Asks for the message of `verb` ("send" or "udp")."""

    BINDINGS = [Binding("escape", "cancel", show=False)]
    DEFAULT_CSS = """
    Prompt { height: 1; width: 100%; layer: prompt; padding: 0 1; }
    Prompt { background: $background; }
    Prompt .cap { width: auto; text-style: reverse; margin: 0 2 0 0; }
    Prompt Input, Prompt Input:focus { border: none; height: 1; padding: 0; width: 1fr; background: $background; }
    Prompt .hint { width: auto; margin: 0 0 0 2; }
    """

    class Answered(Message):
        """The person pressed enter (`text`) or escape (None)."""

        def __init__(self, verb: str, text: str | None) -> None:
            self.verb = verb
            self.text = text
            super().__init__()

    def __init__(self, verb: str, suggestion: str) -> None:
        super().__init__()
        self._verb = verb
        self._suggestion = suggestion

    def compose(self) -> ComposeResult:
        """The cap, the line, and what the two keys do."""
        yield Label(self._verb.upper(), classes="cap")
        yield _Line(self._suggestion, max_length=LONGEST, select_on_focus=True, compact=True)
        yield Label("enter sends it, escape does not", classes="hint")

    def on_mount(self) -> None:
        """The line has the keys."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """enter"""
        event.stop()
        self.post_message(self.Answered(self._verb, event.value))

    def action_cancel(self) -> None:
        """escape"""
        self.post_message(self.Answered(self._verb, None))


class _Line(Input):
    """An input whose space, page down and digits are text, and which takes of a paste what can be typed."""

    def _on_paste(self, event: events.Paste) -> None:
        lines = event.text.splitlines() or [""]
        text = "".join(char for char in lines[0] if char.isprintable())
        self.insert_text_at_cursor(text[: LONGEST - len(self.value)])
        if len(lines) > 1 or text != lines[0]:
            self.app.bell()
        event.prevent_default()
        event.stop()
