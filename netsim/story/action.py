"""What the space key would do: a label for the SPACE line and the commands that a press sends."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from netsim.model.commands import AnyCommand

Cap = Literal["SPACE", "WAIT", ""]


class Action(Struct, frozen=True, kw_only=True):
    """The next action. A press carries `id`: where the id has changed since it was painted, nothing is done.

    `who`: the endpoint that it touches ("" for none). `begin_again`: no command, but the offer of a fresh lab.
    """

    id: str
    label: str
    cap: Cap = "SPACE"
    who: str = ""
    commands: tuple[AnyCommand, ...] = ()
    begin_again: bool = False
