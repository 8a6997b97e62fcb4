"""One step, tried for real and told: before it is taken and after, so that one that hangs or is killed is known too."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from netsim.lab.steps import StepError
from netsim.model.capabilities import Check, CheckName, Outcome, SettingTried

_LONGEST = 200  # characters of an exception's message


class Told(Struct, frozen=True):
    """A check, begun (outcome "untried") or done, and the settings that came with it."""

    check: Check
    settings: tuple[SettingTried, ...] = ()


Tell = Callable[[Told], None]


class Found(NamedTuple):
    """What came of a step that did not raise. `step`: where it is not the one that was announced."""

    found: str = ""
    outcome: Outcome = "works"
    errno: str = ""
    step: str = ""
    settings: tuple[SettingTried, ...] = ()


def attempt(tell: Tell, name: CheckName, step: str, action: Callable[[], Found | None]) -> bool:
    """Try one thing and tell how it went; whether it went. An OSError or StepError of the action is how it failed."""
    tell(Told(Check(name, "untried", step)))
    began = time.perf_counter()
    try:
        found = action() or Found()
    except StepError as error:
        found = Found("", "fails", errno_name(error.errno), error.step)
    except OSError as error:
        found = Found("", "fails", errno_name(error.errno or errno.EIO))
    except Exception as error:  # ours or a library's own mistake: told as what it is, and the other steps go on
        found = Found(str(error)[:_LONGEST], "fails", type(error).__name__)
    ms = round((time.perf_counter() - began) * 1000, 1)
    tell(Told(Check(name, found.outcome, found.step or step, found.errno, found.found, ms), found.settings))
    return found.outcome != "fails"


def errno_name(number: int) -> str:
    """ "EPERM"; the number as text where it has no name."""
    return errno.errorcode.get(number, str(number))
