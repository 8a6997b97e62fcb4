"""The gate's rules, told as stories in the language of `gate_script`: traffic as a kernel makes it, and the orders."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsim.model import copies, gate_rules
from netsim.model.gate_rules import GateRules
from netsim.model.happenings import Dropped, Held, Released, Seen
from tests.model.gate_script import Script, packet
from tests.model.gate_stories import STORIES


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_a_story(story: str) -> None:
    script = Script()
    lines = [line.partition("=>") for line in story.splitlines() if line.strip()]
    played = [f"{line.strip()} => {script.play(line.strip())}" for line, _, _ in lines]
    assert played == [f"{line.strip()} => {expected.strip()}" for line, _, expected in lines]


PLACES = [
    ("C SYN seq=0", "client", 0, None),
    ("S SYN ACK seq=0 ack=1", "server", 0, 1),
    ("C ACK seq=1 ack=1", "client", 1, 1),
    ("C PSH ACK seq=1 ack=1 len=19", "client", 1, 1),
    ("S ACK seq=1 ack=20", "server", 1, 20),
]


def test_packets_have_their_conversation_and_relative_numbers() -> None:
    rules = GateRules(is_open=True)
    for number, (line, sender, seq, ack) in enumerate(PLACES, 1):
        (seen,) = rules.arrive(number, packet(line)).happenings
        assert isinstance(seen, Seen)
        assert (seen.packet.number, seen.packet.sender, seen.packet.seq, seen.packet.ack) == (number, sender, seq, ack)
        assert seen.packet.conversation is not None
        assert str(seen.packet.conversation.server) == "127.0.0.1:8888"
        assert seen.packet.raw == packet(line)


# --- whatever comes


LINES = [line.partition("=>")[0].strip() for story in STORIES.values() for line in story.splitlines() if line.strip()]
TRAFFIC = [line for line in LINES if not line.startswith(("release", "drop"))]
ORDERS = [f"{order} {number}" for order in ("release", "drop") for number in range(1, 31)]
INPUTS = st.sampled_from(TRAFFIC) | st.sampled_from(ORDERS)


@given(st.lists(INPUTS, max_size=60))
def test_every_packet_gets_one_verdict_at_most_and_held_means_none_yet(lines: list[str]) -> None:
    rules, arrived, judged, shown = GateRules(), 0, [], {}
    for line in lines:
        word, _, number = line.partition(" ")
        if word in ("release", "drop"):
            if int(number) not in rules.held:
                continue
            outcome = rules.release(int(number)) if word == "release" else rules.drop(int(number))
        elif word in ("open", "close"):
            outcome = rules.open() if word == "open" else rules.close()
        elif word == "lose":
            continue
        else:
            arrived += 1
            outcome = rules.arrive(arrived, packet(line))
        judged += [verdict.id for verdict in outcome.verdicts]
        for each in outcome.happenings:
            match each:
                case Held(packet=held):
                    shown[held.number] = "held"
                case Seen(packet=seen):
                    shown[seen.number] = "seen"
                case Released(number=one) | Dropped(number=one):
                    assert shown.pop(one) == "held"
        assert {one for one, how in shown.items() if how == "held"} == set(rules.held)
        assert not (rules.is_open and rules.held)
    judged += [verdict.id for verdict in rules.release_all().verdicts]
    assert sorted(judged) == list(range(1, arrived + 1))


# --- bounds


def test_a_flood_does_not_fill_the_memory() -> None:
    rules = GateRules(is_open=True)
    clients = 5 * gate_rules.CONNECTIONS
    tracemalloc.start()
    for number in range(clients):
        rules.arrive(number, packet(f"C{number + 1} SYN seq=0"))
    for number in range(20 * copies.SEGMENTS):
        rules.arrive(number, packet(f"C PSH ACK seq={1 + number} ack=1 len=1"))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 4 << 20


def test_more_than_can_be_held_is_thrown_away_and_counted() -> None:
    script = Script()
    assert script.play("C SYN seq=0") == "held 1"
    for number in range(2, gate_rules.MOST_HELD + 1):
        assert script.play("C udp len=1") == f"held {number}"
    assert script.play("C udp len=1") == f"-{gate_rules.MOST_HELD + 1}, overrun 1"
    assert script.play("C2 SYN seq=0") == f"-{gate_rules.MOST_HELD + 2}, overrun 2"
    assert script.play("C SYN seq=0") == "copy 1 x1"
    script.play("release 2")
    assert script.play("C2 SYN seq=0") == f"held {gate_rules.MOST_HELD + 1}"  # nothing was shown of it before
    assert script.rules.overruns == 2


def test_of_a_long_stream_the_old_segments_are_still_known_to_be_sent_again() -> None:
    script = Script(is_open=True)
    script.play("C SYN seq=0")
    for number in range(2 * copies.SEGMENTS):
        assert "again" not in script.play(f"C PSH ACK seq={1 + number} ack=1 len=1")
    assert script.play("C PSH ACK seq=1 ack=1 len=1").endswith("again")


def test_a_connection_of_which_something_is_held_is_not_forgotten() -> None:
    script = Script()
    assert script.play("C SYN seq=0") == "held 1"
    script.play("open")
    script.play("close")
    assert script.play("S SYN ACK seq=0 ack=1") == "held 2"
    for number in range(2 * gate_rules.CONNECTIONS):
        script.play(f"C{number + 2} SYN seq=0")
        script.play(f"release {number + 3}")
    assert script.play("C SYN seq=0").endswith("echo 1 x1")
