"""Lesson 11: no PID: who has a port when no process has it; how one says goodbye, and who may have the port next."""

from __future__ import annotations

from netsim.model.world import Row, World
from netsim.story.deeds import extra, kill, let_come, open_gate, run, run_to, runs, start_to, wait
from netsim.story.lesson import KERNEL_TABLE, Answer, Ask, Claim, Lesson, Mistake, Seen, Step
from netsim.story.lessons.no_pid_beside import BESIDE, CLIENT, SERVER
from netsim.story.sights import (
    called,
    endpoint,
    error_of,
    kernels,
    lab_port,
    listen_row,
    mark,
    pids,
    port_of,
    result,
    rows,
    sleeps_in,
    states,
)

TIME_WAIT = 60  # seconds, TCP_TIMEWAIT_LEN in Linux


def _connection(world: World) -> Row:
    """The table's row of the server's end of the only connection."""
    return next(row for row in rows(world, lab_port(world)) if row.key.peer is not None)


def _owner(row: Row) -> str:
    return f"port {row.key.port} {row.state}: {pids(row)}"


def _told(seen: Seen) -> str:
    return ", ".join(f"{packet.sender}: {called(packet)}" for packet in seen.flown) or "no packet"


def _fins(seen: Seen) -> list[str]:
    """Who sent a FIN since the step began."""
    return [packet.sender for packet in seen.flown if "FIN" in packet.flags]


def _says(seen: Seen) -> list[str]:
    """The packets of the last connection."""
    last = seen.here.packets[-1].conversation
    return [called(packet) for packet in seen.here.packets if packet.conversation == last]


def _is_half_closed(world: World) -> bool:
    return states(world) == ("FIN_WAIT2", "CLOSE_WAIT")


def _greeting_is_unread(world: World) -> bool:
    """Only what its kernel has by then makes the client's end a reset; where no queues are told nobody can wait."""
    return not world.kernel_complete or kernels(world, CLIENT).receive_queue > 0


def _of_client(seen: Seen) -> tuple[Row, ...]:
    """What the table has of the port that the client had before the step."""
    return rows(seen.here, port_of(seen.start, CLIENT))


def _kernels_alone(found: tuple[Row, ...]) -> bool:
    return [row.state for row in found] == ["TIME_WAIT"] and not found[0].pids and found[0].whose == "kernel"


def _seconds_left(seen: Seen, row: Row) -> float:
    if row.expires_at is None:
        raise LookupError("no timer")
    return row.expires_at - seen.here.at


def _left_to_the_kernel(seen: Seen) -> bool:
    """The server's end alone is there, in TIME_WAIT, and no process has it."""
    return _kernels_alone(rows(seen.here, seen.port)) and endpoint(seen.here, SERVER).status == "ended"


def _bind(world: World) -> str:
    return mark(world, SERVER, "s.bind(").text


