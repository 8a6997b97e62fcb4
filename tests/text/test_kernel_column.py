"""The kernel's lanes: what it holds of the conversation in focus, on either side."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from netsim.model import events as e
from netsim.model.address import Role
from netsim.model.world import Focus, World
from netsim.text.charset import ASCII, UNICODE
from netsim.text.kernel_column import draw_kernel, draw_kernel_head
from netsim.text.lines import plain
from tests.script import Script, at, ref, tcp
from tests.text import frames
from tests.text.frames import CONNECTED, FD3, HANDSHAKE, LISTENER, LISTENING
from tests.worlds import build, datagram, had, packets, program, udp

WIDTH = 24
SERVER = program("server", stands="accept", sockets=(LISTENING,))
ACCEPTED = replace(SERVER, sockets=(LISTENING, ref(4, 31, 8888, 51324)))
CLIENT = program("client1", sockets=(FD3,))
OURS = tcp("ESTABLISHED", 51324, 8888, inode=40)
HAD = had(51324, 41240, remote=8888, name="client")
THEIRS = tcp("ESTABLISHED", 8888, 51324, inode=31)


def drawn(world: World, role: Role = "client", *, height: int = 14, now: float | None = None) -> list[str]:
    lines = [plain(line) for line in draw_kernel(world, WIDTH, height, UNICODE, role=role, now=now)]
    assert [len(line) for line in lines] == [WIDTH] * height
    return "\n".join(line.rstrip() for line in lines).rstrip().splitlines()


def bold(world: World, role: Role) -> list[str]:
    lines = draw_kernel(world, WIDTH, 14, UNICODE, role=role)
    return [span.text for line in lines for span in line if span.style == "bold"]


class TestAnEnd:
    def test_a_socket_without_a_port(self) -> None:
        assert drawn(build(program("client1", sockets=(ref(3, 40),)))) == [" fd 3", "   no port yet"]

    def test_the_two_ends_have_the_same_rows(self) -> None:
        world = build(
            ACCEPTED, CLIENT, kernel=(LISTENER, replace(THEIRS, receive_queue=5), replace(OURS, send_queue=5))
        )
        assert drawn(world) == [
            " fd 3       ESTABLISHED",
            "   :51324 → :8888",
            "   to send      5 bytes",
            "   to read      0 bytes",
        ]
        assert drawn(world, "server")[:4] == [
            " fd 4       ESTABLISHED",
            "   :8888 ← :51324",
            "   to send      0 bytes",
            "   to read      5 bytes",
        ]

    def test_a_fin_and_a_syn_are_no_bytes(self) -> None:
        for state, send, read in (("SYN_SENT", 1, 0), ("FIN_WAIT1", 1, 0), ("LAST_ACK", 1, 1), ("CLOSE_WAIT", 0, 1)):
            end = replace(OURS, state=state, send_queue=send, receive_queue=read)
            assert drawn(build(CLIENT, kernel=(end,)))[2:] == ["   to send      0 bytes", "   to read      0 bytes"]

    def test_closed_and_bound(self) -> None:
        assert drawn(build(CLIENT))[0] == " fd 3            closed"
        assert drawn(build(SERVER), "server")[-1] == " fd 3  :8888      bound"

    def test_nobodys(self) -> None:
        client = program("client1", status="ended", results=CONNECTED)
        gone = tcp("FIN_WAIT1", 51324, 8888, send=6)
        world = build(SERVER, client, kernel=(LISTENER, gone), packets=packets(*HANDSHAKE), remembered=HAD)
        assert drawn(world) == [
            " no process   FIN_WAIT1",
            "   :51324 → :8888",
            "   to send      5 bytes",
            "   to read      0 bytes",
            "",
            "",
            " no socket: the process",
            " is gone",
        ]

    def test_another_processs(self) -> None:
        """After fork() the child has it, and the parent has given it back."""
        world = build(SERVER, CLIENT, kernel=(LISTENER, OURS, THEIRS), owners=(owner(41302),))
        assert drawn(world, "server")[0] == " pid 41302  ESTABLISHED"

    def test_a_new_socket_is_below_what_is_left_of_the_last_conversation(self) -> None:
        world = frames.time_wait().world
        client = replace(world.endpoints["client1"], sockets=(ref(3, 41),), status="stopped")
        again = replace(world, endpoints={**world.endpoints, "client1": client})
        assert drawn(again, now=31.2) == [
            " no process   TIME_WAIT",
            "   :51324 → :8888",
            "   ends in         57 s",
            "",
            " fd 3  no port yet",
        ]


class TestTimers:
    @pytest.mark.parametrize(
        ("socket", "row"),
        [
            (replace(OURS, state="SYN_SENT", send_queue=1), "   SYN again in   2.1 s"),
            (replace(OURS, state="FIN_WAIT1", send_queue=1), "   FIN again in   2.1 s"),
            (replace(OURS, state="FIN_WAIT1", send_queue=6), "   sent again in  2.1 s"),
            (replace(OURS, send_queue=5), "   sent again in  2.1 s"),
            (replace(OURS, timer="probe"), "   probe in       2.1 s"),
            (replace(OURS, timer="keepalive", expires_ms=7_200_000), "   keepalive in  7200 s"),
        ],
    )
    def test_what_will_happen_and_when(self, socket: e.KernelSocket, row: str) -> None:
        running = replace(socket, timer=socket.timer or "retransmit", expires_ms=socket.expires_ms or 3000)
        world = build(CLIENT, kernel=(running,), observed_at=20.0)
        assert drawn(world, now=20.9 if running.expires_ms == 3000 else 20.0)[4] == row

    def test_it_never_counts_below_zero(self) -> None:
        running = replace(OURS, timer="retransmit", expires_ms=200)
        assert drawn(build(CLIENT, kernel=(running,), at=9.0))[4] == "   sent again in  0.0 s"

    def test_a_half_open_end_has_no_buffers(self) -> None:
        half = replace(tcp("SYN_RECV", 8888, 51324), timer="retransmit", expires_ms=900)
        asking = tcp("SYN_SENT", 51324, 8888, inode=40, send=1)
        assert drawn(build(SERVER, CLIENT, kernel=(LISTENER, half, asking)), "server") == [
            " no process    SYN_RECV",
            "   :8888 ← :51324",
            "   SYN-ACK again  0.9 s",
            "",
            "",
            "",
            " fd 3  :8888     LISTEN",
            "   half open          1",
            "   accept queue  0 of 5",
            "     :51324    SYN_RECV",
        ]


class TestTheListener:
    def test_before_it_listens(self) -> None:
        assert drawn(build(program("server")), "server") == [" no socket yet"]
        new = replace(SERVER, sockets=(ref(3, 30),))
        assert drawn(build(new), "server") == [" no connection here", *[""] * 5, " fd 3  no port yet"]

    def test_who_waits_stands_in_the_order_in_which_they_came(self) -> None:
        world = frames.queue().world
        assert drawn(world, "server")[6:] == [
            " fd 3  :8888     LISTEN",
            "   half open          0",
            "   accept queue  3 of 5",
            "     :51324 ESTABLISHED",
            "     :51338 ESTABLISHED",
            "     :51350 ESTABLISHED",
        ]

    def test_more_than_there_are_rows_for(self) -> None:
        ends = [tcp("ESTABLISHED", 8888, 51300 + number) for number in range(6)]
        world = build(SERVER, kernel=(replace(LISTENER, receive_queue=6), *ends))
        assert drawn(world, "server")[8:] == [
            "   accept queue  6 of 5",
            *(f"     :5130{number} ESTABLISHED" for number in range(4)),
            "     +2 more",
        ]

    def test_what_else_the_process_and_the_kernel_have_on_the_port(self) -> None:
        other = tcp("ESTABLISHED", 8888, 50000, inode=32)
        left = tcp("TIME_WAIT", 8888, 50001)
        server = replace(ACCEPTED, sockets=(*ACCEPTED.sockets, ref(5, 32, 8888, 50000)))
        world = build(server, CLIENT, kernel=(LISTENER, OURS, THEIRS, other, left))
        assert drawn(world, "server")[9:] == ["", " fd 5  :8888 ← :50000", " -   :50001   TIME_WAIT"]

    def test_the_one_that_was_called_is_shown(self) -> None:
        second = tcp("LISTEN", 80, inode=33, send=5)
        server = replace(SERVER, sockets=(ref(5, 33, 80), LISTENING))
        world = build(server, CLIENT, kernel=(LISTENER, second, OURS))
        assert drawn(world, "server")[6] == " fd 3  :8888     LISTEN"
        assert drawn(world, "server")[-1] == " fd 5  :80"


class TestUdp:
    def world(self, receive: int, *data: bytes) -> World:
        server = program("udpserver", sockets=(ref(3, 50, 8888, transport="udp"),))
        client = program("udpclient1", sockets=(ref(3, 51, 40113, transport="udp"),))
        sent = tuple(datagram(">", each, number=number) for number, each in enumerate(data, 1))
        kernel = (udp(8888, inode=50, receive=receive), udp(40113, inode=51))
        return build(server, client, kernel=kernel, packets=sent, focus=Focus("udp"))

    def test_it_has_no_state_and_no_peer(self) -> None:
        rows = [" fd 3               UDP", "   :40113", "   to send      0 bytes", "   to read      0 bytes"]
        assert drawn(self.world(832, b"hello")) == rows

    @pytest.mark.parametrize(
        ("receive", "data", "waits"),
        [
            (0, (), "     0 bytes"), (832, (b"hello",), "     5 bytes"), (832, (b"",), "  a datagram"),
            (1664, (b"hello", b"you"), "   3 or more"),
        ],
    )  # fmt: skip
    def test_what_waits(self, receive: int, data: tuple[bytes, ...], waits: str) -> None:
        assert drawn(self.world(receive, *data), "server")[3] == "   to read " + waits


class TestWhereTheKernelCannotBeAsked:
    def test_it_is_said_and_nothing_is_made_up(self) -> None:
        listens = replace(owner(41233), remote=None, state="LISTEN")
        connected = e.Owner("tcp", at(51324), at(8888), "ESTABLISHED", 41240, "python")
        owners = (listens, replace(owner(41233), pid=None), connected)
        world = build(SERVER, CLIENT, kernel_complete=False, owners=owners)
        assert drawn(world) == [
            " fd 3       ESTABLISHED",
            "   :51324 → :8888",
            "   bytes not known here",
            "   timer not known here",
        ]
        assert drawn(world, "server") == [
            " process ?  ESTABLISHED",
            "   :8888 ← :51324",
            "   bytes not known here",
            "   timer not known here",
            "",
            "",
            " fd 3  :8888     LISTEN",
            "   queue not known here",
            "     :51324 ESTABLISHED",
        ]

    def test_udp(self) -> None:
        world = replace(TestUdp().world(832, b"hello"), kernel_complete=False)
        assert drawn(world, "server")[2:] == ["   bytes not known here"]


class TestBold:
    """What changed since the last press, by the events that changed it."""

    def opened(self) -> Script:
        script = Script()
        script.open()
        script.call("server", "socket", socket=ref(3, 30))
        script.call("server", "listen", socket=LISTENING)
        script.call("client1", "socket", socket=ref(3, 40))
        return script

    def test_a_new_file_number(self) -> None:
        assert bold(self.opened().world, "client") == ["fd 3"]
        assert bold(self.opened().world, "server") == []

    def test_a_connection_that_waits(self) -> None:
        script = self.opened()
        script.call("client1", "connect", socket=FD3)
        script.kernel(replace(LISTENER, receive_queue=1), replace(THEIRS, inode=0), OURS)
        assert bold(script.world, "server") == ["ESTABLISHED", "LISTEN", "1 of 5", "ESTABLISHED"]
        script.call("server", "accept", socket=LISTENING, accepted=ref(4, 31, 8888, 51324))
        script.kernel(LISTENER, THEIRS, OURS)
        assert bold(script.world, "server") == ["fd 4", "ESTABLISHED", "LISTEN", "0 of 5"]
        assert bold(script.world, "client") == []

    def test_bytes_that_were_sent_acknowledged_and_read(self) -> None:
        world = frames.lost().world
        kept = replace(world, changed=frozenset({"packet 6"}))
        assert bold(kept, "client") == ["5 bytes"]
        assert bold(world, "client") == []
        data = frames.data().world
        assert bold(replace(data, changed=frozenset({"packet 4", "packet 5"})), "client") == ["19 bytes"]
        acknowledged = replace(data, changed=frozenset({"packet 5"}))
        assert bold(acknowledged, "server") == ["0 bytes"]
        read = e.CallReturned(
            at=1.0, who="client1", pid=41240, inner_pid=2, call=3, name="recv", line=7, result="", error=None,
            microseconds=1.0, socket=FD3, size=19,
        )  # fmt: skip
        kernel = tuple(replace(each, receive_queue=0) for each in data.kernel)
        assert bold(replace(data, kernel=kernel, since=(read,)), "client") == ["0 bytes"]


def test_nobody_and_no_rows() -> None:
    assert drawn(build()) == []
    assert draw_kernel(build(SERVER), WIDTH, 0, UNICODE, role="server") == []


def test_the_heads() -> None:
    assert plain(draw_kernel_head(24, UNICODE, role="client")) == "─ KERNEL, client side ──"
    assert plain(draw_kernel_head(24, ASCII, role="server")) == "- KERNEL, server side --"


def owner(pid: int) -> e.Owner:
    return e.Owner("tcp", at(8888), at(51324), "ESTABLISHED", pid, "python")
