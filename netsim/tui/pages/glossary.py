"""`g`: the glossary; the words that are on the main screen now come first."""

from __future__ import annotations

from netsim.story.director import next_action
from netsim.story.narrator import narrate
from netsim.text.grid import MINIMUM, Grid
from netsim.text.lines import Line, plain
from netsim.text.screen import Scene, draw_screen
from netsim.tui.glossary_view import GlossaryView
from netsim.tui.page import Page, Stage


class GlossaryPage:
    """The glossary over the main screen."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        world = stage.shown_world
        scene = Scene(why=narrate(world), label=next_action(world).label)
        grid = Grid.of(200, 50) or Grid(*MINIMUM)  # all that a large screen would show of this world
        lines = draw_screen(world, grid, stage.charset, scene)
        self._view = GlossaryView("\n".join(plain(line) for line in lines))

    def draw(self, width: int, height: int) -> list[Line]:
        """The glossary."""
        return self._view.draw(width, height, self._stage.charset)

    def press(self, key: str, character: str | None) -> bool:
        """Take a key; False closes the page."""
        return self._view.press(key, character)

    def came(self) -> None:
        """The words stay those of the moment at which it was opened."""

    def close(self) -> None:
        """Nothing was started."""


def open_page(stage: Stage) -> Page | str:
    """The glossary."""
    return GlossaryPage(stage)
