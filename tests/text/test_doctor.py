"""The doctor's words: for a student first, an administrator second; and in any terminal."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from netsim.model.capabilities import MACHINE, PRIVATE, Check, CheckName, LabTried, SettingTried
from netsim.model.diagnosis import Cause
from netsim.text import doctor
from netsim.text.advice import advice
from tests.machines import ALLOWS_ALL, TERMINAL, failing, where

HOST = where(failing("user", "ENOSPC"), sysctls={"user.max_user_namespaces": "0"})
# Words that a fifteen-year-old has no use for.
JARGON = ("unshare", "sysctl", "nfnetlink", "netlink", "seccomp", "namespace(", "CONFIG_", "sudo", "EPERM", "/proc/sys")


def test_a_machine_that_allows_everything() -> None:
    assert (
        "\n".join(doctor.lines(ALLOWS_ALL))
        == """\
netsim 0.1.0 on Linux 6.18.44, x86_64
as ada (uid 1000), with Python 3.11.7, textual 8.2.8, psutil 7.2.2, msgspec
0.22.0

You can use all of netsim: real packets are held until you let them go.

TRIED JUST NOW, IN PROCESSES OF THEIR OWN
  ok  user namespace      unshare(NEWUSER)
  ok  yourself in it      write uid_map (1000 1000 1)
  ok  network namespace   unshare(NEWNET)
  ok  pid namespace       unshare(NEWPID) and fork() (first process: 1)
  ok  its loopback        bring the loopback up
  ok  patient timers      write the settings (18 of 18 set)
  ok  packet queue        queue 0: bind
  ok  rule that fills it  nft rule (nft queue: inet)
  ok  a packet, held      hold a handshake and release it (client SYN_SENT,
                          ESTABLISHED)
  ok  kernel's sockets    list the sockets over netlink (12 sockets)
  ok  TCP's counters      getsockopt(TCP_INFO) (280 bytes)
  ok  whose a port is     psutil.net_connections() (12 sockets, 3 with a PID)
  ok  processes           read /proc (120 processes seen)
  ok  a whole lab         start a lab with --net auto (private)

THIS TERMINAL
  ok  terminal            input and output
  ok  size                80 columns, 24 rows
  ok  colours             256, by TERM=xterm-256color
  ok  letters             utf-8, locale C.UTF-8
  ok  line                local, as far as can be seen

