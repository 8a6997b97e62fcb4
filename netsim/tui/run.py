"""Runs the app and leaves the terminal and the machine as they were, however it ends."""

from __future__ import annotations

from netsim.session import Session
from netsim.text.charset import ASCII, UNICODE
from netsim.tui.app import NetsimApp
from netsim.tui.ending import end_sanely


def run(session: Session, *, animation: bool, ascii_only: bool = False, light: bool = False) -> int:
    """Show the session until the person (or a signal) ends it; returns the exit status."""
    app = NetsimApp(session, ASCII if ascii_only else UNICODE, animation=animation, light=light)
    end_sanely(app, session.kill_now)
    status = app.run(mouse=False)
    return status if status is not None else app.return_code or 0
