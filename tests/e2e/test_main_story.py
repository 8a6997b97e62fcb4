"""The main job, end to end: a person, a terminal, two real programs, and what `ss` says about them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.e2e.netsim_terminal import ENDS, QUICKLY, WIRES, Netsim, Socket, ss, tells_every_call

pytestmark = [pytest.mark.needs_ss, pytest.mark.needs_sock_diag, pytest.mark.usefixtures("no_leaks")]


@pytest.fixture
def netsim(free_port: int, request: pytest.FixtureRequest) -> Iterator[Netsim]:
    """netsim at its start, with what a test's parameter adds to its command line."""
    with Netsim(free_port, *([request.param] if hasattr(request, "param") else [])) as terminal:
        terminal.wait_for_start()
        yield terminal


def test_space_plays_the_whole_story(netsim: Netsim) -> None:
    told: list[str] = []
    seen: set[tuple[str, str]] = set()
    for announced in netsim.walk_the_story():
        netsim.compare_with_ss()
        seen |= {(each.transport, each.state) for each in netsim.sockets()}
        told.append(f"{announced} | {netsim.why}")
    assert seen >= {("tcp", "LISTEN"), ("tcp", "ESTABLISHED"), ("tcp", "TIME_WAIT"), ("udp", "-")}
    tells_every_call(told)
    assert "INFERRED" in netsim.lines()[WIRES]


def test_connect_send_close_and_datagram_from_cold(netsim: Netsim) -> None:
    netsim.press("c")
    netsim.wait_for(r"connect\(\('127\.0\.0\.1', \d+\)\) +ok")
    netsim.wait_quiet()
    netsim.compare_with_ss()
    client = netsim.pid_of("client")
    assert [(each.state, each.pid) for each in ss(netsim.port) if each.peer == netsim.port] == [("ESTABLISHED", client)]

    netsim.press("s")
    netsim.wait_quiet()
    netsim.type("a port is a door")
    netsim.press("enter")
    netsim.wait_for(r"s\.send\(.*→ 16")
    netsim.wait_quiet()
    netsim.compare_with_ss()

    netsim.press("x")
    netsim.wait_for(r"s\.close\(\) +ok")
    netsim.wait_quiet()
    netsim.compare_with_ss()
    assert client not in {each.pid for each in ss(netsim.port, {client})}

    netsim.press("u")
    netsim.wait_quiet()
    netsim.press("enter")
    netsim.wait_until(lambda: re.search(r"UDP .*\b1 packet ", netsim.lines()[WIRES]), "one datagram")
    netsim.wait_quiet()
    netsim.compare_with_ss()
    assert ("udp", netsim.port) in {(each.transport, each.port) for each in ss(netsim.port)}


@pytest.mark.parametrize("netsim", [QUICKLY], indirect=True)
def test_restart_keeps_the_port_and_changes_the_pid_ten_times(netsim: Netsim) -> None:
    netsim.space_until(r"LISTEN")
    pids = [netsim.pid_of("server")]
    for _ in range(10):
        netsim.press("r")
        netsim.wait_until(lambda: netsim.pid_of("server") not in pids, "another PID")
        pids.append(netsim.pid_of("server"))
        listening = Socket("tcp", netsim.port, "LISTEN", None, pids[-1])
        netsim.wait_until(lambda: listening in netsim.sockets(), f"{listening} in the table")  # noqa: B023
        netsim.wait_quiet()
        netsim.compare_with_ss()
        assert listening in ss(netsim.port)
    assert len(set(pids)) == 11


def test_nothing_is_written_while_nothing_happens(netsim: Netsim) -> None:
    assert netsim.bytes_during(2) == 0
    netsim.space_until(r"ESTABLISHED")
    netsim.wait_quiet(0.5)
    assert netsim.bytes_during(2) == 0
    netsim.wait_until(lambda: "ESTABLISHED" in netsim.lines()[ENDS], "the state of the ends", 0.1)
