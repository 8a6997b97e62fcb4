"""What the screen asks before something can't be taken back, and the keys that answer it.

Law: any other key closes the question and does nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

from netsim.story.moments import MOMENTS


class Question(NamedTuple):
    """A sentence on the why row; `keys`: Textual's names of the keys that answer it."""

    keys: tuple[str, ...]
    text: str


QUESTIONS = {
    "quit": Question(("q",), "Quit? Both programs end with netsim. q again quits; any other key goes on."),
    "begin_again": Question(("b",), "Begin again? All that happened is forgotten. b does it; any other key goes on."),
    "moments": Question(
        tuple(each.key for each in MOMENTS), "To: " + "  ".join(f"{each.key} {each.name}" for each in MOMENTS)
    ),
    "ctrl+c": Question(("ctrl+c",), "ctrl+c again quits; any other key goes on."),
}
