"""The words around `netsim shell`: the line to copy, the labs to choose from, and why there is no way in."""

from __future__ import annotations

import errno

import pytest
from msgspec.structs import replace

from netsim.model.running import Choice, RunningLab
from netsim.text import shell

LAB = RunningLab(pid=41230, host=41232, host_started=77, net="private", port=8888, age=62.4, uid=1000, user="ada")
WHO = "It is entered by the user who started it (ada), or by root."
OLDER = RunningLab(pid=502, host=504, host_started=9, net="host", port=None, age=8000, uid=0, user="")


def test_the_line_to_copy() -> None:
    assert shell.line_to_copy() == "netsim shell -- ss -tanp"
    assert shell.line_to_copy(("nc", "127.0.0.1", "8888"), lab=41230) == "netsim shell --lab 41230 -- nc 127.0.0.1 8888"
    assert shell.line_to_copy(()) == "netsim shell"
    assert shell.line_to_copy(("sh", "-c", "ss | wc"), netsim="/a b/netsim") == "'/a b/netsim' shell -- sh -c 'ss | wc'"


@pytest.mark.parametrize("command", shell.EXAMPLES)
def test_examples_fit_a_line(command: tuple[str, ...]) -> None:
    assert len(shell.line_to_copy(command)) < 60


def test_where_one_is_and_how_to_leave() -> None:
    assert "the net of lab 41230" in shell.intro(LAB)
    assert "The server has port 8888." in shell.intro(LAB)
    assert max(map(len, shell.intro(LAB).splitlines())) < 80
    assert "exit or ctrl+d leaves" in shell.intro(LAB)
    assert "The server" not in shell.intro(replace(LAB, port=None))
    assert shell.prompt(LAB) == "(netsim 41230) $ "


def test_several_to_choose_from() -> None:
    assert (
        shell.no_lab(Choice(None, (OLDER, LAB)), None, ("ss", "-t"))
        == """\
2 labs of yours are running:
  PID    PORT  NET      SINCE  USER
  502    ?     host     2 h    0
  41230  8888  private  62 s   ada
Choose one: netsim shell --lab 502 -- ss -t"""
    )


def test_none_to_choose_from() -> None:
    assert shell.no_lab(Choice(), None, ()) == (
        "No netsim of yours is running: start one in another terminal, and come back."
    )
    assert "root may go there with --lab PID:\n  PID " in shell.no_lab(Choice(others=(LAB,)), None, ())


def test_a_pid_that_is_no_lab() -> None:
    assert shell.no_lab(Choice(labs=(LAB,)), 1, ()).splitlines() == [
        "PID 1 is no running lab of yours, and in none.",
        "  PID    PORT  NET      SINCE  USER",
        "  41230  8888  private  62 s   ada",
        "Choose one: netsim shell --lab 41230",
    ]
    assert shell.no_lab(Choice(), 1, ()) == "PID 1 is no running lab of yours, and in none."


def test_the_machines_own_net() -> None:
    assert shell.in_host_net(OLDER) == (
        "Lab 502 uses the machine's own net: no shell is needed, its ports are the machine's."
    )
    assert shell.in_host_net(replace(OLDER, port=80)).endswith("port 80 is the machine's.")
    assert "no shell is needed" in shell.in_host_net()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ESRCH, "Lab 41230 has just ended."),
        (errno.ENOENT, "Lab 41230 has just ended."),
        (errno.EPERM, f"Lab 41230 can't be entered: setns(net): EPERM. {WHO}"),
        (errno.EINVAL, "Lab 41230 can't be entered: setns(net): EINVAL."),
        (99999, "Lab 41230 can't be entered: setns(net): 99999."),
    ],
)  # fmt: skip
def test_no_way_in(number: int, said: str) -> None:
    assert shell.no_way_in(LAB, "setns(net)", number) == said


def test_what_comes_from_outside_is_made_visible() -> None:
    hostile = replace(LAB, user="\x1b[31m")
    assert "\x1b" not in shell.no_lab(Choice(labs=(hostile, hostile)), None, ("\x1b",))
    assert "\x1b" not in shell.not_run("\x1b[2J", "No such file")
    assert "\x1b" not in shell.no_way_in(hostile, "open", errno.EPERM)
