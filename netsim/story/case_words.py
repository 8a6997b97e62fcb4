"""The case's sentences: each is made of what was seen, and says so where something else came than was to come.

Law: true, in plain words, at most two lines of 77 columns.
"""

from __future__ import annotations

from netsim.model.world import Row
from netsim.story.case import Case
from netsim.story.case_approach import rows_of_last
from netsim.story.case_counts import attempts, last_two, listening, newest, number, servers, shares
from netsim.story.case_record import HERE, THERE, is_alive, is_gone

# --- exhibit 1


def two_numbers(case: Case) -> str:
    """Before anything was tried."""
    pid = case.pid()
    if not any(pid in row.pids and row.key.port == case.port for row in listening(case)):
        return _no_server(case)
    return (
        f"Two numbers lead to this program: port {case.port}, in the client's text before the server ran, and "
        f"PID {pid}, dealt when it started. Why two?"
        if case.private
        else f"Two numbers: port {case.port} (the story beside this one has its own), known before the server ran, and "
        f"PID {pid}, dealt when it started. Why two?"
    )


def even(case: Case) -> str:
    """Both answer."""
    asked, pid = attempts(case), case.pid()
    answer = case.record.probe_of(pid)
    if not asked or not asked[-1].said or answer is None or not is_alive(answer):
        return _unexpected(case)
    return (
        f'Even, so far. But port {case.port} takes "hello", and a PID takes only signals: '
        "a packet has two addresses and two ports in it, and no PID."
    )


def restarted(case: Case) -> str:
    """A new process; who answers is asked before it is shown."""
    old, new = last_two(case)
    if old is None or new is None or not old.ended:
        return _unexpected(case)
    return (
        f"The server was killed and started again: {old.pid} is over, {new.pid} has begun. "
        f"Predict: who answers at port {case.port}, and who at PID {old.pid}?"
    )


def same_door(case: Case) -> str:
    """The port answers, the old PID does not."""
    old, new = last_two(case)
    answer = case.record.probe_of(old.pid) if old else None
    asked = attempts(case)
    if old is None or new is None or answer is None or not asked or not asked[-1].said:
        return _unexpected(case)
    if answer.same is False and answer.errno != "ESRCH":
        return (
            f"Same door, new doorman: port {case.port} answers as before. And {old.pid} was given to another "
            f"process meanwhile: worse than nobody."
        )
    if not is_gone(answer):
        return _unexpected(case)
    return f"Same door, new doorman: port {case.port} answers as before. Nobody is called {old.pid} any more."


def poster(case: Case) -> str:
    """All the restarts."""
    every, asked = servers(case), attempts(case)
    alive = [each for each in every if (answer := case.record.probe_of(each.pid)) is not None and is_alive(answer)]
    greeted = [each for each in asked if each.said]
    pids = {each.pid for each in every}
    if len(greeted) != len(asked) or len(alive) != 1:
        return (
            f"Here the port answered {len(greeted)} of {len(asked)} times, and {len(alive)} of {len(every)} PIDs "
            "are alive. What is the poster to say?"
        )
    return (
        f"{number(len(every)).capitalize()} servers, {number(len(pids))} PIDs, one port. "
        "Which number goes on the poster?"
    )


# --- exhibit 2


def four_ports(case: Case) -> str:
    """One process listens on several ports."""
    pid = case.pid()
    rows = {row.key.port for row in listening(case) if pid in row.pids}
    had = [each.port for each in case.record.binds if each.pid == pid and each.port in rows]
    if len(had) < 2:
        return _no_server(case)
    missing = [
        f"{each.port} ({each.error})" for each in case.record.binds if each.pid == pid and each.error
    ]  # fmt: skip
    also = f" It may not have {' and '.join(missing)} in this net." if missing else ""
    return (
        f"One process, PID {pid}, and {number(len(had))} services: {' '.join(map(str, had))}.{also} "
        f'Which of them would "PID {pid}" mean?'
    )


def four_answers(case: Case) -> str:
    """Each port answered for itself."""
    asked = attempts(case)
    said = {each.said for each in asked if each.said}
    if not asked or len(said) != len(asked):
        return f"{len(asked)} ports were asked, and {len(said)} answered in their own words: see above. space goes on."
    count = number(len(asked))
    return (
        f"{count.capitalize()} look-ups, {count} answers, one PID behind them all. "
        "The port says which service is meant; the PID can't."
    )


# --- exhibit 3


def forked(case: Case) -> str:
    """Two processes have the listening socket."""
    row = next((row for row in listening(case) if row.key.port == case.port), None)
    if row is None or len(row.pids) < 2:
        return _unexpected(case)
    return (
        f"fork() copied the process, and the copy has the same listening socket: port {case.port} has PIDs "
        f"{' and '.join(map(str, row.pids))}. Which one would a client ask for?"
    )


def two_workers(case: Case) -> str:
    """Who took which client."""
    return _shares(case, "No client asked for a process: one number, two people.")


def siblings(case: Case) -> str:
    """The same with a socket for each."""
    rows = [row for row in listening(case) if row.key.port == case.port]
    if len(rows) < 2:
        return _no_server(case)
    return _shares(case, "Two sockets, by SO_REUSEPORT; the kernel chose.")


def _shares(case: Case, moral: str) -> str:
    living = [each.pid for each in servers(case) if not each.ended]
    counts = shares(case)
    mine = {pid: counts.get(pid, 0) for pid in living}
    total = sum(mine.values())
    if len(mine) < 2 or not total:
        return _unexpected(case)
    taken = ", ".join(f"PID {pid} took {count}" for pid, count in mine.items())
    return f"{total} clients called {case.port}: {taken}. {moral}"


