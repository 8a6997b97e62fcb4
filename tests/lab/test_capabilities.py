"""What a machine allows, really tried: on this one as it is, and on this one with less."""

from __future__ import annotations

import functools
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from netsim.lab import capabilities, surroundings, terminal, tries
from netsim.lab.attempts import Found, Told, attempt
from netsim.lab.capabilities import Answer, examine
from netsim.lab.steps import StepError
from netsim.model.capabilities import MACHINE, PRIVATE, Capabilities, Check, CheckName, Colours, LabTried
from netsim.model.diagnosis import Cause, Level, level, problems
from netsim.text import doctor
from tests.lab.hostkit import until
from tests.machines import failing

ROOT = Path(__file__).parent.parent.parent
AS_ROOT = os.geteuid() == 0

pytestmark = pytest.mark.usefixtures("no_leaks")
namespaces = pytest.mark.needs_namespaces


def outcomes(found: Capabilities) -> dict[str, str]:
    return {each.name: each.outcome for each in found.checks}


def causes(found: Capabilities) -> list[Cause]:
    return [each.cause for each in problems(found) if each.check]


def no_lab() -> Callable[[], LabTried]:
    return lambda: LabTried(net="host")


@functools.cache
def _no_gate() -> str:
    """Why packets can't be held on this machine at all; "" if they can."""
    held = {told.check.name: told.check for told in capabilities.start_plan("private")()}
    failed = [check for check in held.values() if check.outcome == "fails"]
    return f"{failed[0].step}: {failed[0].errno}" if failed else ""


@pytest.fixture
def gate() -> None:
    if why := _no_gate():
        pytest.skip(f"no packets are held here: {why}")


# --- this machine


@namespaces
@pytest.mark.usefixtures("gate")
def test_this_machine_allows_all_of_it() -> None:
    spaces = [os.readlink(f"/proc/self/ns/{name}") for name in ("user", "net", "pid", "pid_for_children")]
    threads, children = len(os.listdir("/proc/self/task")), _children()
    found = examine()
    assert set(outcomes(found).values()) <= {"works", "partly"}, found
    assert level(found) == "holds"
    assert found.check("held").found == "client SYN_SENT, ESTABLISHED"
    assert found.check("pid").found == "first process: 1"
    assert found.check("uid_map").found == f"{os.geteuid()} {os.geteuid()} 1"
    assert {each.name for each in found.settings} >= {"net.ipv4.tcp_early_retrans", "route 127.0.0.1/32"}
    assert found.system.uid == os.geteuid()
    assert all(found.system.libraries.values())
    # nothing of all that has happened to us
    assert [os.readlink(f"/proc/self/ns/{name}") for name in ("user", "net", "pid", "pid_for_children")] == spaces
    assert _children() == children
    until(lambda: len(os.listdir("/proc/self/task")) <= threads)  # the kernel lists one for a moment after its end


def _children() -> set[str]:
    return {each for each in Path("/proc/self/task").glob("*/children") for each in each.read_text().split()}


def test_the_machine_as_it_is_without_any_namespace() -> None:
    told = capabilities.start_plan("machine")()
    assert [each.check.name for each in told if each.check.outcome != "untried"] == list(MACHINE)
    assert [each.check for each in told if each.check.outcome == "fails"] == []


# --- the same machine, allowing less: really, and without privileges


def restricted(what: str, *arguments: str, status: int = 0) -> Capabilities:
    """What `netsim doctor` finds there, by way of its JSON."""
    command = [sys.executable, "-m", "tests.lab.restricted", what, "doctor", "--json", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr) == (status, "")
    told: dict[str, Any] = json.loads(ended.stdout)
    found = msgspec.convert(told["found"], Capabilities)
    assert told["works"] == doctor.works(found)
    assert told["level"] == level(found)
    return found


@namespaces
@pytest.mark.usefixtures("gate")
@pytest.mark.parametrize(
    ("what", "name", "errno", "cause", "can"),
    [
        ("user limit 0", "user", "ENOSPC", "user-limit", "host"),
        ("net limit 0", "net", "ENOSPC", "net-limit", "host"),
        ("pid limit 0", "pid", "ENOSPC", "pid-limit", "host"),
        ("no unshare", "user", "EPERM", "seccomp", "host"),
        ("no such unshare", "user", "ENOSYS", "seccomp", "host"),
        ("deadly unshare", "user", "SIGSYS", "seccomp", "host"),
        ("no net namespaces", "net", "EINVAL", "no-net-namespaces", "host"),
        ("no netfilter", "queue", "EPROTONOSUPPORT", "no-queue", "private"),
        ("no netfilter", "rule", "EPROTONOSUPPORT", "no-nf-tables", "private"),
        ("no sock_diag", "sock_diag", "EPROTONOSUPPORT", "no-sock-diag", "holds"),
        ("no IPv4", "tcp_info", "EAFNOSUPPORT", "no-loopback", "host"),
        ("somebody", "user", "", None, "holds"),
    ],
)
def test_a_machine_that_allows_less(what: str, name: CheckName, errno: str, cause: Cause | None, can: Level) -> None:
    found = restricted(what)
    check = found.check(name)
    assert check.errno == errno
    assert (check.outcome == "fails") == (cause is not None)
    assert level(found) == can
    assert cause in causes(found) if cause else causes(found) == []
    assert found.lab.net == ("host" if can == "host" else "private")
    if can == "host":
        assert found.lab.net_because
    if name in PRIVATE and cause:  # what needs it was left alone
        assert found.check("held").outcome == ("works" if name == "pid" else "untried")


