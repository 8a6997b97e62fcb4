"""A client that netsim did not start, on the screen: its pane, its end, its ladder, and where it waits unseen."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest

from netsim.model import events as e
from netsim.model.world import World
from netsim.session import Session
from netsim.story.director import OPENING, next_action
from netsim.story.narrator import narrate
from netsim.text.charset import ASCII, UNICODE, Charset
from netsim.text.grid import Grid
from netsim.text.lines import plain
from netsim.text.others import draw_others
from netsim.text.plain import Plain
from netsim.text.screen import Scene, draw_screen
from netsim.text.transcript import packet_line
from tests.gated import CURL, LISTENER, NC, OURS, Gated, strangers_end, talk
from tests.labs import ListedLab
from tests.script import at, tcp


@pytest.fixture
def script() -> Gated:
    """nc calls, and its SYN is held; our client stands before connect()."""
    script = Gated()
    script.listening()
    script.stranger_calls()
    script.named()
    return script


def drawn(world: World, columns: int = 80, rows: int = 24, charset: Charset = UNICODE) -> list[str]:
    """The whole screen, as it is with the story's own words."""
    grid = Grid.of(columns, rows)
    assert grid is not None
    action = next_action(world)
    scene = Scene(narrate(world), action.cap, action.label, (), action.target)
    return [plain(line).rstrip() for line in draw_screen(world, grid, charset, scene)]


def reversed_texts(world: World, columns: int = 80, rows: int = 24) -> list[str]:
    """What is reversed, without the SPACE cap."""
    grid = Grid.of(columns, rows)
    assert grid is not None
    action = next_action(world)
    lines = draw_screen(world, grid, UNICODE, Scene("", action.cap, action.label, (), action.target))
    return [span.text.strip() for line in lines for span in line if span.style == "next" and span.text != "SPACE"]


SYN_HELD = """\
─ CLIENT  pid 41299  nc, not ours ─────┬─ SERVER  pid 41233  tcp ───────────────
 nc is not ours: its lines can't be    │   s.listen(5)
 seen, only what it sends and what the │   while True:
 kernel has.                           │ •   conn, addr = s.accept()
                                       │     conn.send('Connection received..)
                                       │     while data := conn.recv(1024):
 fd ?  :40112 → :8888         SYN_SENT │ fd 3  :8888  LISTEN          waiting 0
 1 -                          1 choose │
─ TCP nc  1 packet  0 bytes of data ───┴─ UDP  no packet yet ───────────────────
 :40112 SYN_SENT          LISTEN :8888   client                          server
  ├─────────── SYN seq=0 ───────■    │    │                                   │
  │                                  │    │                                   │
  │                                  │    │                                   │
  │                                  │    │                                   │
  │                                  │    │                                   │
─PORT ──────STATE ───────PEER ─────PID ────────────PROGRAM ──────────── 2 rows ─
 8888/tcp   LISTEN       -         41233           server
 40112/tcp  SYN_SENT     :8888     41299           nc


 nc (PID 41299) calls, from port 40112: its SYN waits at the gate.
 SPACE  deliver nc's SYN to port 8888; the kernel will answer it
"""


def test_its_syn_is_held_and_everything_speaks_of_it(script: Gated) -> None:
    lines = drawn(script.world)
    lines[5] = lines[5].replace("rece..", "received..")
    assert lines[1:23] == SYN_HELD.splitlines()
    assert reversed_texts(script.world) == ["SYN seq=0"]


@pytest.mark.parametrize(("columns", "rows"), [(100, 30), (120, 36), (160, 24), (200, 50)])
def test_so_it_is_on_every_larger_screen(script: Gated, columns: int, rows: int) -> None:
    screen = "\n".join(drawn(script.world, columns, rows))
    for each in (
        "CLIENT  pid 41299  nc, not ours",
        "its lines can't",
        ":40112 → :8888",
        "SYN_SENT",
        "TCP nc  1 packet",
    ):
        assert each in screen
    assert reversed_texts(script.world, columns, rows) == ["SYN seq=0"]