--net auto takes the private net: a lab that was started just now came up in
it, in 62 ms. It holds packets by nft's own queue expression. When netsim ends,
the kernel ends whatever is left in the lab."""
    )


def test_the_student_comes_first_and_the_administrator_second() -> None:
    shown = doctor.lines(HOST)
    at = {word: next(i for i, line in enumerate(shown) if word in line) for word in (
        "You can use netsim", "inferred, not held", "A net of your own takes a user namespace", "To hold packets",
        "NO  user namespace", "FOR WHOEVER", "$ sudo sysctl -w user.max_user_namespaces=10000", "Cost:",
        "--net auto takes the host net",
    )}  # fmt: skip
    assert list(at.values()) == sorted(at.values())
    assert "A private net is refused: unshare(NEWUSER): EPERM" in " ".join(shown[-4:])


@pytest.mark.parametrize("cause", get_args(Cause))
def test_every_cause_has_advice(cause: Cause) -> None:
    words = advice(cause, HOST)
    assert words.student.endswith((".", "TERM=xterm-256color"))
    assert not [word for word in JARGON if word in words.student]
    for line in words.administrator:
        assert line == line.rstrip()
        assert line.isascii()
    commands = [line for line in words.administrator if line.startswith("$ ")]
    changes = [line for line in commands if "sudo" in line and not any(only in line for only in ("dmesg", "lsns"))]
    if any("docker run" in line or "sysctl -w" in line or "modprobe" in line for line in changes):
        assert any("Cost:" in line for line in words.administrator)


@pytest.mark.parametrize("name", [*PRIVATE, *MACHINE, "lab"])
def test_a_failure_shows_step_and_errno(name: CheckName) -> None:
    shown = " ".join(" ".join(doctor.lines(where(failing(name, "EPERM", "the last thing done")))).split())
    assert "the last thing done: EPERM (not permitted)" in shown


def test_settings_that_were_skipped_are_named() -> None:
    older = Check("calm", "partly", "write net.ipv4.tcp_rto_max_ms", "ENOENT", "17 of 18 set")
    found = replace(
        where(older, lab=ALLOWS_ALL.lab), settings=(SettingTried("net.ipv4.tcp_rto_max_ms", "3000", "ENOENT"),)
    )
    assert "                          without net.ipv4.tcp_rto_max_ms (ENOENT)" in doctor.lines(found)


def test_modules_that_can_not_be_loaded_any_more() -> None:
    locked = where(failing("queue", "EINVAL"), sysctls={"kernel.modules_disabled": "1"})
    assert "kernel.modules_disabled is 1" in " ".join(doctor.lines(locked))


def test_without_a_lab_it_says_why() -> None:
    found = where(failing("lab", ""), lab=LabTried(failure="The lab was ended by signal SIGKILL."))
    assert not doctor.works(found)
    assert " ".join(doctor.lines(found)).endswith("The lab was ended by signal SIGKILL.")


def test_a_hidden_proc_gets_its_own_advice() -> None:
    around = replace(ALLOWS_ALL.surroundings, proc_options="rw,hidepid=invisible")
    found = replace(where(Check("psutil", "partly")), surroundings=around)
    assert any("remount,hidepid=0" in line for line in doctor.lines(found))


def test_another_system() -> None:
    mac = replace(ALLOWS_ALL.system, name="Darwin", uid=501)
    checks = tuple(Check(each.name) if each.name in PRIVATE else each for each in ALLOWS_ALL.checks)
    shown = doctor.lines(replace(ALLOWS_ALL, system=mac, checks=checks, lab=LabTried(net="host")))
    assert "  --  user namespace      only Linux has it" in shown


def test_over_ssh_with_256_colours_it_says_how_to_have_more() -> None:
    shown = " ".join(doctor.lines(replace(ALLOWS_ALL, terminal=replace(TERMINAL, ssh=True, multiplexer="tmux"))))
    assert "over SSH, in tmux" in shown
    assert "SendEnv=COLORTERM" in shown


def test_json_is_complete() -> None:
    told = json.loads(doctor.as_json(HOST))
    assert set(told) == {"works", "level", "problems", "found"}
    assert told["level"] == "host"
    assert [each["name"] for each in told["found"]["checks"]] == list(get_args(CheckName))
    (problem,) = told["problems"]
    assert (problem["cause"], problem["check"]) == ("user-limit", "user")
    assert problem["student"]
    assert problem["administrator"]


ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(ANYTHING, ANYTHING)
def test_whatever_a_machine_says_it_is_shown_safely(said: str, other: str) -> None:
    checks = tuple(Check(name, "fails", said, other, said) for name in get_args(CheckName))
    terminal = replace(TERMINAL, term=said, colorterm=other, encoding=said, locale=other)
    lab = LabTried(net="private", net_because=said, gate=other, gate_because=said, failure=said)
    found = replace(
        ALLOWS_ALL, checks=checks, terminal=terminal, lab=lab, settings=(SettingTried(said, other, said),),
        system=replace(ALLOWS_ALL.system, user=said, release=other, libraries={said: other}),
    )  # fmt: skip
    for line in doctor.lines(found):
        assert line.isascii()
        assert line.isprintable()
        assert len(line) <= doctor.WIDTH or line.startswith(("    $ ", "        "))
    assert json.loads(doctor.as_json(found))["found"]["terminal"]["term"] == said
    assert doctor.as_json(found).isascii()
