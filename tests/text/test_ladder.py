"""Ladders: arrows between two lifelines, their heads and ends."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from netsim.model.events import CallError
from netsim.model.packet import Packet
from netsim.model.world import World
from netsim.text.arrows import draw_arrow, packet_label
from netsim.text.charset import ASCII, UNICODE, cells
from netsim.text.ladder import draw_ends, draw_ladder_head, draw_packets
from netsim.text.lines import Span, plain
from tests.script import ref, tcp
from tests.text.frames import ALL as FRAMES
from tests.text.frames import DATA, FD3, HANDSHAKE, LISTENER, LISTENING
from tests.worlds import build, datagram, packet, packets, program


def arrow(made: Packet, width: int = 39, progress: float = 1.0) -> str:
    return plain(draw_arrow(made, width, UNICODE, progress=progress))


class TestArrows:
    @pytest.mark.parametrize(
        ("words", "options", "row"),
        [
            ("> SYN seq=0", {}, "  ├─────────── SYN seq=0 ───────────►┤ "),
            ("> SYN seq=0", {"fate": "held"}, "  ├─────────── SYN seq=0 ───────■    │ "),
            ("> SYN seq=0", {"fate": "lost"}, "  ├─────────── SYN seq=0 ───────×    │ "),
            ("> SYN seq=0", {"evidence": "inferred"}, "  ├─ ─ ─ ─ ─ ─ SYN seq=0 ─ ─ ─ ─ ─ ─►┤ "),
            ("< SYN-ACK seq=0 ack=1", {}, "  ├◄────── SYN-ACK seq=0 ack=1 ──────┤ "),
            ("< SYN-ACK seq=0 ack=1", {"fate": "held"}, "  │    ■── SYN-ACK seq=0 ack=1 ──────┤ "),
            ("< SYN-ACK seq=0 ack=1", {"fate": "lost"}, "  │    ×── SYN-ACK seq=0 ack=1 ──────┤ "),
            ("< SYN-ACK seq=0 ack=1", {"evidence": "inferred"}, "  ├◄─ ─ ─ SYN-ACK seq=0 ack=1 ─ ─ ─ ─┤ "),
            ("< 19 bytes seq=1", {}, "  ├◄──────── 19 bytes seq=1 ─────────┤ "),
            ("> ACK ack=20", {}, "  ├────────── ACK ack=20 ───────────►┤ "),
            ("< FIN seq=20", {"fate": "held"}, "  │    ■────── FIN seq=20 ───────────┤ "),
            ("< RST seq=1", {}, "  ├◄────────────── RST ──────────────┤ "),
        ],
    )
    def test_what_became_of_a_packet(self, words: str, options: dict[str, str], row: str) -> None:
        assert arrow(packet(words, **options)) == row  # type: ignore[arg-type]

    @pytest.mark.parametrize("words", ["> SYN seq=0", "< SYN-ACK seq=0 ack=1", "> 5 bytes seq=1", "< ACK ack=7"])
    @pytest.mark.parametrize("fate", ["delivered", "held", "lost"])
    @pytest.mark.parametrize("width", [39, 40, 59, 60, 99])
    def test_a_label_never_moves(self, words: str, fate: str, width: int) -> None:
        made = packet(words, fate=fate)  # type: ignore[arg-type]
        rows = [arrow(made, width, step / 10) for step in range(11)]
        label = packet_label(made, width, UNICODE)
        assert {row.index(label) for row in rows} == {arrow(packet(words), width).index(label)}

    def test_it_grows_from_its_sender(self) -> None:
        made = packet("> SYN seq=0")
        assert [arrow(made, progress=step) for step in (0.0, 0.1, 0.5, 0.9)] == [
            "  ├►           SYN seq=0             │ ",
            "  ├───►        SYN seq=0             │ ",
            "  ├─────────── SYN seq=0             │ ",
            "  ├─────────── SYN seq=0 ────────►   │ ",
        ]
        answer = packet("< ACK ack=1")
        assert [arrow(answer, progress=step) for step in (0.0, 0.1, 0.9)] == [
            "  │             ACK ack=1           ◄┤ ",
            "  │             ACK ack=1        ◄───┤ ",
            "  │   ◄──────── ACK ack=1 ───────────┤ ",
        ]

    def test_a_held_packet_flies_to_its_place_and_stays_there(self) -> None:
        made = packet("> SYN seq=0", fate="held")
        assert arrow(made, progress=0.95) == "  ├─────────── SYN seq=0 ──────►     │ "
        assert arrow(made, progress=2.0) == "  ├─────────── SYN seq=0 ───────■    │ "

    def test_only_rules_are_dim_and_only_the_target_is_reversed(self) -> None:
        line = draw_arrow(packet("> SYN seq=0", fate="held"), 39, UNICODE, touched=True)
        assert [(span.text.strip("─"), span.style) for span in line if span.text.strip()] == [
            ("  ├", "rule"), (" SYN seq=0 ", "next"), ("", "rule"), ("■    ", ""), ("│", "rule"),
        ]  # fmt: skip
        lost = draw_arrow(packet("> SYN seq=0", fate="lost"), 39, UNICODE)
        assert [span.text for span in lost if span.style == "lost"] == [" SYN seq=0 ", "×"]
        new = draw_arrow(packet("> SYN seq=0"), 39, UNICODE, new=True)
        assert [span.text for span in new if span.style == "bold"] == [" SYN seq=0 "]

    def test_ascii(self) -> None:
        rows = [
            plain(draw_arrow(made, 39, ASCII))
            for made in (
                packet("> SYN seq=0"),
                packet("< SYN-ACK seq=0 ack=1", fate="held"),
                packet("> 5 bytes seq=1", fate="lost"),
                packet("> SYN seq=0", evidence="inferred"),
            )
        ]
        assert rows == [
            "  |----------- SYN seq=0 ----------->| ",
            "  |    #-- SYN-ACK seq=0 ack=1 ------| ",
            "  |--------- 5 bytes seq=1 -----x    | ",
            "  |- - - - - - SYN seq=0 - - - - - ->| ",
        ]

    @pytest.mark.parametrize("fate", ["delivered", "held", "lost"])
    def test_any_width(self, fate: str) -> None:
        made = replace(datagram("<", "漢字 and \x1b more".encode(), number=1), fate=fate)
        for width in range(60):
            for progress in (0.0, 0.3, 1.0):
                assert cells(plain(draw_arrow(made, width, UNICODE, progress=progress))) == width


class TestLabels:
    @pytest.mark.parametrize(
        ("words", "label"),
        [
            ("> SYN seq=0", "SYN seq=0"),
            ("< SYN-ACK seq=0 ack=1", "SYN-ACK seq=0 ack=1"),
            ("> ACK ack=1", "ACK ack=1"),
            ("< 1 byte seq=1 ack=1", "1 byte seq=1"),
            ("> FIN-ACK seq=6 ack=20", "FIN seq=6"),
            ("< RST-ACK ack=1", "RST-ACK ack=1"),
            ("> FIN 5 bytes seq=1", "FIN 5 bytes seq=1"),
        ],
    )
    def test_segments(self, words: str, label: str) -> None:
        assert packet_label(packet(words), 40, UNICODE) == label

    def test_datagrams(self) -> None:
        assert packet_label(datagram(">", b"hello"), 40, UNICODE) == '5 bytes "hello"'
        assert packet_label(datagram(">", b"\x1b[2J\n"), 40, UNICODE) == r'5 bytes "\x1b[2J\n"'
        assert packet_label(datagram(">", b"a" * 40), 25, UNICODE) == '40 bytes "aaaaaaaaaaaa.."'
        assert packet_label(datagram(">", b"a" * 40), 10, UNICODE) == "40 bytes"
        assert packet_label(datagram(">", b""), 40, UNICODE) == "0 bytes"

    def test_a_datagram_of_which_only_the_beginning_is_known(self) -> None:
        assert packet_label(replace(datagram(">", b"start"), length=60000), 40, UNICODE) == '60000 bytes "start.."'


def head(world: World, width: int = 39) -> str:
    return plain(draw_ladder_head(world, width, 1, UNICODE, transport="tcp")[0])


class TestHead:
    def talking(self, *texts: str, **more: Any) -> World:
        return build(program("client1", sockets=(FD3,)), kernel=(), packets=packets(*texts, **more))

    def test_counts(self) -> None:
        assert head(build()) == "─ TCP  no packet yet ──────────────────"
        assert head(self.talking("> SYN seq=0")) == "─ TCP  1 packet  0 bytes of data ──────"
        assert head(self.talking(*DATA)) == "─ TCP  5 packets  19 bytes of data ────"

    def test_lost_bytes_are_not_counted(self) -> None:
        assert head(self.talking(*DATA, "> 5 bytes seq=1 lost")) == "─ TCP  6 packets  1 lost  19 bytes ────"

    def test_inferred_packets_say_so_whatever_has_to_go(self) -> None:
        world = self.talking(*DATA, evidence="inferred")
        assert head(world) == "─ TCP  INFERRED  5 packets  19 bytes ──"
        assert head(world, 60).startswith("─ TCP  INFERRED  5 packets  19 bytes of data ──")
        assert head(world, 31) == "─ TCP  INFERRED  5 packets ────"

    def test_a_packet_of_another_conversation_is_not_counted(self) -> None:
        other = packets("> SYN seq=0", first=9, client=50000)
        world = build(program("client1", sockets=(FD3,)), packets=(*packets(*HANDSHAKE), *other))
        assert head(world) == "─ TCP  3 packets  0 bytes of data ─────"


def ends(world: World, width: int = 39) -> str:
    return plain(draw_ends(world, width, 1, UNICODE, transport="tcp")[0])


class TestEnds:
    def test_before_anything(self) -> None:
        assert ends(build(program("server"), program("client1"))) == " client                         server "

    def test_the_server_listens_and_no_client_has_a_port(self) -> None:
        world = build(program("server", sockets=(LISTENING,)), program("client1"), kernel=(LISTENER,))
        assert ends(world) == " client                   LISTEN :8888 "

    def test_the_port_is_claimed_and_nobody_listens_yet(self) -> None:
        assert ends(build(program("server", sockets=(LISTENING,)))) == " client                          :8888 "

    def test_nobody_listens(self) -> None:
        error = CallError("ConnectionRefusedError", 111, "ECONNREFUSED", "[Errno 111] Connection refused")
        client = program("client1", status="ended", error=error, results={"s.connect": "ECONNREFUSED"})
        refused = packets("> SYN seq=0", "< RST-ACK ack=1", evidence="inferred")
        world = build(client, packets=refused)
        assert ends(world) == " :51324 closed            closed :8888 "
        assert head(world) == "─ TCP  INFERRED  2 packets  0 bytes ───"

    def test_a_changed_state_is_bold(self) -> None:
        world = FRAMES["syn"]().world
        changed = replace(world, changed=frozenset({"row 51324/tcp 127.0.0.1:8888"}))
        line = draw_ends(changed, 39, 1, UNICODE, transport="tcp")[0]
        assert line[1:4] == (Span(":51324", "client"), Span(" "), Span("SYN_SENT", "bold"))
        assert line[-2] == Span(":8888", "server")


class TestPackets:
    def test_older_ones_scroll_out_and_few_stand_at_the_top(self) -> None:
        world = build(program("client1", sockets=(FD3,)), packets=packets(*DATA))
        rows = [plain(line) for line in draw_packets(world, 39, 3, UNICODE, transport="tcp")]
        assert [row[3:37].strip("─►◄ ") for row in rows] == ["ACK ack=1", "19 bytes seq=1", "ACK ack=20"]
        rows = [plain(line) for line in draw_packets(world, 39, 7, UNICODE, transport="tcp")]
        assert rows[5:] == ["  │                                  │ "] * 2

    def test_a_lost_packet_is_sent_again_by_itself(self) -> None:
        frame = FRAMES["lost"]()
        rows = [plain(row) for row in draw_packets(frame.world, 39, 5, UNICODE, transport="tcp", now=22.34)]
        assert rows[-1] == "  │  sent again by itself in 0.7 s   │ "
        late = [plain(row) for row in draw_packets(frame.world, 39, 5, UNICODE, transport="tcp", now=99.0)]
        assert late[-1] == "  │  sent again by itself in 0.0 s   │ "

    def test_the_other_clients_conversation(self) -> None:
        world = FRAMES["queue"]().world
        second = replace(world, focus=replace(world.focus, number=2))
        assert ends(second).startswith(" :51338 ESTABLISHED")
        assert head(second) == "─ TCP 2 of 3  3 packets  0 bytes ──────"

    def test_a_socket_that_has_not_connected_yet_keeps_what_was_before(self) -> None:
        client = program("client1", sockets=(ref(3, 77),))
        world = build(client, kernel=(tcp("SYN_SENT", 51324, 8888, inode=77),), packets=packets("> SYN seq=0"))
        assert ends(world) == " :51324 SYN_SENT          closed :8888 "