def test_a_machine_on_which_nothing_can_be_started() -> None:
    found = restricted("no processes", status=1)
    assert level(found) == "nothing"
    assert causes(found)[0] == "no-process"
    assert "Resource temporarily unavailable" in found.lab.failure


# --- what can't be had here, played


def playing(told: dict[str, list[Told]]) -> Callable[[str], Answer]:
    return lambda plan: lambda: tuple(told.get(plan, ()))


def ubuntu(root: Path) -> Path:
    for name, value in (("apparmor_restrict_unprivileged_userns", "1"), ("unprivileged_userns_clone", "1")):
        path = root / "proc/sys/kernel" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")
    current = root / "proc/self/attr/apparmor/current"
    current.parent.mkdir(parents=True)
    current.write_text("unconfined\n")
    return root


def test_ubuntus_apparmor(tmp_path: Path) -> None:
    """It lets unshare() succeed and takes the powers away: setgroups EACCES, uid_map EPERM."""
    refused = [Told(Check("user", "works")), Told(failing("uid_map", "EACCES", "write /proc/self/setgroups"))]
    found = examine(root=ubuntu(tmp_path), start=playing({"private": refused}), lab=no_lab)
    assert causes(found) == ["apparmor"]
    assert found.surroundings.apparmor == "unconfined"
    assert any("/etc/apparmor.d/netsim" in line for line in doctor.lines(found))


def test_debians_switch(tmp_path: Path) -> None:
    (ubuntu(tmp_path) / "proc/sys/kernel/unprivileged_userns_clone").write_text("0\n")
    found = examine(root=tmp_path, start=playing({"private": [Told(failing("user", "EPERM"))]}), lab=no_lab)
    assert causes(found) == ["userns-clone"]


@pytest.mark.as_root
def test_root_tries_without_a_user_namespace_where_a_net_was_refused(tmp_path: Path) -> None:
    plans = {
        "private": [Told(failing("user", "EPERM"))],
        "without_user": [Told(Check(name, "works")) for name in PRIVATE[2:]],
    }
    found = examine(root=tmp_path, start=playing(plans), lab=no_lab)
    assert outcomes(found)["user"] == "fails"
    assert outcomes(found)["held"] == "works"


@pytest.mark.as_user
def test_an_ordinary_user_does_not(tmp_path: Path) -> None:
    plans = {"private": [Told(failing("user", "EPERM"))], "without_user": [Told(Check("net", "works"))]}
    found = examine(root=tmp_path, start=playing(plans), lab=no_lab)
    assert outcomes(found)["net"] == "untried"


def test_every_check_is_there_once_whatever_was_told() -> None:
    assert [each.name for each in capabilities.checks([], LabTried())] == list(get_args(CheckName))


# --- tries that go wrong


def test_a_step_that_hangs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    said = '{"check":{"name":"net","outcome":"untried","step":"unshare(NEWNET)"}}'
    program = f"import time; print('{said}', flush=True); time.sleep(60)"
    monkeypatch.setattr(capabilities, "PATIENCE", 0.5)
    monkeypatch.setattr(capabilities.fresh, "command", lambda *_: [sys.executable, "-c", program])
    told = capabilities.start_plan("private")()
    assert told[-1].check == Check("net", "fails", "unshare(NEWNET)", "ETIMEDOUT")


@pytest.mark.parametrize(
    ("program", "errno", "found"),
    [
        ("import sys; sys.exit('no such thing')", "exit status 1", "no such thing"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL", ""),
        ("print('this is no JSON')", "exit status 0", ""),
        (r"import sys; sys.stderr.buffer.write(b'\xff\xfe\n'); sys.exit(3)", "exit status 3", "��"),
    ],
)
def test_a_fresh_process_that_does_not_begin(
    program: str, errno: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capabilities.fresh, "command", lambda *_: [sys.executable, "-c", program])
    for plan, name in (("private", "user"), ("machine", "sock_diag"), ("without_user", "net")):
        (told,) = capabilities.start_plan(plan)()
        assert told.check == Check(name, "fails", "start a fresh Python", errno, found)  # type: ignore[arg-type]


def test_a_python_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities.fresh, "command", lambda *_: ["/nowhere/python3"])
    (told,) = capabilities.start_plan("private")()
    assert told.check.errno == "ENOENT"


