"""What a machine allows, tried for real: `main` carries out one plan and tells each step as a line of JSON.

Law: it is run by `fresh`, in a process of its own that has one thread. Nothing is undone: afterwards that process is
fit for nothing but ending.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import sys
import time
from collections.abc import Callable, Sequence

import msgspec

from netsim.lab import linux, looks, nftables, privatenet
from netsim.lab.attempts import Found, Tell, Told, attempt, errno_name
from netsim.lab.calm import Setting
from netsim.lab.gate import Gate, Release
from netsim.lab.packetqueue import PacketQueue
from netsim.lab.steps import StepError, step
from netsim.model.capabilities import SettingTried
from netsim.model.gate_rules import GateRules
from netsim.model.happenings import Held

_PATIENCE = 1.0  # seconds for a packet to come by on a loopback
_HANDSHAKE = 3  # packets: SYN, SYN-ACK, ACK


def main(arguments: Sequence[str]) -> int:
    """Carry out the plan that is named: "private", "without_user" or "machine"."""
    plans: dict[str, Callable[[Tell], None]] = {
        "private": private,
        "without_user": lambda tell: private(tell, user=False),
        "machine": machine,
    }
    plans[arguments[0]](_write)
    return 0


def private(tell: Tell, *, user: bool = True) -> None:
    """Everything that a private net with held packets takes, one after the other."""
    if user and not _user_namespace(tell):
        return
    net = attempt(tell, "net", "unshare(NEWNET)", lambda: linux.unshare(privatenet.NEWNET))
    attempt(tell, "pid", "unshare(NEWPID) and fork()", _first_process)
    if net:
        _network(tell)


def machine(tell: Tell) -> None:
    """What netsim asks of the machine as it is, without any namespace."""
    attempt(tell, "sock_diag", "list the sockets over netlink", looks.sock_diag)
    attempt(tell, "tcp_info", "getsockopt(TCP_INFO)", looks.tcp_info)
    attempt(tell, "psutil", "psutil.net_connections()", looks.psutil_view)
    attempt(tell, "proc", "read /proc", looks.proc)


def _user_namespace(tell: Tell) -> bool:
    """Two checks of one call: the namespace, and the maps without which nobody is himself in it."""
    uid, gid = os.geteuid(), os.getegid()
    refused: list[StepError] = []

    def enter() -> None:
        try:
            privatenet.enter_user_namespace(uid, gid)
        except StepError as error:
            if not error.step.startswith("write "):
                raise
            refused.append(error)

    def map_() -> Found:
        if refused:
            raise refused[0]
        with open("/proc/self/uid_map", encoding="ascii") as file:
            return Found(" ".join(file.read().split()))

    return attempt(tell, "user", "unshare(NEWUSER)", enter) and attempt(tell, "uid_map", "write uid_map", map_)


def _first_process() -> Found:
    """A pid namespace, seen by its first process: it is number 1."""
    linux.unshare(linux.NEWPID)
    child = os.fork()
    if not child:
        os._exit(os.getpid() & 0xFF)
    number = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Found(f"first process: {number}", "works" if number == 1 else "fails")


def _network(tell: Tell) -> None:
    """The loopback and its timers, the queue and its rule, and a packet."""
    prepared: list[privatenet.Prepared] = []
    if not attempt(tell, "loopback", "bring the loopback up", lambda: prepared.append(privatenet.prepare())):
        return
    attempt(tell, "calm", "write the settings", lambda: _calm(prepared[0]))
    readers: list[PacketQueue] = []
    rules: list[nftables.Installed] = []

    def rule() -> Found:
        rules.append(nftables.install())
        way, families, missing = rules[0]
        said = " ".join([f"{way}:", *families, *(f"(no {name}: {errno_name(number)})" for name, number in missing)])
        return Found(said, "partly" if missing else "works")

    queue = attempt(tell, "queue", "queue 0: bind", lambda: readers.append(PacketQueue()))
    if attempt(tell, "rule", "nft rule", rule) and queue:
        gate = Gate(rules[0], readers[0], GateRules(is_open=False))
        attempt(tell, "held", "hold a handshake and release it", lambda: _hold(gate))


def _calm(prepared: privatenet.Prepared) -> Found:
    tried = tuple(map(_tried, (*prepared.set, *prepared.skipped)))
    said = f"{len(prepared.set)} of {len(tried)} set"
    if not prepared.skipped:
        return Found(said, settings=tried)
    first = prepared.skipped[0]
    # A name that this kernel has not got is its age, and no refusal.
    refused = next((each for each in prepared.skipped if each.errno != errno.ENOENT), first)
    return Found(said, "partly", _tried(refused).errno, f"write {refused.name}", tried)


def _tried(setting: Setting) -> SettingTried:
    return SettingTried(setting.name, setting.value, "" if setting.errno is None else errno_name(setting.errno))


def _hold(gate: Gate) -> Found:
    """A real handshake: each of its packets held, nothing arriving meanwhile, then released."""
    states = []
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        client.setblocking(False)
        number = client.connect_ex(listener.getsockname())
        if number != errno.EINPROGRESS:
            raise StepError("connect()", number)
        for packet in range(_HANDSHAKE):
            held = _next_held(gate)
            states.append(looks.state_of(client))
            if select.select([listener], [], [], 0)[0]:
                raise StepError(f"packet {packet + 1} was not held", errno.EALREADY)
            gate.obey(Release(held))
        with step("the handshake's end"):
            if not select.select([listener], [], [], _PATIENCE)[0]:
                raise TimeoutError(errno.ETIMEDOUT, "no connection")
        listener.accept()[0].close()
    return Found("client " + ", ".join(dict.fromkeys(states)))


def _next_held(gate: Gate) -> int:
    deadline = time.monotonic() + _PATIENCE
    while (left := deadline - time.monotonic()) > 0:
        for happening in gate.read() if select.select([gate], [], [], left)[0] else ():
            if isinstance(happening, Held):
                return happening.packet.number
    raise StepError("wait for a packet to be held", errno.ETIMEDOUT)


def _write(told: Told) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()