def test_in_ascii_too(script: Gated) -> None:
    lines = drawn(script.world, charset=ASCII)
    assert all(line.isascii() for line in lines)
    assert lines[7].startswith(" fd ?  :40112 > :8888         SYN_SENT |")


def test_the_wide_screens_kernel_has_its_end(script: Gated) -> None:
    lane = [line[45:69].rstrip() for line in drawn(script.world, 200, 50)[1:8]]
    assert lane[0].startswith("─ KERNEL, client side")
    assert lane[1:4] == [" pid 41299     SYN_SENT", "   :40112 → :8888", "   to send      0 bytes"]
    script.kernel(LISTENER, strangers_end("FIN_WAIT2", inode=0))
    lane = [line[45:69].rstrip() for line in drawn(script.world, 200, 50)[2:4]]
    assert lane == [" no process   FIN_WAIT2", "   :40112 → :8888"]
    script.kernel(LISTENER)
    assert " no socket any more" in drawn(script.world, 200, 50)[2]


def test_bytes_that_it_has_not_read(script: Gated) -> None:
    script.kernel(LISTENER, strangers_end("ESTABLISHED", receive=19), tcp("ESTABLISHED", 8888, NC, inode=777))
    assert drawn(script.world)[7][:39].rstrip() == " fd ?  :40112 → :8888  19 bytes unread"


def test_it_has_gone_and_its_conversation_is_still_there(script: Gated) -> None:
    script.kernel(LISTENER)
    lines = [line[:39].rstrip() for line in drawn(script.world)]
    assert lines[1] == "─ CLIENT  pid 41299  nc, not ours ─────"
    assert lines[2:9] == [
        " nc is not ours: its lines can't be", " seen, only what it sends and what the", " kernel has.",
        " nc has closed its socket, or has", " ended.", " the kernel keeps nothing of it",
        " 1 -                          1 choose",
    ]  # fmt: skip
    assert "SYN seq=0" in lines[11]


def test_who_it_is_may_not_be_known() -> None:
    script = Gated()
    script.listening()
    script.stranger_calls()
    lines = [line[:39].rstrip() for line in drawn(script.world)]
    assert lines[1].startswith("─ CLIENT  not ours ──")
    assert lines[2:7] == [
        " A program is not ours: its lines", " can't be seen, only what it sends and", " what the kernel has.",
        " Which process it is can't be seen", " from here.",
    ]  # fmt: skip
    assert lines[9].startswith("─ TCP not ours  1 packet")


def test_a_datagram_of_one() -> None:
    script = Gated()
    script.listening()
    script.hold_datagram(b"psst", client=NC)
    script.kernel(LISTENER, e.KernelSocket("udp", "CLOSE", at(NC), at(8888), 900, 0, 0))
    script.psutil(e.Owner("udp", at(NC), at(8888), "", 41301, "socat"))
    lines = drawn(script.world)
    assert lines[1].startswith("─ CLIENT  pid 41301  socat, not ours ──┬─ SERVER  no process yet")
    assert lines[7].startswith(" fd ?  :40112 → :8888 ")
    assert lines[8].startswith(" 1 -                          1 choose")
    assert "─ UDP socat  1 packet" in lines[9]
    assert '4 bytes "psst"' in lines[11]
    assert "socat, not ours" in "\n".join(drawn(script.world, 200, 50))


