"""A pane's sockets: the process's own, and the kernel's that nobody has."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from netsim.model import events as e
from netsim.model.world import Endpoint, World
from netsim.text.charset import ASCII, UNICODE
from netsim.text.lines import plain
from netsim.text.sockets import draw_sockets
from tests.script import ref, tcp
from tests.text.frames import ALL, CONNECTED, FD3, LISTENER, LISTENING
from tests.worlds import build, datagram, had, program, udp

SERVER = program("server", stands="accept", sockets=(LISTENING,))
ACCEPTED = replace(SERVER, sockets=(LISTENING, ref(4, 31, 8888, 51324)))
CLIENT = program("client1", sockets=(FD3,))


def drawn(world: World, who: str = "server", *, width: int = 39, height: int = 2) -> list[str]:
    lines = draw_sockets(world, width, height, UNICODE, endpoint=world.endpoints.get(who))
    assert len(lines) == height
    return [plain(line).rstrip() for line in lines]


def ended(**more: Any) -> Endpoint:
    return program("client1", status="ended", **more)


class TestWithoutSockets:
    def test_not_yet_starting_and_nobody(self) -> None:
        assert drawn(build(program("server"))) == [" no socket yet", ""]
        assert drawn(build(program("server", status="starting"))) == [" starting", ""]
        assert drawn(build()) == ["", ""]

    def test_given_back(self) -> None:
        client = program("client1", results={"s = socket": "→ fd 3", "s.close": "ok"})
        assert drawn(build(client), "client1") == [" no socket: fd 3 was given back", ""]

    def test_gone_with_its_process(self) -> None:
        assert drawn(build(ended(results=CONNECTED)), "client1") == [" no socket: the process is gone", ""]

    def test_what_the_kernel_keeps_of_it(self) -> None:
        world = build(
            ended(results=CONNECTED),
            kernel=(tcp("FIN_WAIT1", 51324, 8888, send=6),),
            remembered=had(51324, 41240, remote=8888),
        )
        assert drawn(world, "client1") == [
            " no socket: the process is gone",
            " -     :51324 → :8888     5 bytes kept",
        ]

    def test_the_error_as_python_shows_it(self) -> None:
        error = e.CallError("ConnectionRefusedError", 111, "ECONNREFUSED", "[Errno 111] Connection refused")
        world = build(ended(error=error))
        assert drawn(world, "client1") == [" ConnectionRefusedError: [Errno 111]", " Connection refused"]
        assert drawn(world, "client1", width=59) == [" ConnectionRefusedError: [Errno 111] Connection refused", ""]

    def test_an_error_without_a_message_or_with_a_bad_one(self) -> None:
        assert drawn(build(ended(error=e.CallError("TimeoutError", None, None, ""))), "client1")[0] == " TimeoutError"
        bad = e.CallError("ValueError", None, None, "\x1b[2J\nx")
        assert drawn(build(ended(error=bad)), "client1")[0] == r" ValueError: \x1b[2J\nx"


class TestOwn:
    def test_a_socket_becomes_a_listener(self) -> None:
        server = replace(SERVER, sockets=(ref(3, 30),))
        assert drawn(build(server))[0] == " fd 3  no port yet"
        assert drawn(build(SERVER))[0] == " fd 3  :8888                     bound"
        bound = replace(LISTENER, state="CLOSE")
        assert drawn(build(SERVER, kernel=(bound,)))[0] == " fd 3  :8888              bound, CLOSE"
        assert drawn(build(SERVER, kernel=(LISTENER,)))[0] == " fd 3  :8888  LISTEN         waiting 0"
        full = replace(LISTENER, receive_queue=6)
        assert drawn(build(SERVER, kernel=(full,)), width=59)[0] == (
            " fd 3  :8888  LISTEN                  waiting 6, backlog 5"
        )

    def test_a_file_number_of_two_digits(self) -> None:
        server = replace(SERVER, sockets=(LISTENING, ref(12, 31, 8888, 51324)))
        world = build(server, kernel=(LISTENER, tcp("ESTABLISHED", 8888, 51324, inode=31)))
        assert drawn(world)[1] == " fd 12 :8888 ← :51324      ESTABLISHED"

    def test_in_connect_the_kernel_knows_the_port_before_the_process_does(self) -> None:
        client = program("client1", sockets=(ref(3, 40),))
        world = build(client, kernel=(tcp("SYN_SENT", 51324, 8888, inode=40, send=1),))
        assert drawn(world, "client1") == [" fd 3  :51324 → :8888         SYN_SENT", ""]

    def test_a_note_has_its_own_row_if_there_is_one(self) -> None:
        unread = tcp("ESTABLISHED", 8888, 51324, inode=31, receive=5)
        world = build(ACCEPTED, kernel=(LISTENER, unread))
        assert drawn(world) == [" fd 3  :8888  LISTEN         waiting 0", " fd 4  :8888 ← :51324   5 bytes unread"]
        assert drawn(world, height=3)[1:] == [
            " fd 4  :8888 ← :51324      ESTABLISHED",
            "       5 bytes in the kernel, unread",
        ]

    def test_a_fin_is_not_a_byte(self) -> None:
        for queue, note in ((6, "       5 bytes in the kernel, unread"), (1, ""), (0, "")):
            closing = tcp("CLOSE_WAIT", 8888, 51324, inode=31, receive=queue)
            assert drawn(build(ACCEPTED, kernel=(LISTENER, closing)), height=3)[2] == note

    def test_the_shown_conversation_comes_first(self) -> None:
        server = replace(SERVER, sockets=(LISTENING, ref(4, 31, 8888, 50000), ref(5, 32, 8888, 51324)))
        world = build(server, CLIENT, kernel=(LISTENER, tcp("ESTABLISHED", 51324, 8888, inode=40)))
        assert [line[1:5] for line in drawn(world, height=3)] == ["fd 3", "fd 5", "fd 4"]

    def test_what_changed_is_bold(self) -> None:
        world = ALL["data"]().world
        changed = replace(world, changed=frozenset({"row 8888/tcp 127.0.0.1:51324"}))
        lines = draw_sockets(changed, 40, 2, UNICODE, endpoint=changed.endpoints["server"])
        assert [span.text for line in lines for span in line if span.style == "bold"] == ["ESTABLISHED"]
        agreed = replace(world, changed=frozenset({"socket server 4"}))
        assert draw_sockets(agreed, 40, 2, UNICODE, endpoint=agreed.endpoints["server"]) == lines


class TestTheKernels:
    def test_half_open(self) -> None:
        assert drawn(ALL["syn_ack"]().world)[1] == " -     :8888 ← :51324         SYN_RECV"

    def test_one_that_waits_is_shown_and_several_are_counted(self) -> None:
        world = ALL["queue"]().world
        assert drawn(world, width=40)[1] == " queue :51324  :51338  :51350     no fd"
        one = build(SERVER, kernel=(LISTENER, tcp("ESTABLISHED", 8888, 51324)))
        assert drawn(one)[1] == " -     :8888 ← :51324      ESTABLISHED"

    def test_more_than_fit(self) -> None:
        ends = [tcp("ESTABLISHED", 8888, 51300 + number) for number in range(6)]
        assert drawn(build(SERVER, kernel=(LISTENER, *ends)))[1] == " queue :51300  :51301  +4        no fd"

    def test_without_the_kernels_word_an_owner_is_not_denied(self) -> None:
        owner = e.Owner("tcp", LISTENER.local, FD3.local, "ESTABLISHED", None, "")
        listens = e.Owner("tcp", LISTENER.local, None, "LISTEN", 41233, "python")
        world = build(SERVER, kernel_complete=False, owners=(listens, owner))
        assert drawn(world) == [" fd 3  :8888  LISTEN", " ?     :8888 ← :51324      ESTABLISHED"]


class TestUdp:
    def server(self, receive: int, *data: bytes) -> World:
        endpoint = program("udpserver", sockets=(ref(3, 50, 8888, transport="udp"),))
        sent = tuple(datagram(">", each, number=number) for number, each in enumerate(data, 1))
        return build(endpoint, kernel=(udp(8888, inode=50, receive=receive),), packets=sent)

    def test_what_waits(self) -> None:
        def row(receive: int, *data: bytes) -> str:
            return drawn(self.server(receive, *data), "udpserver")[0]

        assert row(0) == " fd 3  :8888"
        assert row(832, b"hello") == " fd 3  :8888       5 bytes are waiting"
        assert row(832, b"x", b"h") == " fd 3  :8888         1 byte is waiting"
        assert row(1664, b"hello", b"you") == " fd 3  :8888      3 bytes or more wait"
        assert row(832, b"") == " fd 3  :8888     a datagram is waiting"
        assert row(832) == " fd 3  :8888     a datagram is waiting"


class TestOtherClients:
    def test_they_keep_the_last_row(self) -> None:
        assert drawn(ALL["queue"]().world, "client1")[1] == " 2 :51338  3 :51350         1-3 choose"

    def test_a_note_moves_beside_its_socket(self) -> None:
        world = ALL["queue"]().world
        kernel = tuple(replace(each, receive_queue=19) if each.inode == 41 else each for each in world.kernel)
        assert drawn(replace(world, kernel=kernel), "client1")[0] == " fd 3  :51324 → :8888  19 bytes unread"

    def test_many_and_one_without_a_port(self) -> None:
        clients = [program(f"client{number}", pid=41240 + number) for number in range(1, 7)]
        assert drawn(build(*clients), "client1")[1] == " 2 -  3 -  4 -  5 -  6 -    1-6 choose"


def test_ascii() -> None:
    world = ALL["syn_ack"]().world
    lines = [plain(line).rstrip() for line in draw_sockets(world, 40, 2, ASCII, endpoint=world.endpoints["server"])]
    assert lines[1] == " -     :8888 < :51324          SYN_RECV"
