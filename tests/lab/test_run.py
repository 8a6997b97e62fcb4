"""Programs as people write them: under the lab they print and end as under `python`, stepped, with their packets."""

from __future__ import annotations

from pathlib import Path

import pytest

from netsim.model.events import EndpointStarted
from netsim.model.views import conversation_of, packets_of
from netsim.story import life
from netsim.story.director import OPENING
from tests.lab.ownkit import Outcome, Run, Story, under_python

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]

# The server, the client, the port, what is typed, and lines before which each of them has to have stood.
PAIRS = {
    "echo": (["echo_server.py"], ["echo_client.py", "localhost", "5000"], 5000, [], {8, 13, 17, 21}, {8, 10, 15, 19}),
    "chat, threads": (["chat_server.py"], ["chat_client.py"], 5001, ["ann", "hi", "quit"], {12, 15, 19}, {15, 26, 28}),
    "select": (["select_server.py"], ["echo_client.py", "127.0.0.1", "5002"], 5002, [], {8, 18, 23, 25}, {10, 12}),
    "selectors": (["selectors_server.py"], ["echo_client.py", "localhost", "5003"], 5003, [], {9, 17, 20, 28}, {10}),
    "http by hand": (["http_server.py"], ["http_client.py"], 8080, [], {10, 16, 24}, {5}),
    "socketserver": (["socketserver_echo.py"], ["line_client.py", "5004", "one", "two"], 5004, [], {20}, {10, 14, 15}),
    "udp time": (["udp_time_server.py"], ["udp_time_client.py"], 5005, [], {7, 9, 11}, {3, 6, 7}),
    "forking": (["forking_server.py"], ["line_client.py", "5006", "hello"], 5006, [], {13, 17, 23}, {10}),
    "dual stack": (["dual_stack_server.py"], ["dual_stack_client.py"], 5007, [], {5, 7, 9, 10}, {5, 6, 7}),
    "asking": (
        ["echo_server.py", "", "5009"],
        ["guessing_client.py", "5009"],
        5009,
        ["me", "you", ""],
        {17},
        {8, 12, 13},
    ),
    # What a library calls for them is shown at their own line: of main(), or of the run() or urlopen() in it.
    "asyncio": (["asyncio_server.py"], ["asyncio_client.py"], 5010, [], {8, 18, 24}, {5, 7, 15}),
    "polling": (["polling_server.py"], ["impatient_client.py"], 5011, [], {13, 21, 30}, {5, 6, 8, 11}),
    "processes": (["process_server.py"], ["calling_twice.py", "5012"], 5012, [], {12, 15, 18, 23}, {5, 6, 7, 8}),
    "poll": (["poll_server.py"], ["calling_twice.py", "5013"], 5013, [], {4, 13, 18, 20, 23, 25}, {5}),
    "http.server": (["web_server.py"], ["web_client.py"], 5014, [], {17, 18, 19}, {3, 4}),
}
REPLIES = {"ann": "is here\n", "hi": "<ann> hi\n"}  # what comes of it in the chat, before anybody types on


@pytest.fixture(scope="module")
def expected() -> dict[str, list[Outcome]]:
    """What each pair does under `python`."""
    stories = [Story((each[0], each[1]), each[3], REPLIES, each[2]) for each in PAIRS.values()]
    return dict(zip(PAIRS, under_python(*stories), strict=True))


@pytest.mark.parametrize("name", PAIRS)
def test_a_pair_does_under_the_lab_what_it_does_under_python(name: str, expected: dict[str, list[Outcome]]) -> None:
    server, client, port, lines, servers_lines, clients_lines = PAIRS[name]
    with Run(server, client) as run:
        run.play(lines)
        udp = "udp" if name.startswith("udp") else ""
        assert [run.outcome(f"{udp}server"), run.outcome(f"{udp}client1")] == expected[name]
        assert set(run.stops(f"{udp}server")) >= servers_lines
        assert set(run.stops(f"{udp}client1")) >= clients_lines
        conversation = conversation_of(run.world, run.world.endpoints[f"{udp}client1"])
        shown = packets_of(run.world, conversation)
    assert conversation is not None
    assert conversation.server.port == port
    assert {packet.evidence for packet in shown} == {"seen"}
    assert any(packet.length for packet in shown)
    assert all(len(said) <= 77 for said in run.said)


def test_the_packets_of_ones_own_programs_are_held_one_by_one() -> None:
    with Run(["echo_server.py"], ["echo_client.py", "localhost", "5000"], held=True) as run:
        run.press_until(lambda world: any(packet.fate == "held" for packet in world.packets))
        assert [packet.number for packet in run.world.packets] == [1]
        assert run.world.endpoints["client1"].syscall == "connect"
        assert run.press().label == "deliver the SYN to port 5000; the kernel will answer it"


def test_on_the_machines_own_net_too(free_port: int) -> None:
    port = str(free_port)
    with Run(["echo_server.py", "", port], ["echo_client.py", "localhost", port], net="host") as run:
        run.play()
        assert [run.outcome(who).status for who in ("server", "client1")] == [0, 0]
        shown = packets_of(run.world, conversation_of(run.world, run.world.endpoints["client1"]))
    assert {packet.evidence for packet in shown} == {"inferred"}


def test_the_saved_pair_runs_with_plain_python(tmp_path: Path) -> None:
    with Run(commands=OPENING) as run:
        for name, text in life.files(run.world):
            (tmp_path / name).write_text(text)
    (tmp_path / "both.py").write_text(
        "import subprocess, sys\n"
        "server = subprocess.Popen([sys.executable, 'tcp_server.py'], stdout=subprocess.PIPE, text=True)\n"
        "while subprocess.run([sys.executable, 'tcp_client.py'], stderr=subprocess.DEVNULL).returncode: pass\n"
        "server.terminate()\n"
        "print(server.stdout.read(), server.wait())\n"
    )
    assert under_python(Story([["both.py"]], folder=str(tmp_path)))[0][0].status == 0


def test_a_forked_child_is_shown_beside_its_parent() -> None:
    with Run(["forking_server.py"], ["line_client.py", "5006", "hello"]) as run:
        run.play()
    child = next(each for each in run.events if isinstance(each, EndpointStarted) and each.forked_from)
    assert (child.who, child.forked_from, child.own) == ("server.1", "server", run.world.endpoints["server"].own)
    assert run.outcome("server.1").status == 7
