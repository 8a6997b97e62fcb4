"""Listings: which lines are shown, what stands beside them, how long ones are shortened."""

from __future__ import annotations

import pytest

from netsim.model import events as e
from netsim.model.world import Endpoint, World
from netsim.text.charset import ASCII, UNICODE
from netsim.text.elide import elide
from netsim.text.lines import Span, plain
from netsim.text.listing import draw_listing, window
from tests.script import Script
from tests.worlds import build, program

RESULTS = {"s = socket": "→ fd 3", "s.connect": "ok"}


def drawn(endpoint: Endpoint, *, width: int = 39, height: int = 5, target: str = "") -> list[str]:
    lines = draw_listing(build(endpoint), width, height, UNICODE, endpoint=endpoint, target=target)
    return [plain(line).rstrip() for line in lines]


class TestWindow:
    def test_it_stays_until_the_program_leaves_it_and_keeps_two_lines_of_history(self) -> None:
        assert [window(place, 10, 5) for place in range(10)] == [0, 0, 0, 0, 0, 3, 3, 3, 5, 5]

    def test_the_place_is_always_in_it(self) -> None:
        for height in range(1, 12):
            for total in range(1, 30):
                for place in range(total):
                    first = window(place, total, height)
                    assert first <= place < first + height
                    assert 0 <= first <= max(0, total - height)

    def test_what_fits_never_moves(self) -> None:
        assert {window(place, 5, 5) for place in range(5)} == {0}


class TestMarks:
    def test_the_line_that_space_will_run_is_the_only_one_reversed(self) -> None:
        endpoint = program("client1", stands="s.recv", results=RESULTS)
        lines = draw_listing(build(endpoint), 39, 5, UNICODE, endpoint=endpoint, target="client1")
        assert [span for line in lines for span in line if span.style == "next"] == [
            Span("► text = s.recv(1024)", "next")
        ]
        assert plain(lines[2])[:3] == " ► "

    def test_stopped_asleep_and_ended(self) -> None:
        assert drawn(program("client1", stands="s.recv"))[2] == " • text = s.recv(1024)"
        assert (
            drawn(program("client1", stands="s.recv", status="asleep"))[2] == " z text = s.recv(1024)             zzz"
        )
        assert drawn(program("client1", stands="s.recv", status="ended"))[2] == "   text = s.recv(1024)"

    def test_a_target_that_sleeps_is_not_reversed(self) -> None:
        endpoint = program("client1", stands="s.recv", status="asleep")
        lines = draw_listing(build(endpoint), 39, 5, UNICODE, endpoint=endpoint, target="client1")
        assert not any(span.style == "next" for line in lines for span in line)

    def test_ascii(self) -> None:
        endpoint = program("client1", stands="s.recv", results=RESULTS)
        lines = draw_listing(build(endpoint), 39, 5, ASCII, endpoint=endpoint, target="client1")
        assert plain(lines[0]).rstrip() == "   s = socket.socket()          > fd 3"
        assert plain(lines[2]).rstrip() == " > text = s.recv(1024)"


class TestResults:
    def test_they_end_in_one_column_and_are_never_cut(self) -> None:
        endpoint = program("client1", stands="s.recv", results={**RESULTS, "s.connect": "ECONNREFUSED"})
        assert drawn(endpoint)[:2] == [
            "   s = socket.socket()          → fd 3",
            "   s.connect(('127.0.0..) ECONNREFUSED",
        ]

    def test_a_result_of_an_earlier_round_is_not_shown_ahead_of_the_program(self) -> None:
        results = {"s.listen": "ok", "accept": "→ fd 4", "conn.send": "→ 19", "conn.close": "ok"}
        lines = drawn(program("server", stands="accept", results=results), width=40)
        assert lines[0] == " •   conn, addr = s.accept()"
        assert lines[1] == "     conn.send('Connection rece..)"
        assert lines[4] == "     conn.close()"

    def test_a_program_that_loops_stays_in_the_window_of_its_loop(self) -> None:
        results = {"s.listen": "ok", "accept": "→ fd 4", "conn.send": "→ 19", "conn.close": "ok"}
        windows = {
            drawn(program("server", stands=line, results=results), width=40)[0].split("•")[-1].strip()
            for line in ("accept", "conn.send", "conn.recv", "conn.close")
        }
        assert windows == {"conn, addr = s.accept()", "conn, addr = s.accept()     → fd 4"}

    def test_this_steps_result_is_bold_and_shown_even_where_the_program_stands_again(self) -> None:
        script = Script()
        script.start("udpserver")
        line = script.line("udpserver", "recvfrom")
        script.stop("udpserver", line)
        script.call("udpserver", "recvfrom", size=5, data=b"hello")
        script.stop("udpserver", line)
        assert _result(script.world, "udpserver", "recvfrom") == ("→ 5", True)
        script.accept("Step", "udpserver")
        assert _result(script.world, "udpserver", "recvfrom") == ("", False)

    def test_falling_asleep_is_bold_in_the_step_in_which_it_happened(self) -> None:
        script = Script()
        script.start("server")
        script.stop("server", script.line("server", "accept"))
        script.begin("server", "accept")
        script.sleep("server", "accept4")
        assert _result(script.world, "server", "accept") == ("zzz", True)
        script.accept("StartEndpoint", "client1")
        assert _result(script.world, "server", "accept") == ("zzz", False)


