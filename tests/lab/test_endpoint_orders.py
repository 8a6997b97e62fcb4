"""What the host may ask of a stopped program: extra lines, and messages that were typed."""

from __future__ import annotations

import pytest

from netsim.model.events import (
    CallReturned,
    CallStarted,
    ExtraLineRan,
    ProgramPrinted,
    ProgramStopped,
)
from tests.lab.endpoint_driver import Endpoint
from tests.lab.endpoint_programs import (
    program,
)


def test_an_extra_line_runs_in_the_programs_frame_and_the_line_pointer_stays() -> None:
    with Endpoint(program("data = b'mine'\ns.send(data)\nprint(conn.recv(9), extra)\n", pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(7)
        assert endpoint.run_extra("data").result == "b'mine'"
        assert endpoint.run_extra("  data + b'!'  ").result == "b'mine!'"
        ran = endpoint.run_extra("extra = data = b'other'")
        assert (ran.result, ran.error) == ("", None)
        assert endpoint.run_extra("None").result == ""
        assert endpoint.run_extra("print('hi'); 1 / 0").error is not None
        assert endpoint.printed() == "hi\n"
        stops = endpoint.all(ProgramStopped)[-5:]
        assert [stop.line for stop in stops] == [7] * 5
        endpoint.run()
        assert endpoint.printed() == "hi\nb'other' b'other'\n"


def test_its_calls_are_reported_and_belong_to_no_line() -> None:
    with Endpoint(program("s.recv(1)\n", pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(6)
        assert endpoint.run_extra("s.send(b'hello')").result == "5"
        kinds = [type(event) for event in endpoint.events[-4:]]
        assert kinds == [CallStarted, CallReturned, ExtraLineRan, ProgramStopped]
        call = endpoint.calls()[-1]
        assert (call.name, call.line, call.size) == ("send", 0, 5)
        assert endpoint.run_extra("conn.recv(9)").result == "b'hello'"
        endpoint.run_extra("t = socket.socket(); t.listen()")
        assert [call.name for call in endpoint.calls()[-2:]] == ["socket", "listen"]
        endpoint.run_extra("s.close()")
        assert endpoint.all(ProgramStopped)[-1].ahead[0].fd is None


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("1 +", ("SyntaxError", None)),
        ("s.", ("SyntaxError", None)),
        ("x = = 1", ("SyntaxError", None)),
        ("nowhere", ("NameError", None)),
        ("s.connect(('127.0.0.1', 1))", ("OSError", 106)),
        ("exit()", ("SystemExit", None)),
        ("raise SystemExit(3)", ("SystemExit", None)),
        ("raise KeyboardInterrupt", ("KeyboardInterrupt", None)),
        ("'\\udc80'.encode()", ("UnicodeEncodeError", None)),
        ("\0", ("SyntaxError", None)),
    ],
)
def test_its_error_is_shown_and_does_not_end_the_program(source: str, error: tuple[str, int | None]) -> None:
    with Endpoint(program("s.close()\n", pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(6)
        ran = endpoint.run_extra(source)
        assert ran.error is not None
        kind = "ValueError" if source == "\0" and ran.error.type == "ValueError" else error[0]
        assert (ran.error.type, ran.error.errno) == (kind, error[1])
        assert ran.source == source
        assert endpoint.run().error is None
        assert endpoint.exit_status() == 0


def test_a_socket_of_a_line_that_failed_is_not_kept() -> None:
    with Endpoint(program("s.close()\n", pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(6)
        assert endpoint.run_extra("socket.socket().recv(1)").error is not None
        assert [call.name for call in endpoint.calls()[-3:]] == ["socket", "recv", "close"]
        assert endpoint.run_extra("socket.socket().fileno()").result == "6"


def test_what_it_assigns_in_a_function_stays() -> None:
    text = """
        def talk(sock):
            data = b'mine'
            n = 1
            sock.send(data)
            sock.send(data)
            print(data, n, sock is s)
        talk(s)
        """
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(9)
        endpoint.run_extra("data = b'other'")
        endpoint.run_extra("new = 7")
        assert endpoint.run_extra("data, n, new").result == "(b'other', 1, 7)"
        endpoint.step()
        assert endpoint.run_extra("data").result == "b'other'"
        assert endpoint.calls()[-1].data == b"other"
        endpoint.run_extra("n += 1")
        endpoint.run()
        assert endpoint.printed() == "b'other' 2 True\n"


def test_a_long_result_is_cut_and_a_line_stays_under_32_kb() -> None:
    with Endpoint(program("s.close()\n", pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(6)
        assert len(endpoint.run_extra("'x' * 100_000").result) < 3000
        endpoint.run_extra("print('\\0' * 100_000)")
        assert endpoint.printed() == "\0" * 100_000 + "\n"
        assert max(len(event.text) for event in endpoint.all(ProgramPrinted)) <= 4096
        many = " + ".join(["s.send(b'')"] * 500)
        endpoint.run_extra(f"'{'y' * 50_000}' and len('{many}')")
        assert endpoint.longest < 32_768


def test_a_child_forked_by_an_extra_line_runs_on_from_there() -> None:
    with Endpoint(program("import os\nme = os.getpid()\ns.close()\n", pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(8)
        assert endpoint.run_extra("pid = os.fork()").error is None
        child = endpoint.wait_for_fork()
        child.wait_for_end()
        assert [call.name for call in child.calls()] == ["close"]
        assert endpoint.run().error is None


def test_a_message_takes_the_place_of_what_the_next_send_would_send() -> None:
    text = "s.send(b'mine'); s.send(b'second')\ns.sendall(b'mine')\nprint(conn.recv(99))\n"
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(6)
        endpoint.step("typed")
        first, second = endpoint.calls()[-2:]
        assert (first.data, first.size, second.data) == (b"typed", 5, b"second")
        assert [call.arguments for call in endpoint.all(CallStarted)[-2:]] == ["b'typed'", "b'second'"]
        endpoint.step("")  # an empty message is one
        assert endpoint.calls()[-1].data == b""
        endpoint.run()
        assert endpoint.printed() == "b'typedsecond'\n"


def test_a_datagram_goes_to_the_same_address_with_the_message() -> None:
    text = """
        import socket
        s = socket.socket(type=socket.SOCK_DGRAM)
        s.bind(('127.0.0.1', 0))
        s.sendto(b'mine', s.getsockname())
        print(s.recv(9))
        """
    with Endpoint(program(text)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(4)
        endpoint.step("typed")
        endpoint.run()
        assert endpoint.printed() == "b'typed'\n"


def test_a_message_is_for_this_step_only() -> None:
    with Endpoint(program("conn.getsockname()\ns.send(b'mine')\nprint(conn.recv(99))\n", pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(6)
        endpoint.step("typed")
        assert endpoint.run_extra("s.send(b'extra ')").error is None
        endpoint.run()
        assert endpoint.printed() == "b'extra mine'\n"


def test_a_message_that_is_not_ascii_is_an_error_and_the_line_can_be_stepped_again() -> None:
    with Endpoint(program("s.send(b'mine')\nprint(conn.recv(9))\n", pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(6)
        before = len(endpoint.calls())
        assert endpoint.step("café").line == 6
        ran = endpoint.all(ExtraLineRan)[-1]
        assert ran.error is not None
        assert (ran.source, ran.result, ran.error.type) == ("'café'.encode('ascii')", "", "UnicodeEncodeError")
        assert "can't encode character '\\xe9'" in ran.error.message
        assert len(endpoint.calls()) == before
        endpoint.step("cafe")
        endpoint.run()
        assert endpoint.printed() == "b'cafe'\n"