def test_whatever_an_action_raises_is_told_and_the_next_goes_on() -> None:
    told: list[Told] = []

    def refuse() -> None:
        raise StepError("the third thing", 28)

    assert attempt(told.append, "user", "one", lambda: Found("fine"))
    assert not attempt(told.append, "net", "two", refuse)
    assert not attempt(told.append, "pid", "three", lambda: Found(str(1 // 0)))
    done = [each.check for each in told if each.check.outcome != "untried"]
    assert [(each.outcome, each.step, each.errno) for each in done] == [
        ("works", "one", ""), ("fails", "the third thing", "ENOSPC"), ("fails", "three", "ZeroDivisionError"),
    ]  # fmt: skip
    assert len(told) == 6  # each one announced, so that one that does not come back is known


def test_a_plan_nobody_has() -> None:
    with pytest.raises(KeyError):
        tries.main(["nonsense"])


@namespaces
def test_a_lab_that_says_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "PATIENCE", 0.0)
    monkeypatch.setattr(capabilities.LabClient, "start", lambda *_: None)
    began = time.monotonic()
    assert capabilities.start_lab()() == LabTried(failure="It said nothing within 0 s.")
    assert time.monotonic() - began < 5


# --- what is only read


def test_a_container_names_itself(tmp_path: Path) -> None:
    assert surroundings.look(tmp_path) == surroundings.Surroundings({})
    (tmp_path / "run/systemd").mkdir(parents=True)
    (tmp_path / "run/systemd/container").write_text("lxc\n")
    assert surroundings.look(tmp_path).container == "lxc"
    (tmp_path / ".dockerenv").touch()
    assert surroundings.look(tmp_path).container == "docker"


def test_what_the_kernel_says_is_read_as_it_is_and_cut(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel").mkdir(parents=True)
    (tmp_path / "proc/sys/user").mkdir()
    (tmp_path / "proc/sys/user/max_user_namespaces").write_bytes(b"\xff" * 10_000)
    (tmp_path / "proc/sys/kernel/osrelease").write_text("5.15.0-microsoft-standard-WSL2\n")
    (tmp_path / "proc/self/status").write_text("Name:\tpython3\nSeccomp:\t2\nSeccomp_filters:\t1\n")
    (tmp_path / "proc/self/mountinfo").write_text(
        "22 1 0:20 / /proc rw,nosuid - proc proc rw\n30 22 0:30 / /proc/sys ro - proc proc ro\n"
        "31 1 0:31 / /proc rw,noexec - proc proc rw,hidepid=invisible\nnonsense\n"
    )
    found = surroundings.look(tmp_path)
    assert len(found.sysctls["user.max_user_namespaces"]) == 200
    assert (found.seccomp, found.wsl, found.proc_options) == (2, True, "rw,noexec,hidepid=invisible")


@pytest.mark.parametrize(
    ("term", "colorterm", "colours"),
    [
        ("xterm-256color", "", 256), ("xterm-256color", "truecolor", 16777216), ("screen", "24bit", 16777216),
        ("xterm", "", 16), ("linux", "", 16), ("tmux-256color", "yes", 256), ("xterm-kitty", "", 256),
        ("xterm-direct", "", 16777216), ("dumb", "truecolor", 0), ("", "", 0), ("unknown", "", 0),
        ("XTERM-256COLOR ", "TrueColor", 16777216), ("-", "", 16), ("\x1b]0;evil\x07", "", 16), ("ä" * 5000, "", 16),
    ],
)  # fmt: skip
def test_colours_as_term_and_colorterm_promise(term: str, colorterm: str, colours: Colours) -> None:
    assert terminal.colours(term, colorterm) == colours


@pytest.mark.parametrize("term", ["\udcff\udcfe", "\x1b[31mred\x9b", "a" * 10_000, "\u202egnirts", "🙂", "x\ny", "\0"])
def test_a_hostile_term_is_shown_safely(term: str) -> None:
    hostile = dict.fromkeys(("TERM", "COLORTERM", "LANG", "SSH_TTY", "TMUX", "NO_COLOR"), term)
    found = examine(environ=hostile, start=playing({}), lab=no_lab)
    json.loads(doctor.as_json(found))
    assert all(line.isascii() and line.isprintable() for line in doctor.lines(found))
    assert len(found.terminal.term) <= 200 * len("\\udcff")


def test_streams_that_are_closed_or_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.TextIOWrapper(io.BytesIO())
    closed.close()
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stdout", closed)
    found = terminal.look({})
    assert (found.input, found.output, found.columns, found.rows) == (False, False, 0, 0)
