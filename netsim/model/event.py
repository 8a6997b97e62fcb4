"""What every event is: something that happened, and when."""

from __future__ import annotations

from msgspec import Struct


class Event(Struct, frozen=True, tag_field="type", tag=True, kw_only=True):
    """Something that happened `at` seconds after the lab was started (the lab's monotonic clock)."""

    at: float
