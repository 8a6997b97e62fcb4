"""What every test may use: a free port, a look for processes left behind, and honest skips."""

from __future__ import annotations

import functools
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from typing import TypeVar

import pytest

from tests import processes

AS_ROOT = os.geteuid() == 0

# A script that starts the tests in its background has these ignored, and every process started here would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
for _number in (signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(_number, signal.SIG_DFL)
NEEDS = {  # commands that a marker needs
    "needs_ss": ("ss",), "needs_tshark": ("tshark",), "needs_tmux": ("tmux",), "needs_screen": ("screen",),
    "needs_sshd": ("sshd", "ssh", "ssh-keygen", "useradd", "userdel"),
}  # fmt: skip
IN_CI = os.environ.get("NETSIM_CI") == "1"


# --- skips and deselections


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what only means something as somebody else; the summary counts it as deselected."""
    other = "as_user" if AS_ROOT else "as_root"
    taken = [item for item in items if item.get_closest_marker(other)]
    if taken:
        items[:] = [item for item in items if item not in taken]
        config.hook.pytest_deselected(items=taken)
        config.stash[_deselected] = [item.nodeid for item in taken]


_deselected = pytest.StashKey[list[str]]()


def pytest_report_header() -> str:
    strictly = "; NETSIM_CI=1: a skip is a failure" if IN_CI else ""
    return f"running as {'root' if AS_ROOT else 'an ordinary user'}{strictly}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    names = config.stash.get(_deselected, [])
    if names:
        terminalreporter.section("only for " + ("an ordinary user" if AS_ROOT else "root"))
        for name in names:
            terminalreporter.write_line(name)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name, reason in _missing().items():
        if item.get_closest_marker(name):
            pytest.skip(reason)


Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def _strict(report: Report) -> Report:
    """The report, with a skip made a failure where NETSIM_CI asks for that."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: skipped, which NETSIM_CI=1 does not allow: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _strict((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _strict((yield))


@functools.cache
def _missing() -> dict[str, str]:
    """The needs_... markers that this machine can't serve, with the reason; looked up once."""
    missing = {}
    for name, commands in NEEDS.items():
        for command in commands:
            if shutil.which(command, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin") is None:
                missing[name] = f"there is no command {command}"
    if not sys.platform.startswith("linux"):
        missing["needs_sock_diag"] = missing["needs_namespaces"] = "only Linux has it"
    elif why := _no_namespaces():
        missing["needs_namespaces"] = why
    return missing


def _no_namespaces() -> str:
    """Why user and pid namespaces can't be had; "" if they can. Tried in a fresh, single-threaded process."""
    new_user_and_pid = 0x10000000 | 0x20000000
    probe = (
        "import ctypes, os, sys; libc = ctypes.CDLL(None, use_errno=True)\n"
        f"if libc.unshare({new_user_and_pid}): sys.exit('unshare: ' + os.strerror(ctypes.get_errno()))\n"
        "open('/proc/self/setgroups', 'w').write('deny')"
    )
    tried = subprocess.run([sys.executable, "-I", "-S", "-c", probe], capture_output=True, text=True, check=False)
    return (tried.stderr.strip().splitlines() or ["it failed without a word"])[-1] if tried.returncode else ""


# --- ports

PORTS = 5000  # for each; no multiple of 3
FIRST_PORT = 10_000 if AS_ROOT else 15_000
_START = random.randrange(PORTS)
_steps = itertools.count()


@pytest.fixture
def free_port() -> int:
    """A port that netsim can have."""
    return find_free_port()


def find_free_port() -> int:
    """A port of 127.0.0.1 that is free for TCP and for UDP; it could be taken before the test comes to it.

    Below the ephemeral range, so that no client is given it by chance; one after the other, so that nobody here is
    given it again at once; and root's are others than those of ordinary users, whose tests may run at the same time.
    """
    for step in itertools.islice(_steps, PORTS):
        if is_free(port := FIRST_PORT + (_START + 3 * step) % PORTS):  # 3: who asks for one may want the next, too
            return port
    raise OSError("there is no free port")


def is_free(port: int) -> bool:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        try:
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


# --- processes


@pytest.fixture(scope="session", autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    processes.mark_what_is_started()
    yield
    assert processes.outliving(processes.started()) == []


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """None of netsim's processes that the test starts lives on after it."""
    before = processes.started()
    yield
    assert processes.outliving(each for each in processes.started() if each not in before) == []
