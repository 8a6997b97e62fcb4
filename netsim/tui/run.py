"""Runs the app and leaves the terminal and the machine as they were, however it ends."""

from __future__ import annotations

from collections.abc import Callable

from netsim.session import Session
from netsim.text.charset import ASCII, UNICODE
from netsim.tui.app import NetsimApp
from netsim.tui.ending import end_sanely
from netsim.tui.keeper import Keeper
from netsim.tui.page import Tools


def run(
    session: Session,
    *,
    animation: bool,
    ascii_only: bool = False,
    theme: str = "dark",
    mouse: bool = False,
    tools: Tools | None = None,
    kill_now: Callable[[], None] | None = None,
    keeper: Keeper | None = None,
) -> int:
    """Show the session until the person (or a signal) ends it; returns the exit status.

    `theme`: one of netsim.tui.theme.THEMES. `kill_now` ends everything that was started, from a signal handler; the
    session's own if it is not given. `keeper`: puts the terminal back where a SIGKILL leaves no time for it.
    """
    app = NetsimApp(session, ASCII if ascii_only else UNICODE, animation=animation, theme=theme, tools=tools)
    app.keeper = keeper
    app.leaving = end_sanely(app, kill_now or session.kill_now, keeper)
    try:
        status = app.run(mouse=mouse)
    finally:
        if keeper is not None:
            keeper.close()
    return status if status is not None else app.return_code or 0
