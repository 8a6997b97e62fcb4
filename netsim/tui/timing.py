"""Doing something a little later, for certain, in its turn.

Law: the deed is done in the message queue of who asks, between two messages and never beside one. Textual's own timers
run beside them, and one that finds itself late before it began never goes off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from textual.message_pump import MessagePump


def after(pump: MessagePump, seconds: float, deed: Callable[[], Awaitable[None] | None]) -> asyncio.TimerHandle:
    """Do this in so many seconds; the handle calls it off. To be called where the event loop runs."""
    return asyncio.get_running_loop().call_later(seconds, pump.call_later, deed)
