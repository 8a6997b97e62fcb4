"""`P`: the programs as files of one's own, and the commands that show the same without netsim, for the clipboard."""

from __future__ import annotations

from netsim.story import life
from netsim.text.life import draw_life
from netsim.text.lines import Line
from netsim.tui.page import Page, Stage


class LifePage:
    """What can be taken along; nothing is written or copied before a key asks for it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._said = ""
        self._folder = ""

    def draw(self, width: int, height: int) -> list[Line]:
        """The page."""
        stage = self._stage
        return draw_life(
            stage.shown_world, width, height, stage.charset, folder=self._folder, said=self._said,
            may_save=self._may_save,
        )  # fmt: skip

    def press(self, key: str, character: str | None) -> bool:
        """Take a key; False closes the page."""
        world = self._stage.shown_world
        match key:
            case "s":
                self._save()
            case "c":
                self._copy(life.without_netsim(world, self._folder))
            case "l" if life.in_the_lab(world):
                self._copy(life.in_the_lab(world))
            case "escape" | "q" | "P":
                return False
            case _:
                self._said = ""
        return True

    def came(self) -> None:
        """Ports and programs may have changed."""
        self._stage.repaint()

    def close(self) -> None:
        """Nothing was started."""

    @property
    def _may_save(self) -> bool:
        tools = self._stage.tools
        return tools is not None and tools.files is not None

    @property
    def _to_be_saved(self) -> bool:
        """Whether the commands name files that are not there yet."""
        return self._may_save and not self._folder and bool(life.files(self._stage.shown_world))

    def _save(self) -> None:
        tools = self._stage.tools
        files = life.files(self._stage.shown_world)
        if tools is None or tools.files is None:
            self._said = "No file may be written here: c copies the commands."
        elif not files:
            self._said = life.about_files(self._stage.shown_world)
        else:
            self._folder, self._said = tools.files.save(files)

    def _copy(self, deeds: tuple[life.Deed, ...]) -> None:
        self._stage.copy(life.as_text(deeds))
        self._said = f"{len(deeds)} commands are in the terminal's clipboard, if it takes them (OSC 52)."
        if deeds and deeds[0].what == "server" and self._to_be_saved:
            self._said = f"{len(deeds)} commands are in the clipboard (OSC 52); s saves the programs that they run."


def open_page(stage: Stage) -> Page | str:
    """The page, or why there is nothing to take along."""
    if not stage.shown_world.endpoints:
        return "No program runs here yet: space begins."
    return LifePage(stage)
