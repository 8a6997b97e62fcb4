"""What the space key would do: a label for the SPACE line and the commands that a press sends."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from netsim.model.commands import AnyCommand

Cap = Literal["SPACE", "WAIT", ""]


class Action(Struct, frozen=True, kw_only=True):
    """The next action. A press carries `id`: where the id has changed since it was painted, nothing is done.

    `who`: the endpoint that it touches ("" for none); `packet`: the held packet, by its number. `until`: a label that
    waits for the kernel's timer has "{left}" in it for the seconds until then, on the lab's clock. `begin_again`: no
    command, but the offer of a fresh lab. `types`: no command yet, but a line to be typed for `who`.
    """

    id: str
    label: str
    cap: Cap = "SPACE"
    who: str = ""
    commands: tuple[AnyCommand, ...] = ()
    packet: int | None = None
    until: float | None = None
    begin_again: bool = False
    types: bool = False

    @property
    def target(self) -> str:
        """What is reversed on the screen: "packet 7", or the endpoint whose next line it is."""
        return f"packet {self.packet}" if self.packet is not None else self.who

    def label_at(self, now: float) -> str:
        """The label at this moment of the lab's clock; the seconds are those that the ladder shows beside it."""
        if self.until is None:
            return self.label
        return self.label.format(left=f"{max(0.0, self.until - now):.1f} s")
