"""Thirty labs at once, each with its own 8888: how long until all hold a SYN, how fast each answers, what they cost.

    python tests/benchmarks/bench_thirty_labs.py [--quick]

As on a school's server: everybody starts, stops in the handshake, is looked at, goes on, and closes the terminal.
"""

from __future__ import annotations

import os
import select
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import psutil

from netsim.model.commands import ReleasePacket
from netsim.model.events import PacketHeld, PacketReleased
from tests.benchmarks.rows import Row, main, ms
from tests.lab.endings import nets
from tests.lab.netkit import NetLab, by_proc

WATCHED = 5.0  # seconds in which the labs stand still


def stop_in_the_handshake(lab: NetLab) -> int:
    """Bring a lab to a held SYN; returns the server's PID."""
    lab.__enter__()
    pid = lab.listen()
    lab.begin_connect()
    lab.wait(PacketHeld)
    return pid


def answer_time(lab: NetLab) -> float:
    """Seconds from an order to what it did, with the next held packet."""
    number = lab.held().number
    begun = time.perf_counter()
    lab.send(ReleasePacket(number=number))
    lab.wait(PacketReleased)
    return time.perf_counter() - begun


def cpu(processes: list[psutil.Process]) -> float:
    """Seconds of processor time that these have used."""
    return sum(sum(each.cpu_times()[:2]) for each in processes)


def rows(quick: bool) -> list[Row]:
    """Five rows."""
    count = 10 if quick else 30
    nets_before = set(nets())
    begun = time.monotonic()
    labs = [NetLab() for _ in range(count)]
    with ThreadPoolExecutor(count) as pool:
        servers = list(pool.map(stop_in_the_handshake, labs))
    there = time.monotonic() - begun
    assert all(by_proc(pid) == ["client SYN_SENT", "server LISTEN"] for pid in servers)

    processes = [each for lab in labs for each in lab.processes().values()]
    memory = sum(each.memory_full_info().uss for each in processes)
    used = cpu(processes)
    time.sleep(WATCHED)  # nothing is to happen: what that costs is measured
    idle = 100 * (cpu(processes) - used) / WATCHED
    one_by_one = [answer_time(lab) for lab in labs]
    with ThreadPoolExecutor(count) as pool:
        at_once = list(pool.map(answer_time, labs))

    theirs = {os.readlink(f"/proc/{pid}/ns/net") for pid in servers}
    watched = [os.pidfd_open(each.pid) for each in processes]
    begun = time.monotonic()
    for lab in labs:
        lab.client.kill_now()
    alive = set(watched)
    while alive and time.monotonic() < begun + 10:
        alive -= set(select.select(list(alive), [], [], 1)[0])
    gone = time.monotonic() - begun
    for lab in labs:
        lab.client.close()
    for each in watched:
        os.close(each)
    left = len(theirs & set(nets())) if theirs.isdisjoint(nets_before) else count
    return [
        Row(f"{count} labs at once: all hold a SYN", f"{there:.1f} s", f"{ms(there / count)} each"),
        Row(f"an order to one of {count} labs", ms(statistics.median(one_by_one)), f"the worst {ms(max(one_by_one))}"),
        Row(f"an order to all {count} labs at once", ms(statistics.median(at_once)), f"the worst {ms(max(at_once))}"),
        Row("one lab without its screen", f"{memory / count / 2**20:.0f} MiB of its own",
            f"idle: {idle / count:.2f} % of a core"),
        Row(f"{count} labs killed: the last process is gone", ms(gone), f"{len(alive)} processes and {left} nets left",
            "none left within 2 s", not alive and gone < 2),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(rows))
