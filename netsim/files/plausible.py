"""Whether an event from a file can have happened: numbers that no lab ever reports are found before they do harm.

Law: it judges sizes and nothing else; what is of the right type and of a possible size is let through.
"""

from __future__ import annotations

import math

from msgspec import Struct

from netsim.model.events import AnyEvent

LARGEST = 2**63 - 1  # no counter of the kernel's is larger
LONGEST = 1e9  # seconds: thirty years
_LIMITS = {"port": 2**16 - 1, "seq": 2**33, "ack": 2**33, "pid": 2**31 - 1, "inner_pid": 2**31 - 1, "fd": 2**31 - 1}
_LEAST = {"status": -(2**31), "fd": -1, "errno": -(2**31)}  # all else counts from 0


def oddity(event: AnyEvent) -> str:
    """What is impossible in it, in a few words; "" if nothing is."""
    return _in_struct(event)


def _in_struct(value: Struct) -> str:
    for name in value.__struct_fields__:
        if odd := _in_value(name, getattr(value, name)):
            return odd
    return ""


def _in_value(name: str, value: object) -> str:
    match value:
        case bool() | str() | bytes() | None:
            return ""
        case int():
            possible = _LEAST.get(name, 0) <= value <= _LIMITS.get(name, LARGEST)
        case float():
            possible = math.isfinite(value) and 0 <= value <= LONGEST * (1e6 if name == "microseconds" else 1)
        case tuple():
            return next((odd for each in value if (odd := _in_value(name, each))), "")
        case Struct():
            return _in_struct(value)
        case _:
            return ""
    return "" if possible else f"`{name}` can't be so small or so large"
