"""The page of `enter` in the port table: the commands that prove a row, run for real beside the screen.

Law: every line was printed by the command above it; the commands run beside the screen, and nobody waits for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from netsim.model.world import Row
from netsim.story.proofs import Proof, inside, proofs
from netsim.text.lines import Line
from netsim.text.proof import Run, command_line, draw_proof
from netsim.tui.page import Page, Stage

NO_ROW = "No row is chosen: tab goes to the table, the arrows to a row, enter proves it."
RECORDED = "A recording has no processes that one could ask: netsim alone starts some."
NO_TERMINAL = "No command can be run from here: netsim shell -- ss -tanp does it in another terminal."
PAST = "The screen shows the past; these commands have told of now."


def open_page(stage: Stage) -> Page | str:
    """The proofs of the row that was chosen last."""
    if stage.session.recording:
        return RECORDED
    if stage.tools is None or stage.tools.run_aside is None:
        return NO_TERMINAL
    return ProofPage(stage, stage.pointed) if stage.pointed is not None else NO_ROW


class ProofPage:
    """The commands of one row, and what they printed."""

    def __init__(self, stage: Stage, row: Row) -> None:
        self._stage = stage
        self._row = row
        self._chosen = 0
        self._note = ""
        world = stage.session.world
        self._private = world.lab is not None and world.lab.net == "private"
        self._runs = [Run(proof) for proof in proofs(world, row)]
        self._is_open = True
        for index in range(len(self._runs)):
            self._run(index)

    def draw(self, width: int, height: int) -> list[Line]:
        """The page."""
        now = self._note or (PAST if self._stage.shown_world is not self._stage.session.world else "")
        return draw_proof(
            self._row, self._runs, self._chosen, width, height, self._stage.charset, private=self._private, now=now
        )

    def press(self, key: str, character: str | None) -> bool:
        """escape goes back; the rest chooses, copies and runs again."""
        self._note = ""
        match key:
            case "escape" | "q":
                return False
            case "space" | "pagedown" if self._chosen + 1 == len(self._runs):
                return False
            case "down" | "space" | "pagedown" | "tab":
                self._choose(self._chosen + 1)
            case "up" | "pageup" | "shift+tab":
                self._choose(self._chosen - 1)
            case "home":
                self._choose(0)
            case "end":
                self._choose(len(self._runs) - 1)
            case "enter":
                self._run(self._chosen)
            case "y":
                self._stage.copy(self._command)
                self._note = "Copied: paste it into another terminal."
            case _:
                self._note = "The arrows choose a command, y copies it, enter runs it again, esc goes back."
        return True

    def came(self) -> None:
        """The row was proved as it was: it does not change by itself."""

    def close(self) -> None:
        """What still runs may end by itself; nobody listens to it any more."""
        self._is_open = False

    @property
    def _command(self) -> str:
        return command_line(self._runs[self._chosen].proof, private=self._private)

    def _choose(self, index: int) -> None:
        self._chosen = min(len(self._runs) - 1, max(0, index))

    def _run(self, index: int) -> None:
        proof = self._runs[index].proof
        self._runs[index] = Run(proof)
        run_aside = self._stage.tools.run_aside if self._stage.tools else None
        if run_aside is not None:
            run_aside(proof.argv, self._inside(proof), self._on_screens_thread(index))

    def _inside(self, proof: Proof) -> int:
        if not (self._private and proof.in_net):
            return 0
        return inside(self._stage.session.world) or os.getpid()

    def _on_screens_thread(self, index: int) -> Callable[[str], None]:
        def told(output: str) -> None:
            self._stage.call_soon(lambda: self._take(index, output))

        return told

    def _take(self, index: int, output: str) -> None:
        if self._is_open:
            self._runs[index] = self._runs[index]._replace(output=output)
            self._stage.repaint()
