"""The commands that show in another terminal what the case claims: ps, and ss in the machine's own net.

Law: a command names only processes and ports that were really seen.
"""

from __future__ import annotations

from netsim.story.case import Case, Check
from netsim.story.case_record import HERE, THERE

MOST_PIDS = 6  # in a command of one line


def listeners(case: Case, lab: str = HERE) -> Check | None:
    """Who listens on the server's ports."""
    binds = case.record.binds
    mine = [each for each in binds if not each.error and each.pid == case.pid(lab=lab)]
    ports = list(dict.fromkeys(each.port for each in mine)) or [case.port_of(lab)]
    return _ss(case, lab, "-Htlnp", () if case.private else _sports(ports))


def connections(case: Case) -> Check | None:
    """Both ends of the last connection."""
    local = next((each.local for each in reversed(case.record.attempts) if each.lab == HERE), 0)
    ends = ("sport", "=", f":{local}", "or", "dport", "=", f":{local}") if local else ()
    return _ss(case, HERE, "-Htanp", ends)


def processes(case: Case) -> Check | None:
    """The server now, and those before it, as many as a line takes."""
    pids = [str(each.pid) for each in case.record.servers if each.exhibit == 1 and each.lab == HERE]
    pids = [*pids[: MOST_PIDS - 1], *pids[MOST_PIDS - 1 :][-1:]]
    return Check(("ps", "-o", "pid=,comm=", "-p", ",".join(pids))) if pids else None


def proof(case: Case, exhibit: int) -> Check | None:
    """What is run for an exhibit while what it claims is so."""
    match exhibit:
        case 1:
            return processes(case)
        case 4:
            return connections(case)
        case 5:
            return listeners(case, THERE)
        case _:
            return listeners(case)


def _ss(case: Case, lab: str, options: str, rest: tuple[str, ...]) -> Check | None:
    """Of the machine's own net; that is found by any process in it, and the newest ones live."""
    world = case.worlds.get(lab)
    living = [each.pid for each in world.endpoints.values() if each.status != "ended"] if world else []
    if case.private and not living:
        return None
    return Check(("ss", options, *rest), living[0] if case.private else 0)


def _sports(ports: list[int]) -> tuple[str, ...]:
    words: list[str] = []
    for port in ports:
        words += [*(["or"] if words else []), "sport", "=", f":{port}"]
    return tuple(words)
