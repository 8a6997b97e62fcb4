"""The case's steps as data: what space does, the aims behind it, and the command that shows the same elsewhere."""

from __future__ import annotations

from netsim.story import case_words as words
from netsim.story.case import Step
from netsim.story.case_aims import (
    Aim,
    Crowd,
    Gate,
    Gone,
    Knock,
    Leave,
    Listed,
    LookUp,
    Open,
    Probe,
    Prove,
    Refused,
    Seen,
    Serve,
    Stand,
    Visit,
)
from netsim.story.case_proofs import connections, listeners, processes
from netsim.story.case_record import HERE, THERE

MORE_RESTARTS = 10
EVERYBODY = ("client1", "server", "server2")
ASKING = "asking_client.py"


def steps(*, private: bool, held: bool) -> tuple[Step, ...]:
    """All of them. `private`: low ports can be had, and another machine be set apart; `held`: packets can be."""
    once_more: tuple[Aim, ...] = (
        Gone(("server",)),
        Serve("tcp_server.py"),
        Probe(former=True),
        Knock(ASKING),
        Probe(),
    )
    return (
        Step(
            exhibit=1,
            label=lambda case: "",
            aims=(Serve("tcp_server.py"), Listed()),
            said=words.two_numbers,
            check=listeners,
        ),
        Step(
            exhibit=1,
            label=lambda case: f"try both: connect to port {case.port}, and ask for PID {case.pid()}",
            aims=(Knock(ASKING), Probe()),
            said=words.even,
            check=processes,
            flags=("SYN",),
        ),
        Step(
            exhibit=1,
            label=lambda case: f"end the server (PID {case.pid()}), and start it again",
            aims=(Gone(("server",)), Serve("tcp_server.py")),
            said=words.restarted,
            check=listeners,
            flags=("FIN", "RST"),
        ),
        Step(
            exhibit=1,
            label=lambda case: "ask both again: the kernel answers",
            aims=(Probe(former=True), Knock(ASKING), Probe()),
            said=words.same_door,
            check=processes,
        ),
        Step(
            exhibit=1,
            label=lambda case: "ten more restarts, and each time ask both",
            aims=once_more * MORE_RESTARTS + (Prove(1),),
            said=words.poster,
            check=processes,
        ),
        Step(
            exhibit=2,
            label=lambda case: "exhibit 2: one process opens four ports",
            aims=(Gone(EVERYBODY), Serve("many_ports_server.py", ports=4), Probe()),
            said=words.four_ports,
            check=listeners,
        ),
        Step(
            exhibit=2,
            label=lambda case: "a client asks at each of the ports",
            aims=(LookUp("many_ports_client.py"), Prove(2)),
            said=words.four_answers,
            check=listeners,
        ),
        Step(
            exhibit=3,
            label=lambda case: "exhibit 3: the server forks",
            aims=(Gone(EVERYBODY), Serve("forking_server.py", asleep=True, forks=1), Listed(), Probe(), Prove(3)),
            said=words.forked,
            check=listeners,
        ),
        Step(
            exhibit=3,
            label=lambda case: "clients call: which process gets them?",
            aims=(Crowd("simple_client.py", ("server",), most=6),),
            said=words.two_workers,
            check=listeners,
        ),
        Step(
            exhibit=3,
            label=lambda case: "without fork(): two servers share the port, and clients call",
            aims=(
                Gone(EVERYBODY),
                Serve("sharing_server.py"),
                Serve("sharing_server.py", who="server2"),
                Listed(("server", "server2")),
                Crowd("simple_client.py", ("server", "server2"), most=12),
                Probe(("server", "server2")),
            ),
            said=words.siblings,
            check=listeners,
        ),
        Step(
            exhibit=4,
            label=lambda case: "exhibit 4: a client connects, and no program accepts",
            aims=(
                Gone(EVERYBODY),
                Serve("reusing_server.py"),
                Visit("simple_client.py", "connect", served=False),
                Seen("ESTABLISHED"),
                Probe(),
            ),
            said=words.not_accepted,
            check=connections,
        ),
        Step(
            exhibit=4,
            label=lambda case: "the server accepts, sends, and closes" + (", the client closes" if held else ""),
            aims=(
                Visit("simple_client.py", fresh=False),
                Seen("FIN_WAIT2"),
                *((Gate(open=False), Leave(served=False), Seen("LAST_ACK")) if held else ()),
                Probe(),
            ),
            said=words.closed,
            check=connections,
            flags=("FIN", "RST"),
        ),
        Step(
            exhibit=4,
            label=lambda case: ("deliver the last FIN" if held else "let the client close") + ", and end the server",
            aims=(
                Gate(open=True),
                Leave(),
                Seen("TIME_WAIT"),
                Gone(("server",)),
                Seen("TIME_WAIT"),
                Probe(former=True),
                Stand("simple_client.py"),  # without anybody in it nobody could enter the net, to look at it
                Prove(4),
            ),
            said=words.time_wait,
            check=connections,
            flags=("FIN", "RST"),
        ),
        Step(
            exhibit=4,
            label=lambda case: f"bind port {case.port} again: without SO_REUSEADDR, then with it",
            aims=(Refused("simple_server.py"), Serve("reusing_server.py")),
            said=words.rebound,
            check=connections,
        ),
        Step(
            exhibit=5,
            label=lambda case: "exhibit 5: the same server on " + ("another machine" if private else "another port"),
            aims=(Open(THERE), Serve("reusing_server.py", lab=THERE), Prove(5)),
            said=words.two_machines,
            check=lambda case: listeners(case, THERE),
            labs=(HERE, THERE),
        ),
        Step(
            exhibit=5,
            label=lambda case: "call both" + (", by the same line" if private else ""),
            aims=(
                Visit("simple_client.py"),
                Visit("simple_client.py", lab=THERE),
                Probe(),
                Probe(lab=THERE),
            ),
            said=words.both_called,
            check=lambda case: listeners(case, THERE),
            labs=(HERE, THERE),
        ),
        Step(
            exhibit=5,
            label=lambda case: "the case in five lines, each with its proof",
            aims=(),
            said=words.verdict,
            check=lambda case: None,
            labs=(HERE, THERE),
        ),
    )
