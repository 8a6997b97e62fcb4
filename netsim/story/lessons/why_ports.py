"""Lesson 10: why ports: a port is agreed beforehand, a PID is dealt at the start, and each has its own meaning."""

from __future__ import annotations

from netsim.story.deeds import (
    extra,
    in_turns,
    kill,
    let_come,
    open_gate,
    run,
    run_to,
    run_until,
    runs,
    start,
    start_to,
)
from netsim.story.director import OPENING
from netsim.story.lesson import GATE, PRIVATE, Answer, Ask, Claim, Fresh, Lesson, Mistake, Probe, Step
from netsim.story.lessons import why_ports_seen as look
from netsim.story.lessons.why_ports_seen import AWAY, CLIENT, FORK, SERVER
from netsim.story.sights import endpoint

GETPID = "__import__('os').getpid()"


LESSON = Lesson(
    number=10,
    name="why-ports",
    title="Why ports",
    question="A process has a number already, its PID. Why is the server not called by that?",
    opening=(OPENING[1],),
    steps=(
        Step(
            text=(
                "Here is a client, and no server yet. Still the client's line is written: s.connect(('127.0.0.1', "
                "{port})). Now we start a server: it gets a PID as it starts, binds port {port}, and listens."
            ),
            label="start the server",
            do=(open_gate(), *start_to(SERVER, "tcp_server.py", "accept")),
            view="table",
            shows=(
                Claim(
                    sentence="The client's line has named the port since before there was a server.",
                    holds=look.line_without_pid,
                    saw=lambda seen: f"{look.line(seen.here).strip()}; the server got PID {look.new(seen).pid}",
                    rows=("W0",),
                ),
            ),
            after="A port can be agreed beforehand. A PID is dealt by the kernel: nobody knows it before the start.",
        ),
        Step(
            text=(
                "The client connects, the server accepts and greets it, and the client reads. We look whether the PID "
                "was needed for it: into the packets, at every field of both headers."
            ),
            label="the client connects and is greeted",
            do=(run_to(CLIENT, "connect"), *runs(CLIENT, SERVER, SERVER, CLIENT)),
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="Each header bit belongs to a field; there are ports, and no PID.",
                    holds=lambda seen: look.served(seen) and look.all_named(seen),
                    saw=lambda seen: f"{len(seen.flown)} packets, {len(look.header_fields(seen))} kinds of fields",
                    rows=("W0",),
                ),
            ),
        ),
        Step(
            text=(
                "What is a PID good for, then? On its own machine one can ask for it, and one can send it a signal: "
                "a mere number, with no data. We ask whether the server's PID is there; and then send it signal 9, "
                "SIGKILL."
            ),
            label="ask for the server's PID; then send it signal 9",
            do=(
                Probe(words="ask for the PID", pid=lambda seen: look.new(seen).pid, name="server"),
                kill(SERVER),
            ),
            shows=(
                Claim(
                    sentence="Somebody had that PID.",
                    holds=lambda seen: look.is_there(seen, "server"),
                    saw=lambda seen: f"PID {seen.probes['server'].pid} {seen.probes['server'].errno or 'was there'}",
                    rows=("W0",),
                ),
                Claim(
                    sentence="What it took was a signal, and that ended it.",
                    holds=lambda seen: look.new(seen).status == "ended" and look.new(seen).exit_status == -9,
                    saw=lambda seen: f"{look.new(seen).status}, by signal {look.new(seen).killed_by}",
                    rows=("W0",),
                ),
            ),
        ),
        Step(
            text=(
                "The server is gone, as after a crash. We start the same program again, on the same machine, and ask "
                "for the old PID and for the new one."
            ),
            ask=Ask(
                "After the restart: what has changed?",
                (
                    Answer(
                        "the port",
                        lambda seen: look.restarted_with(seen, port=True, pid=False),
                        "The port stands in the server's program, and that is the same as before.",
                    ),
                    Answer("the PID", lambda seen: look.restarted_with(seen, port=False, pid=True)),
                    Answer(
                        "both",
                        lambda seen: look.restarted_with(seen, port=True, pid=True),
                        "The PID is dealt anew, but the port is asked for, by the program: it is the same again.",
                    ),
                ),
            ),
            label="start the server again, and ask for both PIDs",
            do=(
                *start_to(SERVER, "tcp_server.py", "accept"),
                Probe(words="ask for the old PID", pid=look.old_pid, name="old", started="server"),
                Probe(words="ask for the new PID", pid=lambda seen: look.new(seen).pid, name="new"),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="The port's row is as before, but its PID is another.",
                    holds=lambda seen: look.restarted_with(seen, port=False, pid=True),
                    saw=lambda seen: f"{look.row(seen.here)}; before: PID {look.old_pid(seen)}",
                    rows=("W1",),
                ),
                Claim(
                    sentence="Nobody answers for the old PID; the new one is there.",
                    holds=lambda seen: look.nobody_has_the_old(seen) and look.is_there(seen, "new"),
                    saw=look.asked,
                    rows=("W1",),
                ),
            ),
            after="A client that had kept the PID would ask for nobody, or, some day, for a stranger who got it next.",
        ),
        Step(
            text="And the client? We start it once more: the same program, without a letter changed. It calls.",
            label="the same client calls again",
            do=(*start_to(CLIENT, "tcp_client.py", "connect"), *runs(CLIENT, SERVER, SERVER, CLIENT)),
            view="table",
            shows=(
                Claim(
                    sentence="The same line reaches the new server, and gets its greeting.",
                    holds=lambda seen: look.served(seen) and look.line(seen.here) == look.line(seen.start),
                    saw=lambda seen: look.line_and_result(seen.here),
                    rows=("W1",),
                ),
            ),
        ),
        Step(
            text=(
                "The second reason: one process may serve several ports. This one asks for "
                "{port} and {port+1}, and for 80 and 443, where the web is at home; there not everybody may bind."
            ),
            label="start one server with several services",
            do=(
                start(SERVER, "many_ports_server.py"),
                run_until("it listens", SERVER, look.waits),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="One PID has every port that it was allowed: several services.",
                    holds=look.all_granted_or_refused,
                    saw=lambda seen: f"PID {look.new(seen).pid} listens on {' '.join(map(str, look.listens_on(seen)))}",
                    rows=("W2",),
                ),
            ),
            after="Which of these services would its PID mean? It can't say. The port can.",
        ),
        Step(
            text="In this net all four are granted. A client asks at one port after the other.",
            label="a client asks at all four ports",
            do=(
                start(CLIENT, "many_ports_client.py"),
                in_turns(
                    "the client asks at each port",
                    (CLIENT, SERVER),
                    lambda world: endpoint(world, CLIENT).status == "ended",
                ),
            ),
            needs=(PRIVATE,),
            view="table",
            shows=(
                Claim(
                    sentence="Four ports, four answers, and one PID behind them.",
                    holds=look.four_answers,
                    saw=lambda seen: "; ".join(look.answers(seen)),
                    rows=("W2",),
                ),
            ),
        ),
        Step(
            text=(
                "The third reason is the other way round: a server may be several processes. This one listens, then "
                "calls fork(), which makes a copy of it. Both have the same listening socket, and wait in accept()."
            ),
            ask=Ask(
                "Two processes, one listening socket: how often is port {port} there as LISTEN?",
                (
                    Answer("once, with two PIDs", lambda seen: look.shared(seen, listening=1, by=2)),
                    Answer(
                        "twice, each with its PID",
                        lambda seen: look.shared(seen, listening=2, by=1),
                        "fork() makes a second process and no second socket: both have the same one open.",
                    ),
                    Answer(
                        "once, with the first one's PID",
                        lambda seen: look.shared(seen, listening=1, by=1),
                        "A copied process has the open files of the first one, and a socket is such a file.",
                    ),
                ),
            ),
            label="start a server that forks",
            do=(
                *start_to(SERVER, "forking_server.py", "accept"),
                run(SERVER),
                let_come("the table shows both", lambda world: len(look.listeners(world)) == 2),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="One port, one socket, two PIDs.",
                    holds=lambda seen: (
                        look.shared(seen, listening=1, by=2) and look.listeners(seen.here) == look.workers(seen.here)
                    ),
                    saw=lambda seen: look.row(seen.here),
                    rows=("W4", "O6"),
                ),
            ),
        ),
        Step(
            text="A client calls this port. It can't know which of the two will take it, and need not.",
            label="the client calls",
            do=(
                *start_to(CLIENT, "tcp_client.py", "connect"),
                in_turns("the client is greeted", (CLIENT, SERVER), look.has_read),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="One of the two took the call; the client's line is the same.",
                    holds=lambda seen: look.served(seen) and look.names_port(seen.here),
                    saw=lambda seen: look.line_and_result(seen.here),
                    rows=("W4",),
                ),
            ),
        ),
        Step(
            text="Now we kill the first of the two processes: the one whose PID the server had from the beginning.",
            ask=Ask(
                "And port {port}?",
                (
                    Answer(
                        "nobody listens any more",
                        lambda seen: look.shared(seen, listening=0, by=0),
                        "A socket goes only when the last process that has it open has closed it or ended.",
                    ),
                    Answer("the other one listens on it", lambda seen: look.shared(seen, listening=1, by=1)),
                ),
            ),
            label="kill the first process",
            do=(kill(SERVER), let_come("the table shows one", lambda world: len(look.listeners(world)) == 1)),
            view="table",
            shows=(
                Claim(
                    sentence="The port is served still, by the other PID.",
                    holds=look.fork_alone_listens,
                    saw=look.row_and_workers_before,
                    rows=("W4",),
                ),
            ),
        ),
        Step(
            text=(
                "The last one: another machine. A second lab stands for it: a net apart from this one, which numbers "
                "its processes itself. On both we start the same server, and let it ask the kernel for its PID."
            ),
            ask=Ask(
                "The same server on two machines. What do both have?",
                (
                    Answer("the same port", lambda seen: look.same_port(seen) and not look.same_pid(seen)),
                    Answer(
                        "the same PID",
                        lambda seen: look.same_pid(seen) and not look.same_port(seen),
                        "Each machine deals its own, in the order in which its processes start.",
                    ),
                    Answer(
                        "the same port and PID",
                        lambda seen: look.same_pid(seen) and look.same_port(seen),
                        "It could happen, by chance. Each machine counts its own processes, from its own start.",
                    ),
                ),
            ),
            label="the same server on both machines",
            do=(
                kill(FORK),
                *start_to(SERVER, "tcp_server.py", "accept"),
                extra(SERVER, GETPID, keep="here"),
                Fresh(words="a second machine", lab=AWAY),
                run_to(SERVER, "accept", lab=AWAY),
                extra(SERVER, GETPID, lab=AWAY, keep="there"),
            ),
            needs=(PRIVATE,),
            view="table",
            shows=(
                Claim(
                    sentence="Both listen on port {port}, and each has another PID.",
                    holds=lambda seen: look.same_port(seen) and not look.same_pid(seen),
                    saw=lambda seen: "os.getpid() says {} here, {} there".format(*look.inside(seen)),
                    rows=("W3",),
                ),
            ),
            after=(
                "So a program made for both can say {port}, and no PID. From outside both labs one sees still other "
                "numbers: those of the machine that they really run on."
            ),
        ),
        Step(
            text="And the client's line, the same as in the beginning, is used on the second machine.",
            label="a client calls on the second machine",
            do=(
                open_gate(lab=AWAY),
                run_to(CLIENT, "connect", lab=AWAY),
                *runs(CLIENT, SERVER, SERVER, CLIENT, lab=AWAY),
            ),
            needs=(PRIVATE,),
            view="table",
            shows=(
                Claim(
                    sentence="It reaches the server of that machine.",
                    holds=lambda seen: look.names_port(seen.labs[AWAY]) and look.has_read(seen.labs[AWAY]),
                    saw=lambda seen: look.line_and_result(seen.labs[AWAY]),
                    rows=("W3",),
                ),
            ),
        ),
    ),
    point="A port is agreed beforehand and names a service. A PID is dealt at the start, and names one process.",
    mistake=Mistake(
        "A packet is for a process, so it could say its PID.",
        "It is for a service. Which process has that just now, only the kernel over there knows, and it changes.",
    ),
    small_print=(
        "Ports move too, if somebody changes them: then the clients' lines have to change. And a signal can carry a "
        "number with it (sigqueue), but to a process of the same machine only, and not from anybody."
    ),
)
