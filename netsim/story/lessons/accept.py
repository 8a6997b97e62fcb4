"""Lesson 5: accept(): the listening socket, the queue, and many clients at once."""

from __future__ import annotations

from netsim.model.commands import StartEndpoint
from netsim.model.world import World
from netsim.story.deeds import extra, open_gate, run, run_to, run_until, start, through
from netsim.story.lesson import KERNEL_TABLE, Act, Answer, Ask, Claim, Fresh, Lesson, Mistake, Seen, Step
from netsim.story.sights import (
    address,
    endpoint,
    has_run,
    kernels,
    listen_row,
    listening,
    queue,
    rows,
    sleeps_in,
    states,
)

CLIENTS = ("client1", "client2", "client3")


def _opening(program: str) -> tuple[StartEndpoint, ...]:
    return (
        StartEndpoint(who="server", program=program, role="server", transport="tcp"),
        StartEndpoint(who="client1", program="tcp_client.py", role="client", transport="tcp"),
    )


def _three_clients() -> tuple[Act, ...]:
    """Two clients more, and all three connect."""
    return (
        start("client2", "tcp_client.py"),
        start("client3", "tcp_client.py"),
        *(through(who, "connect") for who in CLIENTS),
    )


def _sockets(seen: Seen) -> list[str]:
    """The local addresses of the server's sockets, by fd."""
    return [str(address(seen.here, "server", index)) for index in range(len(endpoint(seen.here, "server").sockets))]


def _ports(seen: Seen) -> set[str]:
    return {each.rsplit(":", 1)[1] for each in _sockets(seen)}


def _four_on(seen: Seen, ports: int) -> bool:
    return len(_sockets(seen)) == 4 and len(_ports(seen)) == ports


def _greeted(world: World) -> list[str]:
    return [who for who in CLIENTS if has_run(world, who, "s.recv(")]


def _served(seen: Seen) -> str:
    served = _greeted(seen.here)
    return f"{len(served)} of 3 clients have their greeting" + (f": {', '.join(served)}" if served else "")


def _nobody_has_closed(seen: Seen) -> bool:
    return all(endpoint(seen.here, who).sockets for who in CLIENTS)


def _has_sent(count: int) -> Act:
    """Let the server run until it has taken so many clients, greeted them, and waits again."""

    def all_served(world: World) -> bool:
        ends = [ref for ref in endpoint(world, "server").sockets if ref.remote is not None]
        server = endpoint(world, "server")
        return len(ends) == count and server.status != "stopped" and queue(world) == 0

    return run_until(f"the server has served {count}", "server", all_served)


