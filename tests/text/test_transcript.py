"""Steps in plain words: in the order in which they happened, and with what the calls really gave back."""

from __future__ import annotations

import pytest

from netsim.model import events as e
from netsim.model.fold import fold, mark_text
from netsim.model.world import World
from netsim.story.narrator import narrate
from netsim.text.transcript import step_lines
from tests.gated import Gated
from tests.script import Script, ref


def returned(name: str, data: bytes, size: int) -> e.CallReturned:
    return e.CallReturned(
        at=0.0, who="client1", pid=1, inner_pid=1, socket=None, call=1, name=name, line=1, result="", error=None,
        microseconds=1.0, size=size, data=data,
    )  # fmt: skip


def test_a_packet_that_a_timer_sent_is_told_before_it_is_delivered() -> None:
    script = Gated()
    script.listening()
    script.connecting()
    script.drop(1)
    told = len(script.world.packets)
    script.accept("Step", "server")
    number = script.hold("SYN", seq=0, repeats=True, copy_of=1)
    script.release(number)
    lines = step_lines(script.world, told)
    assert [line.split(": ")[0] for line in lines[:2]] == ["packet 2 (held)", "packet 2"]


def test_a_call_that_slept_and_came_back_in_one_step_is_named() -> None:
    script = Script()
    script.open()
    script.begin("client1", "connect", socket=ref(3, 601))
    script.sleep("client1", "connect")
    script.come_back("client1", "connect", socket=ref(3, 601))
    assert any(line.endswith("asleep in connect()") for line in step_lines(script.world, 0))


@pytest.mark.parametrize(
    ("event", "line", "mark"),
    [
        (returned("sendto", b"", 0), "s.sendto(b'hello', ('127.0.0.1', 8888))", "'' → 0"),
        (returned("sendto", b"", 0), "s.sendto(b'', ('127.0.0.1', 8888))", "→ 0"),
        (returned("sendto", b"abc", 3), "s.sendto(b'hello', ('127.0.0.1', 8888))", "'abc' → 3"),
        (returned("sendall", b"hello", 5), "s.sendall(b'hello')", "ok"),
        (returned("sendall", b"abc", 3), "s.sendall(b'hello')", "'abc' ok"),
    ],
)
def test_the_mark_beside_a_line_that_sends(event: e.CallReturned, line: str, mark: str) -> None:
    assert mark_text(event, line) == mark


def test_the_end_of_the_lab_is_said_once() -> None:
    world = fold(World(), e.LabEnded(at=1.0, reason="The lab was ended by signal SIGKILL."))
    assert narrate(world) == "The lab was ended by signal SIGKILL."
