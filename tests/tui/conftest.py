"""What the tests of the screen share: after a key they wait until all that it set going is done, not for quiet."""

from __future__ import annotations

import asyncio

import pytest

PATIENCE = 30.0  # seconds; only ever waited out when something keeps the event loop busy for ever
ROUNDS = 8  # of the event loop with nothing to do; a message that is handed on takes one or two


async def _nothing_to_do(*_: object) -> None:
    """Until nobody in the event loop can run but us; who waits for a time, or for a thread, is not waited for.

    Textual's own wait is for 20 ms in which the process needs little of the processor: slow on a machine at rest, and
    too short on a busy one.
    """
    loop = asyncio.get_running_loop()
    end, rounds = loop.time() + PATIENCE, 0
    while rounds < ROUNDS:
        await asyncio.sleep(0)
        rounds = 0 if loop._ready else rounds + 1  # type: ignore[attr-defined]
        assert loop.time() < end, "the event loop is never idle"


@pytest.fixture(autouse=True)
def _pilots_wait_for_what_is_to_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.app.wait_for_idle", _nothing_to_do)
    monkeypatch.setattr("textual.pilot.wait_for_idle", _nothing_to_do)