LESSON = Lesson(
    number=5,
    name="accept",
    title="accept()",
    question="One server, one port, three clients. How does it keep them apart?",
    steps=(
        Step(
            text=(
                "The server listens and stops before accept(). Three clients connect, one after the other; packets "
                "pass "
                "by themselves in this lesson. The server program does nothing."
            ),
            label="three clients connect",
            do=(open_gate(), run_to("server", "accept"), *_three_clients()),
            view="table",
            shows=(
                Claim(
                    sentence="All three are connected, and no process has accepted any of them.",
                    holds=lambda seen: (
                        all(states(seen.here, who) == ("ESTABLISHED", "ESTABLISHED") for who in CLIENTS)
                        and len(endpoint(seen.here, "server").sockets) == 1
                    ),
                    saw=lambda seen: f"the server has {len(_sockets(seen))} socket, and no accept() was called",
                    rows=("A2",),
                ),
            ),
        ),
        Step(
            text="They wait in the accept queue, which the kernel keeps for the listening socket.",
            label="look at the queue",
            needs=(KERNEL_TABLE,),
            view="table",
            shows=(
                Claim(
                    sentence="Three connections wait in the accept queue.",
                    holds=lambda seen: queue(seen.here) == 3 and listening(seen.here).receive_queue == 3,
                    saw=lambda seen: f"waiting {queue(seen.here)}, limit {listening(seen.here).send_queue}",
                    rows=("A2",),
                ),
            ),
            after=(
                "Look at the port table: connections without a PID. They are the kernel's, until accept() takes them."
            ),
        ),
        Step(
            text=(
                "Now the server takes all three: its own accept(), and two lines more of the same kind. Each accept() "
                "returns a new socket. With the listening one that makes four."
            ),
            ask=Ask(
                "The server's four sockets: how many local ports do they have?",
                (
                    Answer("one", lambda seen: _four_on(seen, 1)),
                    Answer(
                        "three, one for each client",
                        lambda seen: _four_on(seen, 3),
                        "The clients are kept apart by their own addresses and ports, not by the server's.",
                    ),
                    Answer(
                        "four, one for each socket",
                        lambda seen: _four_on(seen, 4),
                        "A socket is not a port. accept() makes a new socket, and no new port.",
                    ),
                ),
            ),
            label="accept() three times",
            do=(
                run("server"),
                extra("server", "second, addr2 = s.accept()"),
                extra("server", "third, addr3 = s.accept()"),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="Two kinds of socket: one listens, three are connected; one local port.",
                    holds=lambda seen: (
                        _four_on(seen, 1)
                        and kernels(seen.here, "server").state == "LISTEN"
                        and all(kernels(seen.here, "server", index).state == "ESTABLISHED" for index in (1, 2, 3))
                    ),
                    saw=lambda seen: (
                        f"fds {', '.join(str(ref.fd) for ref in endpoint(seen.here, 'server').sockets)}, "
                        f"port {' '.join(sorted(_ports(seen)))}"
                    ),
                    rows=("A1", "A2"),
                ),
                Claim(
                    sentence="The port table has a LISTEN row and three ESTABLISHED ones.",
                    holds=lambda seen: (
                        [row.state for row in rows(seen.here, seen.port)].count("ESTABLISHED") == 3
                        and listen_row(seen.here, seen.port).waiting == 0
                    ),
                    saw=lambda seen: ", ".join(row.state for row in rows(seen.here, seen.port)),
                    rows=("A1",),
                ),
            ),
            after=(
                "The kernel keeps connections apart by four numbers: both addresses and both ports. The listening "
                "socket is still there, and free for the next client."
            ),
        ),
        Step(
            text=(
                "How many may wait? A fresh lab, with a server that calls listen(1) and takes its time before "
                "accept(). "
                "Three clients call."
            ),
            ask=Ask(
                "listen(1), and nobody is accepted. What happens to the third client?",
                (
                    Answer(
                        "it waits in the queue, too",
                        lambda seen: states(seen.here, "client3")[0] == "ESTABLISHED",
                        "The queue has room for two here, and both places are taken.",
                    ),
                    Answer(
                        "it is refused",
                        lambda seen: endpoint(seen.here, "client3").status == "ended",
                        "Linux says nothing rather than no: there may be room when the client's kernel asks again.",
                    ),
                    Answer(
                        "its SYN is ignored, and it sleeps in connect()",
                        lambda seen: sleeps_in(seen.here, "client3") == "connect",
                    ),
                ),
            ),
            label="three clients call a server with listen(1)",
            do=(
                Fresh(opening=_opening("silent_server.py")),
                open_gate(),
                run_to("server", "accept"),
                start("client2", "tcp_client.py"),
                start("client3", "tcp_client.py"),
                through("client1", "connect"),
                through("client2", "connect"),
                run("client3"),
                run("client3"),
            ),
            needs=(KERNEL_TABLE,),
            view="table",
            shows=(
                Claim(
                    sentence="listen(1) lets two wait on Linux; the third client's SYN is ignored.",
                    holds=lambda seen: (
                        queue(seen.here) == 2
                        and listening(seen.here).send_queue == 1
                        and sleeps_in(seen.here, "client3") == "connect"
                    ),
                    saw=lambda seen: (
                        f"limit {listening(seen.here).send_queue}, waiting {queue(seen.here)}, client 3 sleeps"
                    ),
                    rows=("A2",),
                ),
            ),
            after="The limit is for those who wait to be accepted, not for those who are being served.",
        ),
        Step(
            text=(
                "A fresh lab, with the plain server again. Three clients connect. It accepts the first, greets it, and "
                "listens to what it says, with recv(). The first client says nothing."
            ),
            ask=Ask(
                "How many of the three clients get their greeting?",
                (
                    Answer("one", lambda seen: len(_greeted(seen.here)) == 1),
                    Answer(
                        "three, for all are connected",
                        lambda seen: len(_greeted(seen.here)) == 3,
                        "Connected is not accepted. The program sleeps in recv(), for the first one.",
                    ),
                    Answer(
                        "none",
                        lambda seen: not _greeted(seen.here),
                        "The first was accepted and greeted before the server began to listen to it.",
                    ),
                ),
            ),
            label="the server serves one; all clients call recv()",
            do=(
                Fresh(opening=_opening("tcp_server.py")),
                open_gate(),
                run_to("server", "accept"),
                *_three_clients(),
                run_to("server", "recv"),
                run("server"),
                *(run(who) for who in CLIENTS),
            ),
            shows=(
                Claim(
                    sentence="The plain server serves one, and the others wait for it.",
                    holds=lambda seen: (
                        _greeted(seen.here) == ["client1"]
                        and sleeps_in(seen.here, "server") == "recv"
                        and sleeps_in(seen.here, "client2") == sleeps_in(seen.here, "client3") == "recv"
                    ),
                    saw=_served,
                    rows=("A6",),
                ),
            ),
            after="It is one program with one pair of hands: while it sleeps in recv() it can't call accept().",
        ),
        Step(
            text=(
                "A fresh lab with another server: it gives each client a thread, something like a second pair of hands "
                "in the same process. Its main thread only accepts."
            ),
            label="three clients of the server with threads",
            do=(
                Fresh(opening=_opening("threaded_server.py")),
                open_gate(),
                run_to("server", "accept"),
                *_three_clients(),
                _has_sent(3),
                *(run(who) for who in CLIENTS),
            ),
            shows=(
                Claim(
                    sentence="With a thread for each, all three are served at the same time.",
                    holds=lambda seen: len(_greeted(seen.here)) == 3 and _nobody_has_closed(seen),
                    saw=lambda seen: f"{_served(seen)}; nobody has closed",
                    rows=("A6",),
                ),
            ),
        ),
        Step(
            text=(
                "The other way: one thread that waits for all sockets at once, with select(), and then serves the one "
                "that has something to say. A fresh lab with such a server."
            ),
            label="three clients of the server with select()",
            do=(
                Fresh(opening=_opening("selector_server.py")),
                open_gate(),
                run_to("server", "listen"),
                run("server"),
                *_three_clients(),
                _has_sent(3),
                *(run(who) for who in CLIENTS),
            ),
            shows=(
                Claim(
                    sentence="With select() one thread serves all three.",
                    holds=lambda seen: len(_greeted(seen.here)) == 3 and _nobody_has_closed(seen),
                    saw=lambda seen: f"{_served(seen)}; nobody has closed",
                    rows=("A6",),
                ),
            ),
        ),
    ),
    point=(
        "accept() takes a waiting connection and returns a new socket for it: same port, and the listener stays free."
    ),
    mistake=Mistake(
        "accept() opens a new port for each client.",
        "All four sockets had the same local port. So one port can serve as many clients as the machine has room for.",
    ),
    small_print=(
        "Other systems count the queue in other ways, and a limit of the machine's (somaxconn) cuts what listen() asks "
        "for. Big servers mix both ways: several processes or threads, each waiting for many sockets."
    ),
)
