"""Thirty labs at once, each with its own 8888: how long until all hold a SYN, how fast each answers, what they cost.

    python tests/benchmarks/bench_thirty_labs.py [labs]

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
    """Milliseconds from an order to what it did, with the next held packet."""
    number = lab.held().number
    begun = time.monotonic()
    lab.send(ReleasePacket(number=number))
    lab.wait(PacketReleased)
    return (time.monotonic() - begun) * 1000


def cpu(processes: list[psutil.Process]) -> float:
    """Seconds of processor time that these have used."""
    return sum(sum(each.cpu_times()[:2]) for each in processes)


def main(count: int) -> None:
    """Print what was measured."""
    nets_before = len(set(nets()))
    begun = time.monotonic()
    labs = [NetLab() for _ in range(count)]
    with ThreadPoolExecutor(count) as pool:
        servers = list(pool.map(stop_in_the_handshake, labs))
    print(f"{count} labs hold a SYN after {time.monotonic() - begun:.2f} s")
    assert all(by_proc(pid) == ["client SYN_SENT", "server LISTEN"] for pid in servers)

    processes = [each for lab in labs for each in lab.processes().values()]
    memory = sum(each.memory_full_info().uss for each in processes)
    print(f"{len(processes)} processes, {memory / count / 2**20:.1f} MiB a lab of its own")
    used = cpu(processes)
    time.sleep(WATCHED)
    print(f"standing still: {(cpu(processes) - used) / WATCHED * 100:.1f} % of one processor, all together")

    def report(name: str, times: list[float]) -> None:
        print(f"{name}: median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms")

    report("an order, one lab after the other", [answer_time(lab) for lab in labs])
    with ThreadPoolExecutor(count) as pool:
        report("an order, all at once", list(pool.map(answer_time, labs)))

    watched = [os.pidfd_open(each.pid) for each in processes]
    begun = time.monotonic()
    for lab in labs:
        lab.client.kill_now()
    alive = set(watched)
    while alive and time.monotonic() < begun + 10:
        alive -= set(select.select(list(alive), [], [], 1)[0])
    print(f"gone after {time.monotonic() - begun:.2f} s, {len(alive)} processes left")
    for lab in labs:
        lab.client.close()
    print(f"network namespaces: {nets_before} before, {len(set(nets()))} after")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
