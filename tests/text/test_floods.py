"""A flood on the screen and in the transcript: what is not shown is counted, in the title, the table and a sentence."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from netsim.model import events as e
from netsim.model.forgetting import AT_ONCE, HOLDERS, PACKETS
from netsim.model.strangers import is_strangers, stranger
from netsim.model.timeline import Timeline
from netsim.model.views import CROWD
from netsim.model.world import World
from netsim.story.director import next_action
from netsim.story.narrator import WIDTH, narrate
from netsim.story.packets import oldest_held
from netsim.text.transcript import step_lines
from tests.gated import LISTENER, NC, OURS, Gated, strangers_end, talk
from tests.model import wire_bytes
from tests.script import HERE, at
from tests.text.test_strangers import drawn

TITLE, TABLE, WHY = 0, 16, 21


@pytest.fixture
def script() -> Gated:
    """Our two programs: the server stands before accept(), the client before connect()."""
    script = Gated()
    script.listening()
    return script


def title(world: World, columns: int = 80) -> str:
    return drawn(world, columns)[TITLE]


def opened(script: Gated) -> None:
    script.accept("OpenGate", "")
    script.add(e.GateOpened(at=script.now))


@pytest.mark.parametrize(
    ("passed", "lost", "words"),
    [
        (3_214, 0, "private net · packets seen passing · 3,214 not shown"),
        (32_110, 67_890, "private net · seen passing · 100,000 not shown"),
        (1_032_110, 8_967_890, "private net · seen passing · 10,000,000 not shown"),
        (0, 99_000, "private net · packets seen passing · 99,000 dropped"),
    ],
)
def test_the_title_says_what_the_open_gate_did_not_show(script: Gated, passed: int, lost: int, words: str) -> None:
    opened(script)
    if lost:
        script.add(e.PacketsMissed(at=script.now, unread=lost, too_many=0))
    if passed:
        script.add(e.PacketsLeftOut(at=script.now, count=passed))
    assert words in title(script.world)
    assert narrate(script.world).startswith("A flood: ")
    assert narrate(script.world).endswith(".")
    assert len(narrate(script.world)) <= WIDTH


def test_on_a_wide_screen_there_is_room_for_both(script: Gated) -> None:
    opened(script)
    script.add(e.PacketsMissed(at=script.now, unread=67_890, too_many=0))
    script.add(e.PacketsLeftOut(at=script.now, count=32_110))
    assert "packets seen passing · 32,110 packets not shown, 67,890 lost" in title(script.world, 120)
    assert narrate(script.world) == "A flood: 32,110 packets not shown, 67,890 lost: too many to be read."


def test_the_closed_gate_says_what_it_dropped_and_how_to_let_it_pass(script: Gated) -> None:
    script.add(e.PacketsMissed(at=script.now, unread=5, too_many=99_995))
    assert "packets held · 100,000 packets dropped" in title(script.world)
    assert narrate(script.world) == "A flood: the gate is full and has dropped 100,000 packets. o lets all pass."


def test_a_flood_is_not_talked_of_any_more_once_something_else_has_happened(script: Gated) -> None:
    opened(script)
    script.add(e.PacketsLeftOut(at=script.now, count=1))
    assert narrate(script.world) == "A flood: 1 packet passed and is not shown. All of ours are shown."
    script.call("client1", "connect", socket=None)
    assert "flood" not in narrate(script.world)
    assert "packets seen passing · 1 not shown" in title(script.world)


def test_where_ours_are_too_many_it_does_not_say_that_all_are_shown(script: Gated) -> None:
    opened(script)
    script.add(e.PacketsLeftOut(at=script.now, count=900, ours=900))
    assert narrate(script.world) == "A flood: 900 packets passed and are not shown."


def test_the_table_says_how_many_rows_it_has_not(script: Gated) -> None:
    script.add(e.SocketsObserved(at=script.now, sockets=(LISTENER,), left_out=9_999))
    assert drawn(script.world)[TABLE].endswith(" 1 row, 9,999 more not shown ─")
    assert "9,999 more sockets of other programs: not shown" in step_lines(script.world, 0)
    script.kernel(LISTENER)
    assert drawn(script.world)[TABLE].endswith(" 1 row ─")


def test_a_stranger_whose_socket_is_not_listed_is_not_said_to_have_closed_it(script: Gated) -> None:
    script.stranger_calls()
    script.add(e.SocketsObserved(at=script.now, sockets=(LISTENER,), left_out=9_999))
    known = stranger(script.world, talk(NC))
    assert known.unlisted
    assert known.holds
    screen = "\n".join(drawn(script.world))
    assert "not among the sockets shown" in screen
    assert "closed" not in screen


def test_the_ladder_does_not_call_a_part_all(script: Gated) -> None:
    script.stranger_calls()
    assert "1 packet " in drawn(script.world)[9]
    script.add(e.PacketsLeftOut(at=script.now, count=5))
    assert "1 packet shown" in drawn(script.world)[9]


def test_the_transcript_tells_the_last_count_only(script: Gated) -> None:
    opened(script)
    for count in (10, 20, 30):
        script.add(e.PacketsLeftOut(at=script.now, count=count))
    lines = [line for line in step_lines(script.world, 0)[:-1] if "flood" in line]
    assert lines == ["A flood: 30 packets passed and are not shown. All of ours are shown."]


def test_the_transcript_tells_the_first_of_a_crowd_and_all_of_ours(script: Gated) -> None:
    crowd(script, 40)
    script.begin("client1", "connect")
    script.hold("SYN", seq=0)
    ends = [strangers_end("ESTABLISHED", client=50_000 + number, inode=9_000 + number) for number in range(40)]
    script.kernel(LISTENER, OURS, *ends)
    lines = step_lines(script.world, 0)
    assert sum(line.startswith("packet") for line in lines) == CROWD + 1
    assert "packet 41 (held): client to server, SYN seq=0" in lines
    assert "and 32 more packets of other programs" in lines
    assert "and 32 more rows of other programs" in lines
    assert any(line.startswith("port 51324/tcp SYN_SENT") for line in lines)


# --- the story goes on with our programs


def crowd(script: Gated, count: int = CROWD + 2) -> None:
    ends = [strangers_end("SYN_SENT", client=50_000 + number, inode=9_000 + number) for number in range(count)]
    for number in range(count):
        script.hold("SYN", seq=0, client=50_000 + number)
    script.kernel(LISTENER, *ends)


def turn_to_ours(script: Gated) -> None:
    script.add(e.FocusMoved(at=script.now, who="client1"))


def test_a_few_strangers_are_stepped_like_ours(script: Gated) -> None:
    crowd(script, 2)
    turn_to_ours(script)
    assert next_action(script.world).packet == 1


def test_in_a_crowd_our_client_once_chosen_stays_in_focus_and_goes_on(script: Gated) -> None:
    crowd(script)
    assert script.world.focus.stranger is not None
    turn_to_ours(script)
    script.hold("SYN", seq=0, client=60_000)
    assert script.world.focus.stranger is None
    assert [command.who for command in next_action(script.world).commands if hasattr(command, "who")] == ["client1"]
    script.begin("client1", "connect")
    ours = script.hold("SYN", seq=0)
    script.kernel(LISTENER, OURS)
    script.sleep("client1", "connect")
    held = oldest_held(script.world)
    assert held is not None
    assert held.number == ours
    assert next_action(script.world).packet == ours


def test_where_nothing_of_ours_is_left_a_crowds_packets_are_delivered(script: Gated) -> None:
    crowd(script)
    turn_to_ours(script)
    for who in ("server", "client1"):
        script.exit(who, 0)
    assert next_action(script.world).packet == 1


# --- a world stays small


def flooded(events: Iterable[e.AnyEvent], seen: int) -> Timeline:
    timeline = Timeline()
    for event in events:
        timeline.append(event)
    for number in range(2, seen + 2):
        port = 20_000 + number % 300
        raw = wire_bytes.tcp((HERE, port), (HERE, 8888), "SYN", seq=number)
        timeline.append(e.PacketSeen(at=9.0, number=number, raw=raw, conversation=talk(port), sender="client"))
    return timeline


def test_of_packets_the_oldest_strangers_are_forgotten_and_ours_are_kept(script: Gated) -> None:
    script.connecting()
    (ours,) = script.world.packets
    world = flooded(script.events, PACKETS + 2 * AT_ONCE).now
    assert PACKETS - AT_ONCE < len(world.packets) <= PACKETS
    assert world.packet_count == PACKETS + 2 * AT_ONCE + 1
    assert world.packets[0] == ours
    assert not is_strangers(world, ours.conversation)
    assert world.packets_after(world.packet_count - 5) == world.packets[-5:]
    assert len(world.changed) <= PACKETS + 100


def test_who_had_a_port_is_not_remembered_for_ever(script: Gated) -> None:
    script.connecting()
    for first in range(0, 3 * HOLDERS, 50):
        ends = [strangers_end("ESTABLISHED", client=1025 + first + n, inode=9_000 + first + n) for n in range(50)]
        script.kernel(LISTENER, OURS, *ends)
        script.psutil(*(e.Owner("tcp", each.local, at(8888), "ESTABLISHED", 41_299, "nc") for each in ends))
    world = script.world
    assert len(world.remembered) <= HOLDERS
    assert any(key.port == OURS.local.port for key in world.remembered)
    assert any(key.port == 8888 for key in world.remembered)


def test_of_large_events_fewer_are_kept() -> None:
    timeline = Timeline(1000, 16)
    ends = tuple(strangers_end("SYN_SENT", client=20_000 + number, inode=number + 1) for number in range(200))
    for number in range(400):
        timeline.append(e.SocketsObserved(at=float(number), sockets=ends[number % 7 :]))
    assert len(timeline) == 400
    assert len(timeline.events) <= 32
    assert timeline.at(timeline.first).at == float(timeline.first - 1)
