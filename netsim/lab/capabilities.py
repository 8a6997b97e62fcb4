"""What this machine allows, found out by trying it in fresh processes, side by side; no judgement and no wording.

Law: the calling process changes in nothing, whatever the tries do, and it does not wait longer than PATIENCE for any.
"""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import get_args

import msgspec

from netsim import __version__
from netsim.lab import fresh, surroundings, terminal
from netsim.lab.attempts import Told, errno_name
from netsim.lab.client import LabClient
from netsim.model.capabilities import (
    MACHINE,
    PRIVATE,
    Capabilities,
    Check,
    CheckName,
    LabTried,
    SettingTried,
    System,
)
from netsim.model.diagnosis import BEGINNING
from netsim.model.events import AnyEvent, LabEnded, LabStarted

PATIENCE = 5.0  # seconds for a try that ought to take 0.2
LIBRARIES = ("textual", "psutil", "msgspec")

Answer = Callable[[], tuple[Told, ...]]  # waits for the end of a plan; everything that was told
Start = Callable[[str], Answer]


def examine(
    *,
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
    start: Start | None = None,
    lab: Callable[[], Callable[[], LabTried]] | None = None,
) -> Capabilities:
    """Try everything; takes about half a second.

    `root` stands for /, `start` begins a plan of `tries`, `lab` begins a lab (each gives what waits for it): for tests.
    """
    start = start or start_plan
    is_linux = sys.platform.startswith("linux")
    lab_ends = (lab or start_lab)()
    private = start("private") if is_linux else _nothing
    machine = start("machine")
    here = system()  # while these try
    told = [*private(), *machine()]
    if is_root() and is_linux and _by_name(told).get("net", Check("net")).outcome != "works":
        told += start("without_user")()  # as the lab does it for root
    found = lab_ends()
    return Capabilities(
        system=here,
        surroundings=surroundings.look(root),
        checks=checks(told, found),
        settings=_settings(told),
        terminal=terminal.look(environ),
        lab=found,
    )


def checks(told: Iterable[Told], lab: LabTried) -> tuple[Check, ...]:
    """Every check once: as it was told last, "untried" if it was not. The lab's own is made of what it said."""
    found = _by_name(told)
    outcome, errno = ("works", "") if lab.net else ("fails", "")
    found["lab"] = Check("lab", outcome, "start a lab with --net auto", errno, lab.net, lab.ms)  # type: ignore[arg-type]
    return tuple(found.get(name, Check(name)) for name in get_args(CheckName))


def start_plan(plan: str) -> Answer:
    """Begin a plan of `tries` in a fresh process."""
    first: CheckName = MACHINE[0] if plan == "machine" else PRIVATE[0] if plan == "private" else "net"
    try:
        process = subprocess.Popen(
            fresh.command("tries", plan), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:
        refused = Told(Check(first, "fails", BEGINNING, errno_name(error.errno or 0)))
        return lambda: (refused,)
    return lambda: _collect(process, first)


def start_lab() -> Callable[[], LabTried]:
    """Begin a whole lab as `--net auto` has it; what is returned waits for its first word, and ends it."""
    began = time.perf_counter()
    first: list[AnyEvent] = []
    came = threading.Event()

    def take(event: AnyEvent) -> None:
        first.append(event)
        ms.append(round((time.perf_counter() - began) * 1000, 1))
        came.set()

    ms: list[float] = []
    client = LabClient(net="auto")
    client.start(take)

    def end() -> LabTried:
        came.wait(PATIENCE)
        client.close()
        return _lab_tried(first, ms)

    return end


def _lab_tried(first: list[AnyEvent], ms: list[float]) -> LabTried:
    match first[:1]:
        case [LabStarted() as started]:
            return LabTried(
                net=started.net,
                net_because=started.net_because,
                contained=started.contained,
                contained_because=started.contained_because,
                gate=started.gate,
                gate_because=started.gate_because,
                ms=ms[0],
            )
        case [LabEnded() as ended]:
            return LabTried(failure=surroundings.safe(ended.reason), ms=ms[0])
        case _:
            return LabTried(failure=f"It said nothing within {PATIENCE:g} s.")


def system() -> System:
    """Which system, Python and netsim these are, and who we are."""
    from importlib import metadata  # 20 ms

    uid = os.geteuid() if hasattr(os, "geteuid") else None
    libraries = {}
    for name in LIBRARIES:
        try:
            libraries[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            libraries[name] = ""
    return System(
        name=platform.system(),
        release=platform.release(),
        machine=platform.machine(),
        python=platform.python_version(),
        executable=surroundings.safe(sys.executable),
        netsim=__version__,
        libraries=libraries,
        user=surroundings.safe(_user_name(uid)),
        uid=uid,
    )


def is_root() -> bool:
    """Whether this process is root's."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _collect(process: subprocess.Popen[bytes], first: CheckName) -> tuple[Told, ...]:
    """What a plan has told until its end. A step that was announced and never told failed: by a signal, or by time."""
    try:
        output, errors = process.communicate(timeout=PATIENCE)
        fate = _fate(process.returncode)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        fate = "ETIMEDOUT"
    told = []
    for line in output.splitlines():
        try:
            told.append(msgspec.json.decode(line, type=Told))
        except msgspec.DecodeError:
            break  # it was killed in the middle of it
    if not told:
        words = errors.decode("utf-8", "replace").split("\n")
        said = surroundings.safe(next((each for each in reversed(words) if each.strip()), ""))
        told.append(Told(Check(first, "fails", BEGINNING, fate, said)))
    last = told[-1].check
    if last.outcome == "untried":
        told.append(Told(Check(last.name, "fails", last.step, fate)))
    return tuple(told)


def _fate(status: int) -> str:
    try:
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"
    except ValueError:
        return f"signal {-status}"


def _by_name(told: Iterable[Told]) -> dict[CheckName, Check]:
    return {each.check.name: each.check for each in told}


def _settings(told: Iterable[Told]) -> tuple[SettingTried, ...]:
    return next((each.settings for each in told if each.settings), ())


def _user_name(uid: int | None) -> str:
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name if uid is not None else ""
    except (ImportError, KeyError):
        return ""


def _nothing() -> tuple[Told, ...]:
    return ()
