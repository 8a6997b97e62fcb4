"""While a program stands before a call that reads, it is told when that would not sleep."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from netsim.model.events import (
    CallReturned,
    ProgramStopped,
    ReadinessChanged,
)
from tests.lab.endpoint_driver import Endpoint
from tests.lab.endpoint_programs import (
    names_ahead,
    program,
    tcp_server,
)


def test_it_reports_when_reading_would_no_longer_sleep_and_when_it_would_again() -> None:
    text = tcp_server().replace("conn, addr = s.accept()", "conn, addr = s.accept()\n    conn.setblocking(False)")
    with Endpoint(text) as server:
        server.stopped()
        server.step_to(10)
        assert not server.all(ReadinessChanged)
        with socket.create_connection(("127.0.0.1", int(server.printed()))):
            change = server.wait_for(ReadinessChanged)
            assert (change.fd, change.readable) == (3, True)
            assert server.run_extra("other = s.accept()").error is None  # somebody else takes it
            server.tell(do="poll")
            server.tell(do="poll")
            assert server.run_extra("1").result == "1"
            assert [(each.fd, each.readable) for each in server.all(ReadinessChanged)] == [(3, True)]


def test_a_poll_reports_that_another_process_took_what_was_there(tmp_path: Path) -> None:
    orders = tmp_path / "orders"
    os.mkfifo(orders)
    text = f"""
        import os
        conn.send(b'x')
        if not os.fork():
            for order in open({str(orders)!r}):
                exec(order)
            os._exit(0)
        s.recv(1)
        """
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(12)
        child = endpoint.wait_for_fork()
        assert endpoint.wait_for(ReadinessChanged).readable
        with orders.open("w", buffering=1) as child_orders:
            for order, readable in (("s.recv(1)", False), ("conn.send(b'y')", True), ("s.recv(1)", False)):
                child_orders.write(f"{order}\n")
                child.wait_for(CallReturned)
                endpoint.tell(do="poll")
                change = endpoint.wait_for(ReadinessChanged)
                assert (change.fd, change.readable) == (4, readable)
        endpoint.tell(do="poll")  # no news
        endpoint.run_extra("0")
        assert len(endpoint.all(ReadinessChanged)) == 5  # the first one was accept's


def test_only_the_call_on_the_line_itself_is_watched_and_only_if_it_reads() -> None:
    with Endpoint(program("conn.send(b'x')\ns.getsockname()\ns.recv(1)\n", pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(7)
        assert names_ahead(endpoint.all(ProgramStopped)[-1]) == ["getsockname", "recv"]
        endpoint.run_extra("0")
        assert not [event for event in endpoint.all(ReadinessChanged) if event.fd == 4]
        endpoint.step()
        assert endpoint.wait_for(ReadinessChanged).fd == 4
