"""Nothing that comes from outside breaks the picture: payloads, names, errors and source lines of any kind."""

from __future__ import annotations

import unicodedata
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from netsim.model.address import Conversation, Transport
from netsim.model.events import CallError, KernelSocket, TcpState
from netsim.model.packet import Packet
from netsim.model.world import Endpoint, Focus, Holder, Mark, RowKey, Status, World
from netsim.text.charset import ASCII, UNICODE, Charset, cells
from netsim.text.grid import Grid
from netsim.text.lines import Line
from netsim.text.screen import Scene, draw_screen
from tests.script import at, ref, tcp
from tests.text.frames import FD3, LISTENER, LISTENING
from tests.worlds import build, datagram, packets, program, udp

TEXT = st.one_of(
    st.text(max_size=90),
    st.text(alphabet="\x1b[]0;\x07\n\r\t\u202e\u200b\u0301漢👍a(),'\"\\ ", max_size=60),
    st.sampled_from(["s.send(b'x')", "x" * 300, "漢" * 100, "(((((", "'", "socket.SO_REUSEADDR, (", "\t" * 20 + "x"]),
)
STATUSES = st.sampled_from(get_args(Status))
STATES: st.SearchStrategy[TcpState] = st.sampled_from(["SYN_RECV", "ESTABLISHED", "TIME_WAIT", "CLOSE_WAIT"])
STRANGERS: tuple[tuple[Transport, int], ...] = (("tcp", 51324), ("udp", 40113), ("tcp", 1))
FOCUSED = [Focus(), *(Focus(each, stranger=Conversation(each, at(port), at(8888))) for each, port in STRANGERS)]
ERRORS = st.none() | st.builds(CallError, type=TEXT, errno=st.none(), name=st.none() | TEXT, message=TEXT)


@st.composite
def endpoints(draw: st.DrawFn, who: str) -> Endpoint:
    """A program whose every text is hostile, at any line of it, in any state."""
    source = tuple(draw(st.lists(TEXT, max_size=14)))
    line = draw(st.integers(0, len(source) + 1))
    marks = {number: Mark(draw(TEXT), True, "send") for number in draw(st.sets(st.integers(0, 15), max_size=3))}
    sockets = draw(st.sampled_from([(), (FD3,), (LISTENING, ref(4, 31, 8888, 51324)), (ref(123456, 1),)]))
    return program(
        who, source=source or ("",), status=draw(STATUSES), line=line, marks=marks, extra=draw(TEXT), sockets=sockets,
        extra_result=draw(TEXT), extra_error=draw(ERRORS), error=draw(ERRORS), exit_status=draw(st.integers(-64, 255)),
        former_pids=tuple(draw(st.lists(st.integers(1, 2**22), max_size=2))),
    )  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Two pairs of them, with packets of any content and sockets in any state."""
    who = ("server", "client1", "udpserver", "udpclient1")
    programs = [draw(endpoints(each)) for each in draw(st.sets(st.sampled_from(who)))]
    queue = st.integers(0, 2**31)
    kernel: list[KernelSocket] = [replace(LISTENER, receive_queue=draw(queue)), udp(8888, inode=3, receive=draw(queue))]
    for state in draw(st.lists(STATES, max_size=4)):
        kernel.append(tcp(state, 8888, draw(st.integers(1, 65535)), receive=draw(queue)))
    fate = draw(st.sampled_from(["delivered", "held", "lost"]))
    evidence = draw(st.sampled_from(["inferred", "seen"]))
    sent: list[Packet] = list(packets("> SYN seq=0", "< 4294967295 bytes seq=4294967295", evidence=evidence))
    sent += [replace(datagram(">", draw(st.binary(max_size=99)), number=3), fate=fate, evidence=evidence)]
    remembered = {RowKey(51324, "tcp", "127.0.0.1", at(8888)): (Holder(41240, draw(TEXT)), Holder(7, draw(TEXT)))}
    focus = draw(st.sampled_from(FOCUSED))
    return build(*programs, kernel=tuple(kernel), packets=tuple(sent), remembered=remembered, focus=focus)


def check(lines: list[Line], columns: int, rows: int, charset: Charset) -> None:
    assert len(lines) == rows
    for line in lines:
        assert sum(cells(span.text) for span in line) == columns
        for span in line:
            assert not any(unicodedata.category(char).startswith(("C", "M", "Zl", "Zp")) for char in span.text)
            assert charset is UNICODE or span.text.isascii()


@settings(max_examples=150, deadline=None)
@given(
    world=worlds(),
    size=st.sampled_from([(80, 24), (81, 25), (100, 30), (120, 36), (160, 24), (173, 33), (200, 50), (260, 60)]),
    charset=st.sampled_from([UNICODE, ASCII]),
    why=TEXT,
    label=TEXT,
    keys=st.lists(st.tuples(TEXT, TEXT), max_size=3),
    target=st.sampled_from(["", "server", "client1", "packet 1", "packet 3"]),
    offset=st.integers(0, 5),
    progress=st.dictionaries(st.integers(1, 3), st.floats(0, 1)),
)
def test_exact_widths_and_no_control_characters(
    world: World,
    size: tuple[int, int],
    charset: Charset,
    why: str,
    label: str,
    keys: list[tuple[str, str]],
    target: str,
    offset: int,
    progress: dict[int, float],
) -> None:
    grid = Grid.of(*size)
    assert grid is not None
    scene = Scene(why, "SPACE", label, tuple(keys), target, None, progress, offset)
    check(draw_screen(world, grid, charset, scene), *size, charset)
