"""A child that a program forks has a channel of its own, runs unstepped, reports its calls, dies with its parent."""

from __future__ import annotations

import os
import select
import signal
import socket
from pathlib import Path

from netsim.model.events import CallReturned, CallStarted, ProgramEnded, ProgramStopped
from tests.lab.endpoint_driver import DEADLINE, Endpoint
from tests.lab.endpoint_programs import program

SERVER = """
import os, socket
s = socket.create_server(('127.0.0.1', 0))
print(s.getsockname()[1])
pid = os.fork()
if pid == 0:
    conn, addr = s.accept()
    conn.send(b'from the child')
    conn.close()
    os._exit(3)
print(os.waitpid(pid, 0)[1] >> 8)
s.close()
"""


def test_a_child_says_who_it_is_runs_on_and_reports_its_calls() -> None:
    with Endpoint(SERVER.lstrip()) as endpoint:
        endpoint.stopped()
        endpoint.step()
        endpoint.tell(do="step", message=None)
        child = endpoint.wait_for_fork()
        hello = child.hello
        assert (hello["type"], hello["who"], hello["parent_pid"]) == ("Forked", "server", endpoint.pid)
        pid = hello["pid"]
        assert Path(f"/proc/{pid}/status").read_text().split("PPid:\t")[1].split()[0] == str(endpoint.pid)
        assert Path(f"/proc/{pid}/comm").read_text() == "netsim-server\n"
        assert child.wait_for(CallStarted).name == "accept"  # it asks nobody
        with socket.create_connection(("127.0.0.1", int(endpoint.printed()))) as client:
            assert client.recv(100) == b"from the child"
        child.wait_for_end()
        assert [(call.name, call.call, call.line, call.pid) for call in child.calls()] == [
            ("accept", 1, 6, pid), ("send", 2, 7, pid), ("close", 3, 8, pid),
        ]  # fmt: skip
        assert not child.all(ProgramStopped)
        assert endpoint.stopped().line == 11
        assert endpoint.printed().endswith("\n3\n")
        assert endpoint.run().error is None


def test_children_may_run_to_the_end_of_the_program_fork_again_or_fail() -> None:
    text = program(
        """
        import os
        for i in range(2):
            pid = os.fork()
            if pid == 0: break
            os.waitpid(pid, 0)
        if pid == 0 and i == 0:
            if os.fork():
                os.wait()
            print('in', os.getpid())
        elif pid == 0:
            1 / 0
        s.close()
        """,
        pair=True,
    )
    with Endpoint(text) as endpoint:
        assert endpoint.run().error is None
        first, second = endpoint.forks
        first.wait_for_end()
        second.wait_for_end()
        (third,) = first.forks
        third.wait_for_end()
        assert third.hello["parent_pid"] == first.hello["pid"]
        for child in (first, third):
            assert child.printed() == f"in {child.hello['pid']}\n"
            assert [call.name for call in child.calls()] == ["close"]
            assert child.all(ProgramEnded)[0].error is None
        (end,) = second.all(ProgramEnded)
        assert end.line == 16
        assert end.traceback == (
            'Traceback (most recent call last):\n  File "/nowhere/program.py", line 16, in <module>\n'
            "    1 / 0\n    ~~^~~\nZeroDivisionError: division by zero\n"
        )


def test_no_frame_of_ours_is_in_what_a_child_tells_of_its_end() -> None:
    text = """
        import os
        if os.fork() == 0:
            try:
                s.recv(-1)
            except ValueError as e:
                raise KeyError from e
        os.wait()
        """
    with Endpoint(program(text, pair=True)) as endpoint:
        assert endpoint.run().error is None
        child = endpoint.wait_for_fork()
        child.wait_for_end()
        (end,) = child.all(ProgramEnded)
        assert end.traceback.count("  File ") == end.traceback.count('  File "/nowhere/program.py"') == 2


def test_a_child_dies_with_its_parent() -> None:
    text = "import os, time\nif os.fork() == 0:\n    print('here')\n    time.sleep(600)\ntime.sleep(600)\n"
    with Endpoint(text) as endpoint:
        child = endpoint.wait_for_fork()
        descriptor = os.pidfd_open(child.hello["pid"])
        try:
            endpoint.process.kill()
            assert select.select([descriptor], [], [], DEADLINE)[0], "the child lives on"
        finally:
            os.close(descriptor)


def test_many_children_and_a_chattering_parent_do_not_mix_their_lines() -> None:
    text = program(
        """
        import os, threading
        def chatter():
            for i in range(300):
                print('x' * 2000)
        thread = threading.Thread(target=chatter)
        thread.start()
        for i in range(20):
            pid = os.fork()
            if pid == 0:
                s.getsockname()
                os._exit(0)
            os.waitpid(pid, 0)
        thread.join()
        s.close()
        """,
        pair=True,
    )
    with Endpoint(text) as endpoint:
        assert endpoint.run().error is None
        assert len(endpoint.printed()) == 300 * 2001
        assert len(endpoint.forks) == 20
        for child in endpoint.forks:
            child.wait_for_end()
            assert [call.name for call in child.calls()] == ["getsockname"]


def test_a_child_of_another_thread_outlives_the_thread() -> None:
    text = program(
        """
        import os, threading
        ready, go = os.pipe()
        def start():
            if os.fork() == 0:
                os.read(ready, 1)
                s.getsockname()
                os._exit(0)
        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        while len(os.listdir('/proc/self/task')) > 1: pass  # the kernel has to be done with it, too
        os.write(go, b'.')
        os.wait()
        s.close()
        """,
        pair=True,
    )
    with Endpoint(text) as endpoint:
        assert endpoint.run().error is None
        child = endpoint.wait_for_fork()
        child.wait_for_end()
        assert [(call.name, call.thread) for call in child.all(CallReturned)] == [("getsockname", 0)]


def test_what_a_program_starts_is_not_ours_to_report_and_sees_nothing_of_ours() -> None:
    text = (
        "import subprocess, sys\n"
        "print(subprocess.run(['/bin/sh', '-c', 'ls /proc/$$/fd; echo to stderr >&2; exit 2'], stdout=-1).stdout)\n"
        "subprocess.run(['/bin/echo', 'straight'], stdout=sys.stdout)\n"
    )
    with Endpoint(text) as endpoint:
        assert endpoint.run().error is None
        assert endpoint.printed() == "b'0\\n1\\n2\\n'\n"
        assert not endpoint.forks
        endpoint.wait_for_end()
        endpoint.exit_status()
    assert endpoint.output == (b"straight\n", b"to stderr\n")


def test_an_interrupt_reaches_a_child_too() -> None:
    text = "import os\nif os.fork() == 0:\n    print('here')\n    while True: pass\nos.wait()\n"
    with Endpoint(text) as endpoint:
        child = endpoint.wait_for_fork()
        child.wait_until(lambda: bool(child.printed()))
        os.kill(child.hello["inner_pid"], signal.SIGINT)
        child.wait_for_end()
        error = child.all(ProgramEnded)[0].error
        assert error is not None
        assert error.type == "KeyboardInterrupt"