class TestOthers:
    def test_a_held_packet_is_marked_beside_its_client(self) -> None:
        script = Gated()
        script.listening()
        script.connecting()
        script.stranger_calls(OURS)
        script.named()
        lines = drawn(script.world)
        assert lines[1].startswith("─ CLIENT  pid 41240")
        assert lines[8][:39] == " 0 ■ :40112 nc                0 choose "
        assert reversed_texts(script.world) == ["SYN seq=0"]

    def test_it_is_reversed_where_space_will_deliver_that_one(self) -> None:
        script = Gated()
        script.listening()
        script.connecting()
        number = script.stranger_calls(OURS)
        script.named()
        script.release(1)
        assert next_action(script.world).packet == number
        assert reversed_texts(script.world) == ["■ :40112 nc"]
        assert reversed_texts(script.world, 200, 50) == ["■ :40112 nc"]

    def test_several_of_either_kind(self, script: Gated) -> None:
        script.stranger_calls(strangers_end("SYN_SENT"), client=CURL, inode=901)
        script.start("client2")
        script.add(e.FocusMoved(at=script.now, who="client1"))
        (line,) = draw_others(script.world, 60, UNICODE)
        assert plain(line) == " 2 -  0 ■ :40112 nc  0 ■ :40116                0,1-2 choose "
        script.add(e.FocusMoved(at=script.now, who="", stranger=talk(CURL)))
        (line,) = draw_others(script.world, 60, UNICODE)
        assert plain(line) == " 1 -  2 -  0 ■ :40112 nc                       0,1-2 choose "
        (line,) = draw_others(script.world, 34, UNICODE, target="packet 1")
        assert plain(line) == " 0 ■ :40112 nc  +2   0,1-2 choose "


def test_where_the_gate_has_failed_the_ladder_says_that_packets_pass_unseen(script: Gated) -> None:
    script.add(e.PacketDropped(at=script.now, number=1, by="queue"))
    script.add(e.GateFailed(at=script.now, reason="its queue is gone"))
    lines = drawn(script.world)
    assert lines[0].startswith(" netsim   private net · packets pass unseen · 127.0.0.1")
    assert lines[12] == "  │ packets pass unseen: o restarts  │    │                                   │"
    script.add(e.GateRestarted(at=script.now))
    assert "unseen" not in "\n".join(drawn(script.world)[9:16])


# --- line by line


def test_a_line_of_the_transcript_names_it(script: Gated) -> None:
    world = script.world
    assert packet_line(world.packets[0], world) == "packet 1 (held): nc (PID 41299) to server, SYN seq=0"
    script.named(name="\x1b[2Jx")
    assert "\x1b" not in packet_line(world.packets[0], script.world)


class LabOf(ListedLab):
    """A lab that tells a story as soon as it is listened to."""

    def __init__(self, script: Gated) -> None:
        super().__init__()
        self.script = script

    def start(self, on_event: Callable[[e.AnyEvent], None]) -> None:
        for event in self.script.events:
            on_event(event)


def typed(script: Gated, *words: str) -> list[str]:
    """What plain mode says to these words, line by line, behind its greeting."""
    out = StringIO()
    Plain(Session(lambda: LabOf(script), OPENING), out).run(words)
    return out.getvalue().splitlines()


def test_plain_mode_tells_of_it_and_turns_to_it(script: Gated) -> None:
    script.add(e.FocusMoved(at=script.now, who="client1"))
    told = typed(script, "stranger", "close", "turn", "turn", "client", "quit")
    following = "next: deliver nc's SYN to port 8888; the kernel will answer it"
    assert "packet 1 (held): nc (PID 41299) to server, SYN seq=0" in "\n".join(told)
    assert told[-9:] == [
        "nc (PID 41299) is not ours: only its packets can be delivered or dropped.",
        following,
        "nc is not ours: it does what it wants. 1 shows our client, tab the server.",
        following,
        "send and close are the server's now.",
        "nc (PID 41299) is not ours: only its packets can be delivered or dropped.",
        following,
        "send and close are the client's now.",
        following,
    ]


def test_plain_mode_says_where_there_is_none() -> None:
    script = Gated()
    script.listening()
    assert "Only our clients are here" in typed(script, "stranger", "quit")[-1]
