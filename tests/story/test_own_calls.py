"""What is said of the calls of a person's own programs: by what they were given, and why they fail."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from netsim.model import events as e
from netsim.story.errors import explain
from netsim.story.narrator import WIDTH, narrate
from tests.own_script import OwnScript, opened
from tests.script import at, ref, tcp


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("setblocking", "False", "From now on calls on fd 4 never sleep: where they would have to, they fail."),
        ("setblocking", "True", "From now on calls on fd 4 sleep as long as it takes."),
        ("settimeout", "None", "From now on calls on fd 4 sleep as long as it takes."),
        ("settimeout", "2.5", "From now on calls on fd 4 sleep for 2.5 s at most."),
        ("shutdown", "SHUT_RD", "shutdown(): this side reads no more. Nothing is sent for that."),
        ("shutdown", "SHUT_WR", "shutdown(): this side sends no more; its FIN says so. It can still receive."),
        ("shutdown", "SHUT_RDWR", "shutdown(): this side neither sends nor reads any more; its FIN says so."),
    ],
)
def test_a_call_is_told_by_what_it_was_given(name: str, arguments: str, words: str) -> None:
    script = opened()
    script.accept("Step", "server")
    script.own_call("server", name, arguments, ref(4, 9, 5000))
    assert narrate(script.world) == words


def test_a_call_that_a_library_makes_by_the_way_is_not_the_news() -> None:
    script = opened()
    script.accept("Step", "server")
    script.own_call("server", "bind", "('', 5000)", ref(3, 9, 5000))
    script.own_call("server", "getsockname", "", ref(3, 9, 5000))
    assert narrate(script.world) == "bind(): port 5000 is claimed. Clients could know this number beforehand."


# --- mistakes with addresses


@pytest.mark.parametrize(
    ("kind", "message", "words"),
    [
        ("TypeError", "'str' object cannot be interpreted as an integer",
         "A port is a number, and this is something else: int(...) makes one."),
        ("TypeError", "socket.bind() takes exactly one argument (2 given)",
         "An address is one value, a pair: bind((host, port))."),
        ("TypeError", "bind(): AF_INET address must be tuple, not str",
         "An address is one value, a pair: bind((host, port))."),
        ("TypeError", "of another kind", "TypeError: of another kind"),
        ("OverflowError", "bind(): port must be 0-65535.", "A port is a 16-bit number: 0 to 65535."),
    ],
)  # fmt: skip
def test_arguments_that_are_no_address(kind: str, message: str, words: str) -> None:
    assert explain(e.CallError(kind, None, None, message), "bind", 8888) == words


def test_another_net_is_advised_only_where_there_is_one() -> None:
    error = e.CallError("OSError", 101, "ENETUNREACH", "[Errno 101] Network is unreachable")
    told = [explain(error, "connect", 80, private=private) for private in (True, False)]
    assert told == [
        "No way leads to that address from here, so nothing was sent: try --net host.",
        "No way leads to that address from here, so nothing was sent.",
    ]


def test_an_error_names_the_port_that_was_called() -> None:
    script = opened()
    script.accept("Step", "client1")
    script.own_call("client1", "connect", "('localhost', 5055)", ref(3, 9), error="ECONNREFUSED")
    assert narrate(script.world) == "Refused: nobody listens on port 5055. The kernel answered RST at once."


# --- who has the port that a bind is refused


def refused(*left: e.KernelSocket, former: int = 0) -> OwnScript:
    """A server that binds port 5000 while these are there; `former`: which process had the first of them, and ended."""
    script = OwnScript()
    script.start_own("server")
    if former:
        script.psutil(e.Owner("tcp", left[0].local, left[0].remote, "ESTABLISHED", former, "python"))
        script.kernel(replace(left[0], state="ESTABLISHED", inode=77))
        script.psutil()
    script.kernel(*left)
    script.accept("Step", "server")
    script.own_call("server", "bind", "('', 5000)", ref(3, 9), error="EADDRINUSE")
    return script


@pytest.mark.parametrize("state", ["FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK"])
def test_an_old_connection_that_keeps_the_port_is_named_by_its_state(state: e.TcpState) -> None:
    old = tcp(state, 5000, 40000)
    assert narrate(refused(old).world) == f"An old connection ({state}) has port 5000: SO_REUSEADDR, or wait."
    told = narrate(refused(old, former=4194304).world)
    assert told == f"PID 4194304 is gone, its connection ({state}) stays: SO_REUSEADDR, or wait."
    assert len(told) <= WIDTH


def test_a_connection_that_a_process_still_has_keeps_the_port() -> None:
    script = refused(tcp("CLOSE_WAIT", 5000, 40000, inode=77))
    assert narrate(script.world) == "A process still has a connection on port 5000 (CLOSE_WAIT): end it first."
    script.psutil(e.Owner("tcp", at(5000), at(40000), "CLOSE_WAIT", 4194304, "python"))
    told = narrate(script.world)
    assert told == "PID 4194304 still has a connection on port 5000 (CLOSE_WAIT): end it first."


def test_who_listens_on_the_port_is_named() -> None:
    assert narrate(refused().world) == "Port 5000 is taken, by a socket that is not seen here: take another port."
    script = refused(tcp("LISTEN", 5000, inode=77))
    assert narrate(script.world) == "Port 5000 has a listener already: take another port."
    script.psutil(e.Owner("tcp", at(5000), None, "LISTEN", 4194304, "nginx"))
    assert narrate(script.world) == "PID 4194304 (nginx) listens on port 5000: end that one, or take another port."
    script.psutil(e.Owner("tcp", at(5000), None, "LISTEN", 42001, "python"))
    assert narrate(script.world) == "Port 5000 is this program's own already: another socket of it is bound."
