"""SIGINT is the program's: it ends a call or a loop of its own, once, and never breaks the protocol or the stepping."""

from __future__ import annotations

import signal

import pytest

from netsim.model.events import (
    CallReturned,
    CallStarted,
    ExtraLineRan,
    ProgramPrinted,
)
from tests.lab.endpoint_driver import Endpoint
from tests.lab.endpoint_programs import (
    PAIR,
    names_ahead,
    program,
)


@pytest.mark.parametrize(("line", "descriptor"), [("s.recv(1)", 4), ("server.accept()", 3)])
def test_an_interrupt_ends_a_call_that_sleeps(line: str, descriptor: int) -> None:
    text = f"try:\n    {line}\nexcept KeyboardInterrupt:\n    print('interrupted')\n    s.close()\nconn.close()\n"
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(7)
        endpoint.tell(do="step", message=None)
        endpoint.wait_for(CallStarted)
        endpoint.wait_until_asleep(descriptor)
        endpoint.interrupt()
        call = endpoint.wait_for(CallReturned)
        assert call.error is not None
        assert (call.error.type, call.error.message, call.result) == ("KeyboardInterrupt", "", "")
        assert endpoint.stopped().line == 10  # the stepping goes on
        assert endpoint.printed() == "interrupted\n"
        assert endpoint.step().line == 11


@pytest.mark.parametrize(
    "spin",
    [
        "while True: pass",
        "while True:\n        n += 1",
        "while True:\n        n += 1\n        if n < 0:\n            s.close()",
        "while True: n = step(n)",
        "while True: print(end='.')",
        "import time\n    time.sleep(60)",
        "import threading\n    threading.Event().wait()",
    ],
)
def test_an_interrupt_ends_a_loop_and_the_stepping_goes_on(spin: str) -> None:
    text = f"""
n = 0
def step(n):
    return n + 1
try:
    print('go', flush=True)
    {spin}
except KeyboardInterrupt:
    s.close()
conn.close()
"""
    closing = PAIR.count("\n") + text[: text.index("KeyboardInterrupt")].count("\n") + 1
    for _ in range(3):  # it falls on another instruction each time
        with Endpoint(program(text, pair=True)) as endpoint:
            endpoint.stopped()
            endpoint.step()
            endpoint.step()
            endpoint.tell(do="step", message=None)
            endpoint.wait_for(ProgramPrinted, lambda event: "go" in event.text)
            endpoint.interrupt()
            assert endpoint.stopped().line == closing
            assert endpoint.step().line == closing + 1
            assert endpoint.run().error is None


def test_an_interrupt_while_it_stands_stopped_is_ignored() -> None:
    with Endpoint(program("s.send(b'x')\nprint(conn.recv(1))\n", pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(6)
        for _ in range(20):
            endpoint.interrupt()
        assert endpoint.run_extra("1").result == "1"
        endpoint.interrupt()
        endpoint.step()
        assert endpoint.run().error is None
        assert endpoint.printed() == "b'x'\n"


def test_an_interrupt_while_a_call_waits_for_go_ends_the_call() -> None:
    with Endpoint(program("s.recv(1)\n", pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(6)
        endpoint.answers = False
        endpoint.tell(do="step", message=None)
        endpoint.wait_for(CallStarted)
        endpoint.interrupt()
        endpoint.interrupt()
        endpoint.tell(do="poll")
        endpoint.tell(do="go")
        call = endpoint.wait_for(CallReturned)
        assert call.error is not None
        assert call.error.type == "KeyboardInterrupt"
        assert endpoint.run().line == 6


def test_an_interrupt_ends_an_extra_line() -> None:
    with Endpoint(program("s.close()\n", pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(6)
        endpoint.tell(do="extra", source="s.recv(1)")
        endpoint.wait_for(CallStarted)
        endpoint.wait_until_asleep(4)
        endpoint.interrupt()
        ran = endpoint.wait_for(ExtraLineRan)
        assert ran.error is not None
        assert ran.error.type == "KeyboardInterrupt"
        endpoint.stopped()
        assert endpoint.run().error is None


def test_the_programs_own_handler_is_called_while_it_runs_and_only_then() -> None:
    text = """
        import signal
        signal.signal(signal.SIGINT, lambda *_: print('caught'))
        s.recv(1)
        """
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(8)
        endpoint.interrupt()
        endpoint.tell(do="step", message=None)
        endpoint.wait_for(CallStarted)
        endpoint.wait_until_asleep(4)
        assert endpoint.printed() == ""
        endpoint.interrupt()
        assert endpoint.wait_for(ProgramPrinted).text == "caught\n"
        endpoint.interrupt()  # the call goes on
        assert endpoint.wait_for(ProgramPrinted).text == "caught\n"


def test_an_ignored_sigint_is_taken_over_from_nobody() -> None:
    """A shell ignores SIGINT for what it runs in the background; the lab may have been started so."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        endpoint = Endpoint("print('go')\nwhile True: pass\n")
    finally:
        signal.signal(signal.SIGINT, before)
    with endpoint:
        endpoint.wait_for(ProgramPrinted)
        endpoint.interrupt()
        assert endpoint.run().line in (1, 2)  # it may come before print() has returned
        assert endpoint.exit_status() == 130


def test_a_flood_of_interrupts_never_breaks_a_line() -> None:
    text = """
        n = 0
        while n < 200:
            try:
                n += 1
                s.send(b'x'); conn.recv(1); print(n)
            except KeyboardInterrupt:
                continue
        """
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(10)
        endpoint.before_go = lambda call: endpoint.interrupt() if call.call % 3 else None
        end = endpoint.run()
        assert end.error is None, end.traceback
        started = [call.call for call in endpoint.all(CallStarted)]
        assert started == [call.call for call in endpoint.calls()]
        failed = [call.call for call in endpoint.calls() if call.error]
        assert failed == [number for number in started if number % 3 and number > 8]


def test_one_interrupt_is_one_keyboard_interrupt() -> None:
    text = """
import time
for i in range(40):
    try:
        print('spin')
        while True: pass
    except KeyboardInterrupt:
        pass
    for j in range(3000): pass  # a second one would end the program here
s.close()
"""
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step()
        endpoint.step()
        endpoint.tell(do="step", message=None)
        for _ in range(40):
            endpoint.wait_for(ProgramPrinted)
            endpoint.interrupt()
        assert names_ahead(endpoint.stopped()) == ["close"]
