"""Where the lab lives, what it says of that, and that it goes on where namespaces are refused."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from netsim.lab import containment, linux
from netsim.lab.client import LabClient
from netsim.model.events import LabStarted
from tests.lab.endings import (
    MODES,
    ROOT,
    a_lab,
    modes,
    namespaces,
)
from tests.lab.hostkit import Lab, inner_pids, is_root

pytestmark = pytest.mark.usefixtures("no_leaks")


@modes(MODES)
def test_it_says_where_it_lives(mode: str, free_port: int) -> None:
    with a_lab(free_port, mode) as lab:
        server = lab.begin("server")
        assert lab.started.contained == (mode != "none")
        assert lab.started.contained_because == {
            "user+pid": "user and pid namespaces", "pid": "a pid namespace", "none": "not asked for",
        }[mode]  # fmt: skip
        numbers = inner_pids(server.pid)
        assert numbers[-1] == server.inner_pid
        if mode == "none":
            assert server.pid == server.inner_pid
        else:
            assert len(numbers) == len(inner_pids(os.getpid())) + 1
            assert inner_pids(lab.processes()["netsim-init"].pid)[-1] == 1
        same_user = os.readlink(f"/proc/{server.pid}/ns/user") == os.readlink("/proc/self/ns/user")
        assert same_user == (mode != "user+pid")
        assert psutil.Process(server.pid).uids() == psutil.Process().uids()
        assert os.readlink(f"/proc/{server.pid}/ns/net") == os.readlink("/proc/self/ns/net")


@namespaces
def test_unasked_it_is_contained(free_port: int) -> None:
    with Lab(LabClient(free_port)) as lab:
        assert lab.wait(LabStarted).contained


@namespaces
@pytest.mark.as_root
def test_root_stays_root_of_the_network() -> None:
    """In a user namespace it could not bind port 80 any more, nor see whose a stranger's socket is."""
    assert containment.choose("auto").because == "a pid namespace"


def refusing(monkeypatch: pytest.MonkeyPatch, refused: int, number: int) -> None:
    def unshare(flags: int) -> None:
        if flags & refused:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(linux, "unshare", unshare)


def test_a_refusal_names_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, linux.NEWUSER, 1)
    found = containment.choose("user+pid")
    assert (found.contained, found.because) == (False, "unshare(NEWUSER): EPERM")
    refusing(monkeypatch, linux.NEWUSER | linux.NEWPID, 28)
    expected = "unshare(NEWPID): ENOSPC; unshare(NEWUSER): ENOSPC" if is_root() else "unshare(NEWUSER): ENOSPC"
    assert containment.choose("auto").because == expected


@namespaces
def test_a_limit_of_the_machine_is_met_for_real() -> None:
    """user.max_user_namespaces, lowered in a user namespace of the test's own."""
    program = """
        import os, sys
        sys.path.append(sys.argv[1])
        from netsim.lab import containment, linux
        linux.unshare(linux.NEWUSER)
        for name, text in ("setgroups", "deny"), ("uid_map", f"0 {sys.argv[2]} 1"), ("gid_map", f"0 {sys.argv[3]} 1"):
            open(f"/proc/self/{name}", "w").write(text)
        open("/proc/sys/user/max_user_namespaces", "w").write("0")
        print(containment.choose("user+pid").because)
    """
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(ROOT), str(os.getuid()), str(os.getgid())],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.stdout.strip() == "unshare(NEWUSER): ENOSPC", told.stderr


@namespaces
def test_a_namespace_in_which_nothing_may_be_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ubuntu's AppArmor: unshare works, and the next step is refused; without a way back for that process."""
    really, me = linux.unshare, os.geteuid()

    def unshare(flags: int) -> None:
        really(flags)
        if flags & linux.NEWUSER:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{me} {me} 1")  # the kernel takes it once

    monkeypatch.setattr(linux, "unshare", unshare)
    found = containment.choose("user+pid")
    assert (found.contained, found.because) == (False, "/proc/self/uid_map: EPERM")
    with socket.socket():  # and we are where we were
        assert os.readlink("/proc/self/ns/user") == os.readlink(f"/proc/{os.getppid()}/ns/user")