def _result(world: World, who: str, text: str) -> tuple[str, bool]:
    """What stands behind the call on the line with this text, and whether it is bold."""
    lines = draw_listing(world, 60, 12, UNICODE, endpoint=world.endpoints[who])
    line = next(line for line in lines if text in plain(line))
    return plain(line).rpartition(")")[2].strip(), any(span.style == "bold" for span in line)


class TestWhatIsLeftOut:
    def test_everything_is_shown_where_it_fits(self) -> None:
        assert drawn(program("client1"), width=100, height=9)[:4] == [
            '   """A TCP client: it connects to port 8888, reads the greeting, says hello and closes first."""',
            "",
            "   import socket",
            "",
        ]

    def test_then_the_docstring_and_blank_lines_go_then_imports(self) -> None:
        assert drawn(program("client1"), height=6)[0] == "   import socket"
        assert drawn(program("client1"), height=5)[0] == " • s = socket.socket()"

    def test_the_line_where_it_stands_is_shown_whatever_it_is(self) -> None:
        endpoint = program("client1", source=("# one", "", "# two", "import socket", "x = 1", "y = 2"), line=3)
        assert drawn(endpoint, height=2) == [" • # two", "   x = 1"]

    def test_a_docstring_of_several_lines(self) -> None:
        source = ('"""One.', "", "Two s = 3.", '"""', "x = 1")
        assert drawn(program("client1", source=source, line=5), height=2) == [" • x = 1", ""]

    def test_indentation_is_halved_where_the_program_is_too_wide_and_then_always(self) -> None:
        for stands in ("s = socket", "conn.close"):
            lines = drawn(program("server", stands=stands), width=40, height=10)
            assert lines[5:7] == ["     conn, addr = s.accept()", "     conn.send('Connection rece..)"]
        wide = drawn(program("server"), width=80, height=10)
        assert wide[8] == "           print(data.decode())"


class TestExtraLine:
    def test_it_stands_before_the_line_where_the_program_stands(self) -> None:
        endpoint = program("client1", stands="s.recv", results=RESULTS, extra="s.send(b'x')", extra_result="1")
        assert drawn(endpoint) == [
            "   s = socket.socket()          → fd 3",
            "   s.connect(('127.0.0.1', 8888))   ok",
            " >>> s.send(b'x')                  → 1",
            " • text = s.recv(1024)",
            "   s.send(b'hello')",
        ]

    def test_its_error_and_its_silence(self) -> None:
        error = e.CallError("BrokenPipeError", 32, "EPIPE", "[Errno 32] Broken pipe")
        endpoint = program("client1", stands="s.recv", extra="s.send(b'x')", extra_error=error)
        assert drawn(endpoint)[2] == " >>> s.send(b'x')                EPIPE"
        assert drawn(program("client1", stands="s.recv", extra="s.close()"))[2].endswith(" ok")


@pytest.mark.parametrize(
    ("line", "room", "short"),
    [
        ("s.listen(5)", 11, "s.listen(5)"),
        (
            "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)",
            41,
            "s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)",
        ),
        ("s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)", 33, "s.setsockopt(.., SO_REUSEADDR, 1)"),
        ("s.sendto(b'hello', ('127.0.0.1', 8888))", 33, "s.sendto(.., ('127.0.0.1', 8888))"),
        ("s.sendto(b'hello', ('127.0.0.1', 8888))", 25, "s.sendto(b'hello', ..)"),
        ("s.sendto(b'hello', ('127.0.0.1', 8888))", 12, "s.sendto(..)"),
        ("conn.send('Connection received'.encode('ascii'))", 30, "conn.send('Connection recei..)"),
        ("s = socket.socket(type=socket.SOCK_DGRAM)", 34, "s = socket.socket(type=SOCK_DGRAM)"),
        ("s = socket.socket(type=socket.SOCK_DGRAM)", 31, "s = socket.socket(type=..DGRAM)"),
        ("s = socket.socket(type=socket.SOCK_DGRAM)", 28, "s = socket.socket(..DGRAM)"),
        ("while data := conn.recv(1024):", 29, "while data := conn.recv(..):"),
        ("print('a, (b', c)", 15, "print(.., c)"),
        ("s.connect((", 8, "s.conn.."),
        ("x = 'no call in here at all'", 10, "x = 'no .."),
        ("s.send(x)", 0, ""),
        ("data = conn.recv(1024)  # what it says", 32, "data = conn.recv(1024)  # what.."),
        ("data = conn.recv(1024)  # what it says", 24, "data = conn.recv(1024)"),
        ("conn.send(b'#1: hello there')  # answer", 24, "conn.send(b'#1: hello..)"),
        ("# what it says, and why", 12, "# what it .."),
    ],
)
def test_elide(line: str, room: int, short: str) -> None:
    assert elide(line, room) == short
