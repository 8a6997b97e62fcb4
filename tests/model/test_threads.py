"""What other threads than the main one do, as the world has it."""

from __future__ import annotations

from netsim.model import events as e
from netsim.model.threads import KEPT, last_moved
from tests.own_script import OwnScript


def made() -> OwnScript:
    script = OwnScript()
    script.start_own("server")
    return script


def test_the_last_call_of_each_thread_is_kept_and_the_last_that_moved_is_known() -> None:
    script = made()
    assert last_moved(script.world.endpoints["server"].threads) is None
    script.thread_call("server", 1, 4, "recv", line=5)
    script.thread_call("server", 2, 5, "sendall", line=6, size=3)
    script.thread_call("server", 1, 6, "recv", line=5, size=0)
    threads = script.world.endpoints["server"].threads
    assert {number: (each.call, each.result) for number, each in threads.items()} == {1: (6, "→ b''"), 2: (5, "ok")}
    last = last_moved(threads)
    assert last is not None
    assert (last.thread, last.asleep) == (1, False)


def test_a_thread_sleeps_alone() -> None:
    script = made()
    script.start_call("server", "accept", line=9)
    script.thread_call("server", 1, 4, "recv", line=5)
    server = script.world.endpoints["server"]
    assert (server.status, server.threads[1].asleep, server.threads[1].syscall) == ("running", True, "recvfrom")


def test_of_very_many_the_last_are_kept_and_an_end_forgets_all() -> None:
    script = made()
    for number in range(1, 3 * KEPT):
        script.thread_call("server", number, number, "recv", line=5, size=1)
    assert list(script.world.endpoints["server"].threads) == list(range(2 * KEPT, 3 * KEPT))
    script.exit_own("server")
    assert not script.world.endpoints["server"].threads


def test_a_module_goes_on_with_the_lines_and_one_that_does_not_fit_is_left_out() -> None:
    script = made()
    first = len(script.world.endpoints["server"].source) + 1
    for module, at in (("wire.py", first), ("wire.py", first), ("b.py", first + 3)):
        script.add(e.ModuleRead(at=script.now, **script.of("server"), module=module, first=at, source=("a", "b")))
    server = script.world.endpoints["server"]
    assert server.modules == ((first, "wire.py"), (first + 3, "b.py"))
    assert server.source[first - 1 :] == ("# wire.py", "a", "b", "# b.py", "a", "b")
    assert [server.place(line) for line in (1, first + 1, first + 5)] == [
        "line 1",
        "line 1 of wire.py",
        "line 2 of b.py",
    ]
