"""The port table on the real screen: its cursor, what proves a row, and the machine's table, with real sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from tests.e2e.netsim_terminal import Netsim

pytestmark = pytest.mark.usefixtures("no_leaks")


@pytest.fixture
def netsim(free_port: int) -> Iterator[Netsim]:
    """A netsim whose server listens, with the cursor on that row."""
    with Netsim(free_port, "--no-animation") as netsim:
        netsim.wait_for_start()
        netsim.space_until("LISTEN")
        netsim.wait_for(rf" {free_port}/tcp +LISTEN +- +\d+")
        netsim.press("tab", "tab")
        netsim.wait_for(r"\[\S+/tcp\]")
        yield netsim


@pytest.mark.needs_ss
def test_a_row_is_proved_by_what_the_system_s_own_commands_print(netsim: Netsim) -> None:
    server = netsim.pid_of("server")
    netsim.press("enter")
    netsim.wait_for(rf"\$ ss -tlnop 'sport = :{netsim.port}'")
    netsim.wait_for(rf"127\.0\.0\.1:{netsim.port}")
    for _ in range(4):  # the last one is ps: who has that PID
        netsim.press("down")
    netsim.wait_for(rf"► \$ ps -o pid,lstart,comm -p {server}")
    netsim.wait_for(rf"{server} .* netsim-server")
    netsim.press("escape")
    netsim.wait_for(r"\[\S+/tcp\]")


@pytest.mark.needs_sock_diag
def test_the_machines_table_has_the_lab_and_everybody_else(netsim: Netsim) -> None:
    server = netsim.pid_of("server")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        netsim.press("p", "/")
        netsim.wait_for("FILTER")
        netsim.type(f":{port}\r")
        netsim.wait_for(rf"{port}/tcp\W +127\.0\.0\.1 +LISTEN +- +{os.getpid()}")
        netsim.press("escape")  # alone: with another key behind it, it would be alt
        netsim.wait_gone(r"/ :\d+ ")
        netsim.press("/")
        netsim.wait_for("FILTER")
        netsim.type(f":{netsim.port} listen\r")
        netsim.wait_for(rf"{netsim.port}/tcp.*LISTEN +- +{server} +server")
    netsim.press("p")
    netsim.wait_for("tab back")
    netsim.wait_for(r"\[\S+/tcp\]")
