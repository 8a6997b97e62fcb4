"""What the lab host writes and reads: its outbox, its channels, and what /proc says of a process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

from netsim.lab import procfs
from netsim.lab.channel import Channel
from netsim.lab.outbox import Outbox

# --- what is written


def test_lines_are_kept_in_order_for_a_pipe_that_is_full() -> None:
    read_end, write_end = os.pipe()
    outbox = Outbox(write_end)
    lines = [str(number).encode() * 2000 + b"\n" for number in range(200)]
    for line in lines:
        outbox.put(line)
    assert outbox.waiting
    assert not outbox.full
    got = b""
    while outbox.waiting:
        got += os.read(read_end, 65536)
        outbox.flush()
    os.close(write_end)
    while data := os.read(read_end, 65536):
        got += data
    os.close(read_end)
    assert got == b"".join(lines)


def test_the_outbox_is_full_until_half_of_it_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netsim.lab.outbox.FULL", 200_000)
    read_end, write_end = os.pipe()
    outbox = Outbox(write_end)
    while not outbox.full:
        outbox.put(b"x" * 10_000)
    gone = 0
    while outbox.full:
        gone += len(os.read(read_end, 10_000))
        outbox.flush()
    assert 90_000 <= gone <= 130_000
    os.close(write_end)
    os.close(read_end)


def test_nobody_to_read_is_an_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with pytest.raises(BrokenPipeError):
        Outbox(write_end).put(b"x\n")
    os.close(write_end)


# --- the channel


def test_lines_come_whole_however_they_were_sent() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    with theirs:
        assert channel.receive() == []
        theirs.sendall(b'{"a":1}\n{"b"')
        assert channel.receive() == [b'{"a":1}']
        assert not channel.has_input()
        theirs.sendall(b":2}\n")
        assert channel.has_input()
        assert channel.receive() == [b'{"b":2}']
    assert channel.receive() == []
    assert channel.ended
    channel.send(b"to nobody")
    channel.close()


def test_descriptors_come_along_and_are_not_inherited() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    read_end, write_end = os.pipe()
    with theirs:
        socket.send_fds(theirs, [b"one\n"], [read_end])
        socket.send_fds(theirs, [b"two\n"], [write_end])
        lines = channel.receive() + channel.receive()
        assert lines == [b"one", b"two"]
        first = channel.take_descriptor()
        assert first is not None
        assert not os.get_inheritable(first)
        assert os.fstat(first).st_ino == os.fstat(read_end).st_ino
    os.close(first)
    channel.close()  # and with it the second
    os.close(write_end)
    assert os.read(read_end, 1) == b""
    os.close(read_end)


def test_what_does_not_fit_is_sent_later() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    line = b"x" * 3_000_000
    channel.send(line)
    assert channel.waiting
    got = b""
    with theirs:
        while len(got) < len(line) + 1:
            got += theirs.recv(1 << 20)
            channel.flush()
    assert got == line + b"\n"
    assert not channel.waiting
    channel.close()


# --- what /proc says


@pytest.mark.needs_sock_diag
def test_a_process_and_its_end_by_its_pidfd() -> None:
    script = "import os, sys; sys.stdin.read()"
    for number, status in ((None, 0), (signal.SIGKILL, -9)):
        with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as process:
            pidfd = procfs.open_pidfd(process.pid)
            assert pidfd is not None
            assert procfs.machine_pid(pidfd) == process.pid
            if number:
                process.send_signal(number)
            else:
                assert process.stdin is not None
                process.stdin.close()
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            assert procfs.exit_status(process.pid, pidfd) == status  # while it is a zombie
            process.wait()
        assert procfs.exit_status(process.pid, pidfd) in (status, None)  # None: before Linux 6.15
        assert procfs.machine_pid(pidfd) is None
        assert procfs.asleep(process.pid) == (False, None)
        os.close(pidfd)
    assert procfs.open_pidfd(2**22 + 1) is None
