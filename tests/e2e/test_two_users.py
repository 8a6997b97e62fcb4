"""Several users of one machine, each with a private net: nobody sees or disturbs another's, nor their own other one."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from tests.e2e.ssh_server import install
from tests.lab.netkit import by_proc

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces, pytest.mark.as_root]

ANYBODY = 40_000 + os.getpid() % 20_000  # a user who has no name, and no other netsim
PATIENCE = 60.0
HELD = ["client SYN_SENT", "server LISTEN"]
PASSED = ["client ESTABLISHED", "server ESTABLISHED", "server LISTEN"]  # where packets can't be held
NO_WAY_IN = 125
PAIR = {"netsim-server", "netsim-client1"}


class Sitting(NamedTuple):
    """One running netsim, and the processes below it by name."""

    screen: subprocess.Popen[bytes]
    family: dict[str, psutil.Process]

    @property
    def lab(self) -> int:
        return self.family["netsim-lab"].pid

    @property
    def server(self) -> int:
        return self.family["netsim-server"].pid


@pytest.fixture(scope="module")
def netsim() -> Iterator[Path]:
    """The command, where everybody may run it."""
    with tempfile.TemporaryDirectory(prefix="netsim-everybody-") as folder:
        command = install(Path(folder), "nobody")
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        yield command


def as_user(uid: int, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(each) for each in command], user=uid, group=uid, extra_groups=[], cwd="/", stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE:g} s for {what}"
        time.sleep(0.05)


@pytest.fixture
def three(netsim: Path) -> Iterator[list[Sitting]]:
    """Root's, and two of one ordinary user's; each has its client call port 8888."""
    screens = [
        subprocess.Popen(
            [str(netsim), "--plain", "--net", "private"], user=uid, group=uid, extra_groups=[], cwd="/",
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for uid in (os.getuid(), ANYBODY, ANYBODY)
    ]  # fmt: skip
    try:
        sittings = []
        for screen in screens:
            until(lambda pid=screen.pid: family_of(pid).keys() >= PAIR, "its programs")  # type: ignore[misc]
            assert screen.stdin is not None
            screen.stdin.write(b"connect\n")
            screen.stdin.flush()
        for screen in screens:
            sittings.append(Sitting(screen, family_of(screen.pid)))
            until(lambda pid=sittings[-1].server: by_proc(pid) in (HELD, PASSED), "a call")  # type: ignore[misc]
        yield sittings
    finally:
        for screen in screens:
            assert screen.stdin is not None
            screen.stdin.close()
        for screen in screens:
            screen.wait(PATIENCE)


def family_of(pid: int) -> dict[str, psutil.Process]:
    found = {}
    for each in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # who only tries something out ends at once
            found[each.name()] = each
    return found


def test_each_is_alone_with_its_8888(three: list[Sitting], netsim: Path) -> None:
    root, mine, other = three
    assert len({os.readlink(f"/proc/{each.server}/ns/net") for each in three}) == len(three)
    assert all(by_proc(each.server) in (HELD, PASSED) for each in three)  # one server and its own client, no more

    # Their own two are told apart; root's is not among them.
    ended = as_user(ANYBODY, netsim, "shell", "--", "true")
    assert ended.returncode == NO_WAY_IN
    assert {int(each) for each in re.findall(r"^ +(\d+) ", ended.stdout + ended.stderr, re.M)} == {mine.lab, other.lab}
    ended = as_user(ANYBODY, netsim, "shell", "--lab", str(root.lab), "--", "true")
    assert ended.returncode == NO_WAY_IN
    assert ended.stderr.startswith(f"PID {root.lab} is no running lab of yours, and in none.\n")
    assert as_user(ANYBODY, netsim, "shell", "--lab", str(mine.lab), "--", "true").returncode == 0


def test_nobody_reaches_into_another_users(three: list[Sitting]) -> None:
    root, mine, _ = three
    for process in root.family.values():
        for attempt in (f"kill -0 {process.pid}", f"ls /proc/{process.pid}/fd", f"cat /proc/{process.pid}/environ"):
            assert as_user(ANYBODY, "sh", "-c", attempt).returncode != 0, attempt
        assert as_user(ANYBODY, "readlink", f"/proc/{process.pid}/ns/net").returncode != 0
    assert as_user(ANYBODY, "sh", "-c", f"kill -0 {mine.server}").returncode == 0  # their own they may


def test_when_one_ends_the_others_go_on(three: list[Sitting]) -> None:
    root, mine, other = three
    assert mine.screen.stdin is not None
    mine.screen.stdin.close()
    mine.screen.wait(PATIENCE)
    until(lambda: not psutil.pid_exists(mine.server), "the end of the first")
    for each in (root, other):
        assert by_proc(each.server) in (HELD, PASSED)
        assert each.screen.poll() is None