LESSON = Lesson(
    number=11,
    name="no-pid",
    title="No PID",
    question="Can a port be in use when no process has it?",
    steps=(
        Step(
            text=(
                "A server listens, and stops before accept(). A client connects. Packets pass by themselves in this "
                "lesson. Look at the port table: at the server's end of the new connection."
            ),
            label="the client connects",
            do=(open_gate(), run_to(SERVER, "accept"), run_to(CLIENT, "connect"), run(CLIENT)),
            view="table",
            shows=(
                Claim(
                    sentence="The connection is open, and its end at the server has no PID.",
                    holds=lambda seen: (
                        states(seen.here) == ("ESTABLISHED", "ESTABLISHED")
                        and not _connection(seen.here).pids
                        and _connection(seen.here).whose == "kernel"
                    ),
                    saw=lambda seen: _owner(_connection(seen.here)),
                    rows=("W5",),
                ),
            ),
            after="The kernel has made it, and keeps it in the queue of the listening socket.",
        ),
        Step(
            text="Now the server accepts, and greets; the client reads, and says hello; the server reads that.",
            label="accept, and talk",
            do=runs(SERVER, SERVER, CLIENT, CLIENT, SERVER, SERVER),
            view="table",
            shows=(
                Claim(
                    sentence="accept() gave it to a process: the same row has a PID now.",
                    holds=lambda seen: (
                        _connection(seen.here).pids == (endpoint(seen.here, SERVER).pid,)
                        and _connection(seen.here).key == _connection(seen.start).key
                    ),
                    saw=lambda seen: _owner(_connection(seen.here)),
                    rows=("W5",),
                ),
            ),
        ),
        Step(
            text=(
                "Goodbye is said in each direction by itself. The client says: no more from me. That is "
                "shutdown(SHUT_WR), a line more that we run in it. It sends a FIN."
            ),
            ask=Ask(
                "After the client's FIN the server sends 'goodbye'. Does it arrive?",
                (
                    Answer("yes", lambda seen: result(seen.here, CLIENT) == "b'goodbye'"),
                    Answer(
                        "no, the connection is closed",
                        lambda seen: result(seen.here, CLIENT) != "b'goodbye'",
                        "One half of it is. The FIN says that its sender sends no more, not that it reads no more.",
                    ),
                ),
            ),
            label="shutdown() in the client; then the server sends",
            do=(
                extra(CLIENT, "s.shutdown(socket.SHUT_WR)", keep="half"),
                let_come("the server's kernel has said that it has come", _is_half_closed, keep="half"),
                extra(SERVER, "conn.send(b'goodbye')"),
                extra(CLIENT, "s.recv(1024)"),
            ),
            shows=(
                Claim(
                    sentence="One FIN: the client's end is FIN_WAIT2, the server's CLOSE_WAIT.",
                    holds=lambda seen: _fins(seen) == ["client"] and _is_half_closed(seen.kept["half"]),
                    saw=lambda seen: "client {}, server {}".format(*states(seen.kept["half"])),
                    rows=("E1",),
                ),
                Claim(
                    sentence="The other half is open: bytes still come from the server.",
                    holds=lambda seen: result(seen.here, CLIENT) == "b'goodbye'",
                    saw=lambda seen: f"recv() returned {result(seen.here, CLIENT)}",
                    rows=("E1",),
                ),
            ),
            after="This is called half-closed. The server's recv() has returned b'': the end of what the client says.",
        ),
        Step(
            text="Then the server closes, too. The client calls close(), which is its last line, and ends.",
            ask=Ask(
                "The client said goodbye first, and has ended. Who has its port?",
                (
                    Answer(
                        "nobody: it is free",
                        lambda seen: not _of_client(seen),
                        "The process is gone. But a packet of this connection may still be under way.",
                    ),
                    Answer("the kernel", lambda seen: _kernels_alone(_of_client(seen))),
                    Answer(
                        "its PID, until somebody else gets it",
                        lambda seen: any(row.pids for row in _of_client(seen)),
                        "A PID without a process is nobody's. A port can do without any PID.",
                    ),
                ),
            ),
            label="the server closes; the client closes, and ends",
            do=runs(SERVER, CLIENT),
            needs=(KERNEL_TABLE,),
            view="table",
            shows=(
                Claim(
                    sentence="The second FIN has come; the server's end is gone at once.",
                    holds=lambda seen: _fins(seen) == ["server"] and states(seen.here) == ("TIME_WAIT", ""),
                    saw=_told,
                    rows=("E1",),
                ),
                Claim(
                    sentence="The client's end stays, in TIME_WAIT: no process, and yet a port.",
                    holds=lambda seen: (
                        endpoint(seen.here, CLIENT).status == "ended" and _kernels_alone(_of_client(seen))
                    ),
                    saw=lambda seen: f"the client has ended; {_owner(_of_client(seen)[0])}",
                    rows=("W5", "E1"),
                ),
                Claim(
                    sentence="A timer of the kernel's runs: after a minute the row is gone.",
                    holds=lambda seen: 0 < _seconds_left(seen, _of_client(seen)[0]) <= TIME_WAIT,
                    saw=lambda seen: f"{_seconds_left(seen, _of_client(seen)[0]):.0f} s left",
                    rows=("W5",),
                ),
            ),
            after=(
                "Who says goodbye first waits: its last ACK may be lost, and then it must say it again; and late "
                "packets of this connection must not reach the next one."
            ),
        ),
        Step(
            text=(
                "Now the other way round: this server greets, and closes first. Then the client closes; and then we "
                "end the server. No process is left that has port {port}."
            ),
            label="a server that closes first; then it ends",
            do=(
                *start_to(SERVER, "reusing_server.py", "accept"),
                *start_to(CLIENT, "simple_client.py", "connect"),
                *runs(CLIENT, SERVER, SERVER, SERVER, CLIENT, CLIENT),
                kill(SERVER),
            ),
            needs=(KERNEL_TABLE,),
            view="table",
            shows=(
                Claim(
                    sentence="Now the server's end is in TIME_WAIT: port {port} has no PID.",
                    holds=_left_to_the_kernel,
                    saw=lambda seen: "; ".join(map(_owner, rows(seen.here, seen.port))) or "no row",
                    rows=("W5", "E1"),
                ),
            ),
        ),
        Step(
            text=(
                "The server starts again, as after a crash. First it is the simplest server; then one that has a line "
                "more: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)."
            ),
            ask=Ask(
                "The simplest server asks for port {port}, which no process has. Does it get it?",
                (
                    Answer(
                        "yes: nobody has it",
                        lambda seen: endpoint(seen.kept["simple"], SERVER).error is None,
                        "No process has it. But the kernel has, for a minute.",
                    ),
                    Answer("no", lambda seen: error_of(seen.kept["simple"], SERVER).name == "EADDRINUSE"),
                ),
            ),
            label="bind() without SO_REUSEADDR, and with it",
            do=(
                *start_to(SERVER, "simple_server.py", "bind"),
                run(SERVER, keep="simple"),
                *start_to(SERVER, "reusing_server.py", "accept"),
            ),
            needs=(KERNEL_TABLE,),
            view="table",
            shows=(
                Claim(
                    sentence="Refused: the address is in use, by no process at all.",
                    holds=lambda seen: error_of(seen.kept["simple"], SERVER).name == "EADDRINUSE",
                    saw=lambda seen: error_of(seen.kept["simple"], SERVER).message,
                    rows=("W5",),
                ),
                Claim(
                    sentence="With SO_REUSEADDR it gets the port beside what is in TIME_WAIT.",
                    holds=lambda seen: (
                        listen_row(seen.here, seen.port).pids == (endpoint(seen.here, SERVER).pid,)
                        and "TIME_WAIT" in [row.state for row in rows(seen.here, seen.port)]
                    ),
                    saw=lambda seen: f"bind() {_bind(seen.here)}",
                    rows=("W5", "O6"),
                ),
            ),
            after="Nearly every server has that line. netsim's own have it, too, but for the simplest.",
        ),
        Step(
            text=(
                "What if nobody says goodbye? A client connects, the server greets it, and waits for what it says. "
                "The client has not read the greeting yet: it is killed."
            ),
            ask=Ask(
                "What does the server's recv() get?",
                (
                    Answer(
                        "b'', the end",
                        lambda seen: endpoint(seen.here, SERVER).error is None and not sleeps_in(seen.here, SERVER),
                        "So it is after a FIN. But there were bytes that nobody will ever read: that is no good end.",
                    ),
                    Answer(
                        "nothing: it waits for ever",
                        lambda seen: sleeps_in(seen.here, SERVER) == "recv",
                        "The process is gone, but its kernel is not, and tells the other side.",
                    ),
                    Answer("an error", lambda seen: error_of(seen.here, SERVER).name == "ECONNRESET"),
                ),
            ),
            label="kill the client before it reads",
            do=(
                *start_to(SERVER, "tcp_server.py", "accept"),
                *start_to(CLIENT, "tcp_client.py", "connect"),
                *runs(CLIENT, SERVER, SERVER, SERVER),
                let_come("the greeting is there", _greeting_is_unread),
                kill(CLIENT),
                wait("the server hears of it", lambda world: not sleeps_in(world, SERVER)),
            ),
            shows=(
                Claim(
                    sentence="Instead of a FIN came an RST, and no end of the connection is left.",
                    holds=lambda seen: (
                        _says(seen)[-1].startswith("RST") and not any("FIN" in each for each in _says(seen))
                    ),
                    saw=lambda seen: ", ".join(_says(seen)),
                    rows=("E1",),
                ),
                Claim(
                    sentence="The server got an error: the connection was reset by the client's side.",
                    holds=lambda seen: error_of(seen.here, SERVER).name == "ECONNRESET",
                    saw=lambda seen: error_of(seen.here, SERVER).message,
                    rows=("E1",),
                ),
            ),
            after=(
                "After an RST nobody waits: no TIME_WAIT. Had the client read all before, its kernel would have sent "
                "a FIN for it: the kernel closes whatever a process leaves open, however that ends."
            ),
        ),
        *BESIDE,
    ),
    point="The kernel has the ports and lends them out: before accept() and after close() they are its own.",
    mistake=Mistake(
        "close() frees the port at once.",
        "Who closes first leaves it in TIME_WAIT: for a minute on Linux, although no process has it any more.",
    ),
    small_print=(
        "If both close at the same moment, both wait. SO_REUSEADDR helps only if the old listener had set it, too. "
        "And it is bind() that TIME_WAIT stops: for a new call the kernel may use such a port earlier, where it can "
        "tell old packets by their timestamps."
    ),
)