# --- exhibit 4


def not_accepted(case: Case) -> str:
    """A connection without a process."""
    if not _kernels(case, "ESTABLISHED"):
        return _unexpected(case)
    return (
        f"Both ends are ESTABLISHED, and the one at {case.port} has no PID: no program has accepted it. "
        "Nobody's PID, and yet a port."
    )


def closed(case: Case) -> str:
    """close() takes the PID away; the process lives."""
    states = [state for state in ("FIN_WAIT2", "FIN_WAIT1", "LAST_ACK") if _kernels(case, state)]
    answer = case.record.probe_of(case.pid())
    if not states or answer is None or not is_alive(answer):
        return _unexpected(case)
    have = "is the kernel's" if len(states) == 1 else "are the kernel's"
    return (
        f"close() took the PID away at once: {' and '.join(states)} {have} now, with no process, "
        f"though the server, {case.pid()}, is alive."
    )


def time_wait(case: Case) -> str:
    """The kernel keeps the port of a process that is gone."""
    rows = _kernels(case, "TIME_WAIT")
    answer = case.record.probe_of(case.pid())
    if not rows or answer is None or not is_gone(answer):
        return _unexpected(case)
    return (
        f"The server, {case.pid()}, is gone, and its connection is still there: in TIME_WAIT the kernel keeps "
        f"port {case.port} for up to 60 s, for nobody."
    )


def rebound(case: Case) -> str:
    """bind() twice."""
    binds = case.record.binds[-2:]
    if len(binds) < 2 or binds[1].error:
        return _unexpected(case)
    if not binds[0].error:
        return f"Here bind() succeeded without SO_REUSEADDR too: {binds[0].pid} had {case.port} at once."
    return (
        f"Without SO_REUSEADDR bind() fails, {binds[0].error}: a row without any process stands in its way. "
        f"With it {binds[1].pid} has port {case.port} again."
    )


# --- exhibit 5


def two_machines(case: Case) -> str:
    """The same port on both, another PID."""
    here, there = newest(case, HERE), newest(case, THERE)
    if here is None or there is None or here.ended or there.ended:
        return _unexpected(case)
    if not case.private:
        return (
            f"No net can be set apart here, so these are two processes of one machine, PIDs {here.pid} and "
            f"{there.pid}; each needs a port of its own."
        )
    return (
        f"Port {case.port} again, on a second machine: a net apart, which numbers its own processes. "
        f"In there the server is PID {there.inner_pid}, out here {there.pid}."
    )


def both_called(case: Case) -> str:
    """Both answered."""
    asked = [attempts(case, lab=lab)[-1:] for lab in (HERE, THERE)]
    here, there = newest(case, HERE), newest(case, THERE)
    if here is None or there is None or not all(each and each[0].said for each in asked):
        return _unexpected(case)
    if not case.private:
        return (
            f"Both answered, each at its own port. On two machines both could be {case.port}; a PID is dealt anew "
            "at each start, on each machine."
        )
    inside = f" (they call themselves {here.inner_pid} and {there.inner_pid})"
    return (
        f"The client's line is the same on both machines. By PID it would have to say {here.pid} here and "
        f"{there.pid} there{inside}."
    )


def verdict(case: Case) -> str:
    """The end."""
    return (
        "A port is agreed before the program runs; a PID is dealt when it starts. Each line above was printed by "
        "its command, while that was so."
    )


def claims(case: Case) -> tuple[tuple[bool, str], ...]:
    """The five exhibits: whether it was so here, and a line of what was counted."""
    every = servers(case, 1)
    gone = [(answer := case.record.probe_of(each.pid)) is not None and is_gone(answer) for each in every[:-1]]
    many = [each for each in case.record.binds if each.exhibit == 2 and not each.error]
    fork = [each for each in servers(case, 3) if each.program == "forking_server.py"]
    waited = any(each.result == "EADDRINUSE" for each in case.record.deeds)
    here, there = newest(case, HERE), newest(case, THERE)
    pids = f"{here.pid} and {there.pid}" if here and there else "not known"
    port = case.port
    last = every[-1].pid if every else 0
    return (
        (
            len(every) > 1 and all(gone),
            f"{len(every)} servers, one port; of their {len(every)} PIDs {last} alone was left",
        ),
        (len(many) > 1, f"one PID, {number(len(many))} services: {' '.join(str(each.port) for each in many)}"),
        (len(fork) > 1, f"one port, {number(len(fork))} PIDs: {' and '.join(str(each.pid) for each in fork)}"),
        (waited, f"port {port} in TIME_WAIT, and no process has it; bind() was refused"),
        (
            here is not None and there is not None and here.pid != there.pid,
            f"two machines: port {port} on both, PIDs {pids}"
            if case.private
            else f"the same program twice: PIDs {pids}, each its own port",
        ),
    )


# --- what they have in common


def _kernels(case: Case, state: str) -> list[Row]:
    world = case.worlds.get(HERE)
    rows = rows_of_last(world, case.record, HERE) if world else []
    return [row for row in rows if row.state == state and row.whose == "kernel"]


def _no_server(case: Case) -> str:
    """Why nobody listens, as far as it was told."""
    failed = next((each for each in reversed(case.record.binds) if each.error and each.pid == case.pid()), None)
    if failed is not None:
        return f"The server can't have port {failed.port} here: {failed.error}. b begins the case again."
    return _unexpected(case)


def _unexpected(case: Case) -> str:
    return "Something else came here than in other places: the rows above are what it was. space goes on."
