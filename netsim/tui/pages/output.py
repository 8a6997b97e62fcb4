"""`O`: all that a program has printed, and what was typed for it, to be scrolled through."""

from __future__ import annotations

from netsim.model.world import World
from netsim.text.lines import Line
from netsim.text.output import draw_output, furthest, output_rows
from netsim.tui.own_keys import focused
from netsim.tui.page import Page, Stage

_STEPS = {"up": 1, "k": 1, "down": -1, "j": -1}


class OutputPage:
    """One program's output, from its end backwards; it follows what is printed while one is at the end."""

    def __init__(self, stage: Stage, who: str) -> None:
        self._stage = stage
        self._who = who
        self._back = 0  # rows from the end
        self._size = (80, 24)

    def draw(self, width: int, height: int) -> list[Line]:
        """The page."""
        self._size = (width, height)
        world = self._stage.shown_world
        return draw_output(
            world, width, height, self._stage.charset, who=self._known(world), back=self._back,
            others=len(speakers(world)) > 1,
        )  # fmt: skip

    def press(self, key: str, character: str | None) -> bool:
        """Take a key; False closes the page."""
        page = self._size[1] // 2
        match key:
            case "up" | "k" | "down" | "j":
                self._scroll(_STEPS[key])
            case "pageup" | "comma":
                self._scroll(page)
            case "pagedown" | "space" | "full_stop":
                self._scroll(-page)
            case "home":
                self._scroll(len(self._rows()))
            case "end":
                self._back = 0
            case "tab" | "shift+tab":
                everybody = speakers(self._stage.shown_world)
                place = everybody.index(self._known(self._stage.shown_world))
                self._who = everybody[(place + (1 if key == "tab" else -1)) % len(everybody)]
                self._back = 0
            case "escape" | "q" | "O":
                return False
            case _:
                pass
        return True

    def came(self) -> None:
        """Something more may have been printed; who has scrolled back stays at the same lines."""
        self._stage.repaint()

    def close(self) -> None:
        """Nothing was started."""

    def _known(self, world: World) -> str:
        """The program whose output is shown; in a fresh lab it may be gone."""
        return self._who if self._who in world.endpoints else next(iter(world.endpoints))

    def _rows(self) -> list[str]:
        world = self._stage.shown_world
        return output_rows(world.endpoints[self._known(world)], self._size[0], self._stage.charset)

    def _scroll(self, rows: int) -> None:
        self._back = max(0, min(self._back + rows, furthest(len(self._rows()), self._size[1])))


def speakers(world: World) -> list[str]:
    """The programs by name, without the forked that have printed nothing: they write to their parents' files."""
    return [each.who for each in world.endpoints.values() if not each.forked_from or each.printed]


def open_page(stage: Stage) -> Page | str:
    """The page of the program in focus, or why there is none."""
    endpoint = focused(stage.shown_world)
    if endpoint is None:
        return "There is no program in this pane: tab goes to the other one."
    return OutputPage(stage, endpoint.who)
