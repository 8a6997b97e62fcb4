"""A recording as text: calls and packets in one list, in their order, readable anywhere."""

from __future__ import annotations

import re

from netsim.files.recording import load
from netsim.files.replay import bundled
from netsim.model import events as e
from netsim.text.charset import ASCII, UNICODE
from netsim.text.handout import handout
from tests.model.test_inference_properties import recorded
from tests.script import Script

INFERRED = [Script().events[0], *recorded("main")]


def story() -> list[e.AnyEvent]:
    return load(bundled()["handshake"])


def test_calls_and_packets_stand_in_the_order_in_which_they_happened() -> None:
    told = "\n".join(handout(story(), UNICODE))
    wanted = [
        "private net, port 8888, Linux, Python 3; packets were held at a gate",
        "client: PID 4905 runs tcp_client.py",
        "[3]\n",
        "  1.716 s  server: s.bind(('127.0.0.1', 8888))   ok",
        "port 8888/tcp CLOSE: PID 4904 (server)",
        "why: bind(): port 8888 is claimed.",
        "  2.728 s  packet 1 (held): client to server, SYN seq=0",
        "client: asleep in connect()",
        "  3.118 s  packet 1: delivered",
        "packet 2 (held): server to client, SYN-ACK seq=0 ack=1",
        "port 8888/tcp SYN_RECV with port 54858: no PID: the kernel's",
        "client: s.connect(('127.0.0.1', 8888))   ok",
        "server: conn, addr = s.accept()   → fd 4",
        "server printed: hello",
        "client: PID 4905 has ended",
        "port 54858/tcp TIME_WAIT with port 8888: no PID: the kernel's",
    ]
    places = [told.find(each) for each in wanted]
    assert -1 not in places, wanted[places.index(-1)]
    assert places == sorted(places)


def test_every_call_and_every_packet_is_there_once() -> None:
    lines = list(handout(story(), UNICODE))
    calls = sum(isinstance(event, e.CallReturned) for event in story())
    assert sum(bool(re.search(r" (client|server): .*   (ok|→ .+)$", line)) for line in lines) == calls
    assert [line for line in lines if re.search(r"packet \d+ \(held\)", line)] != []
    for number in range(1, 12):
        assert sum(f"packet {number} (held)" in line for line in lines) == 1


def test_ascii_is_ascii() -> None:
    lines = list(handout(story(), ASCII))
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert any("> fd 4" in line for line in lines)


def test_inferred_packets_are_named_so() -> None:
    lines = list(handout(INFERRED, UNICODE))
    assert "packets were inferred from the kernel's counters" in lines[0]
    assert any("packet 1 (inferred): client to server, SYN seq=0" in line for line in lines)


def test_what_a_hostile_recording_says_is_spelled_out() -> None:
    script = Script()
    script.open()
    script.add(
        e.ProgramPrinted(at=1.0, who="server", pid=41233, inner_pid=3, stream="stdout", text="\x1b[2J\u202ehi\n")
    )
    script.add(e.LabEnded(at=2.0, reason="\x1b]0;title\x07"))
    told = "\n".join(handout(script.events, UNICODE))
    assert r"server printed: \x1b[2J\u202ehi" in told
    assert r"the lab has ended: \x1b]0;title\x07" in told
    assert "\x1b" not in told


def test_a_second_lab_begins_anew() -> None:
    lines = list(handout(story() + story(), UNICODE))
    half = len(lines) // 2
    assert lines[:half] == lines[half:]
