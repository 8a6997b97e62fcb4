"""Lesson 11, second part: who may have a port beside whom.

Law: steps of a lesson (netsim.story.lesson); netsim.story.lessons.no_pid has the lesson.
"""

from __future__ import annotations

from netsim.model.world import Row
from netsim.story.deeds import extra, run, start, start_to
from netsim.story.lesson import Answer, Ask, Claim, Need, Seen, Step, on_linux
from netsim.story.sights import endpoint, listen_rows, rows, tried

SERVER, OTHER, CLIENT = "server", "server2", "client1"
LINUX = Need(on_linux, "Elsewhere a machine has no 127.0.0.2 unless it is given one.")


def _error(seen: Seen, name: str) -> str:
    """The error of the line that was tried, "" if it went well."""
    return tried(seen.kept[name], CLIENT)


def _errors(seen: Seen) -> tuple[str, str]:
    """Of the attempts to bind the port of TCP, and that of UDP."""
    return _error(seen, "tcp"), _error(seen, "udp")


def _listeners(seen: Seen) -> tuple[Row, ...]:
    return listen_rows(seen.here, seen.port)


def _pids(seen: Seen) -> set[int]:
    return {pid for row in _listeners(seen) for pid in row.pids}


BESIDE = (
    Step(
        text=(
            "Now to who may have a port beside whom. A server listens on port {port} of TCP. A second program "
            "wants the very same: we run a line in the client. And then the port of that number that UDP has."
        ),
        ask=Ask(
            "The server has TCP port {port}. What does a second program get?",
            (
                Answer(
                    "neither TCP nor UDP {port}",
                    lambda seen: _errors(seen) == ("EADDRINUSE", "EADDRINUSE"),
                    "TCP and UDP do not share their ports: each has all the numbers for itself.",
                ),
                Answer("UDP {port}, but not TCP {port}", lambda seen: _errors(seen) == ("EADDRINUSE", "")),
                Answer(
                    "both",
                    lambda seen: _errors(seen) == ("", ""),
                    "Then whose would a caller be? With one listener there is no doubt.",
                ),
            ),
        ),
        label="bind the same port of TCP, then of UDP",
        do=(
            *start_to(SERVER, "tcp_server.py", "accept"),
            start(CLIENT, "tcp_client.py"),
            run(CLIENT),
            extra(CLIENT, "s.bind(('127.0.0.1', {port}))", keep="tcp"),
            extra(CLIENT, "(u := socket.socket(type=socket.SOCK_DGRAM)).bind(('127.0.0.1', {port}))", keep="udp"),
        ),
        view="table",
        shows=(
            Claim(
                sentence="One listener for each TCP port and address: the second is refused.",
                holds=lambda seen: _error(seen, "tcp") == "EADDRINUSE" and len(_listeners(seen)) == 1,
                saw=lambda seen: f"bind(): {_error(seen, 'tcp') or 'ok'}",
                rows=("O6",),
            ),
            Claim(
                sentence="UDP's port of the same number is another port: granted.",
                holds=lambda seen: _error(seen, "udp") == "" and len(rows(seen.here, seen.port, "udp")) == 1,
                saw=lambda seen: (
                    f"bind(): {_error(seen, 'udp') or 'ok'}; rows for {seen.port}/udp: "
                    f"{len(rows(seen.here, seen.port, 'udp'))}"
                ),
                rows=("O6",),
            ),
        ),
    ),
    Step(
        text=(
            "And the same TCP port on another address of this machine? 127.0.0.2 is one, too. The client's socket "
            "binds port {port} there, and listens."
        ),
        label="bind the same port on 127.0.0.2",
        do=(extra(CLIENT, "s.bind(('127.0.0.2', {port}))", keep="other"), extra(CLIENT, "s.listen()")),
        needs=(LINUX,),
        view="table",
        shows=(
            Claim(
                sentence="Two addresses, one port number, two processes that listen.",
                holds=lambda seen: (
                    sorted(row.key.host for row in _listeners(seen)) == ["127.0.0.1", "127.0.0.2"]
                    and len(_pids(seen)) == 2
                ),
                saw=lambda seen: ", ".join(f"{row.key.host}: PID {row.pids[0]}" for row in _listeners(seen)),
                rows=("O6",),
            ),
        ),
    ),
    Step(
        text=(
            "Last, on purpose: two programs that both set SO_REUSEPORT bind the same port of the same address. "
            "Then the client tries it without that option."
        ),
        label="start two servers that share the port",
        do=(
            start(CLIENT, "tcp_client.py"),
            run(CLIENT),
            *start_to(SERVER, "sharing_server.py", "accept"),
            *start_to(OTHER, "sharing_server.py", "accept"),
            extra(CLIENT, "s.bind(('127.0.0.1', {port}))", keep="third"),
        ),
        view="table",
        shows=(
            Claim(
                sentence="Two sockets listen on one port, because both agreed to share it.",
                holds=lambda seen: (
                    len(_listeners(seen)) == 2
                    and _pids(seen) == {endpoint(seen.here, SERVER).pid, endpoint(seen.here, OTHER).pid}
                ),
                saw=lambda seen: f"PIDs {' and '.join(map(str, sorted(_pids(seen))))}",
                rows=("O6",),
            ),
            Claim(
                sentence="Who does not ask to share gets nothing.",
                holds=lambda seen: _error(seen, "third") == "EADDRINUSE",
                saw=lambda seen: f"bind(): {_error(seen, 'third') or 'ok'}",
                rows=("O6",),
            ),
        ),
        after="The kernel gives each caller to one of the two. Only programs of the same user may share like this.",
    ),
)
