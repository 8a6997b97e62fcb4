"""`netsim run`, before anything runs: which program gets which arguments, and what is said of what can't be run."""

from __future__ import annotations

import gc
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from netsim.cli import main
from netsim.cli.run import Program, opening, spoken_port, spoken_transport
from netsim.model.commands import StartEndpoint


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[tuple[StartEndpoint, ...]]]:
    """What would be started; nothing is."""
    found: list[tuple[StartEndpoint, ...]] = []

    def stop(programs: list[Program], protocol: object) -> tuple[StartEndpoint, ...]:
        found.append(opening(programs, protocol))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    class NoLab:
        def __init__(self, *_: object) -> None:
            pass

        def prepare_lab(self) -> None:
            pass

        first_lab = prepare_lab

    monkeypatch.setattr("netsim.cli.run.opening", stop)
    monkeypatch.setattr("netsim.cli.workshop.Workshop", NoLab)
    monkeypatch.chdir(tmp_path)
    for name in ("s.py", "c.py", "d.py"):
        (tmp_path / name).write_text("import socket\n")
    yield found
    gc.enable()  # the screen would have done it


ARGUMENTS = {
    "--server s.py -- a -b": {"server": ("s.py", "a", "-b")},
    "--client c.py -- a": {"client1": ("c.py", "a")},
    "--server s.py --client c.py -- 5000 -- localhost 5000": {
        "server": ("s.py", "5000"), "client1": ("c.py", "localhost", "5000"),
    },
    "--server s.py --client c.py -- 5000": {"server": ("s.py", "5000"), "client1": ("c.py",)},
    "--server s.py --client c.py -- -- x": {"server": ("s.py",), "client1": ("c.py", "x")},
    "--client c.py -- a -- b": {"client1": ("c.py", "a", "--", "b")},
    "--server s.py --server-args 'a \"b c\"' --client c.py --client-args=-x": {
        "server": ("s.py", "a", "b c"), "client1": ("c.py", "-x"),
    },
    "--client c.py --clients 3": {"client1": ("c.py",), "client2": ("c.py",), "client3": ("c.py",)},
    "--client c.py --client d.py": {"client1": ("c.py",), "client2": ("d.py",)},
    "--client c.py --client d.py --clients 3": {"client1": ("c.py",), "client2": ("d.py",), "client3": ("d.py",)},
}  # fmt: skip


@pytest.mark.parametrize("typed", ARGUMENTS)
def test_who_gets_which_arguments(typed: str, started: list[tuple[StartEndpoint, ...]], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        main(["run", "--plain", *shlex.split(typed)])
    commands = started[0]
    assert {each.who: each.own.argv for each in commands if each.own} == ARGUMENTS[typed]
    assert {each.own.cwd for each in commands if each.own} == {str(tmp_path)}
    assert all(each.own and each.own.path == str(tmp_path / each.program) for each in commands)


REFUSED = {
    "": "there is nothing to run: netsim run --server my_server.py --client my_client.py",
    "s.py": "which role has s.py? netsim run --server s.py, or --client s.py",
    "--server nowhere.py": "There is no file ",
    "--server s.py --clients 2": "--clients says how many; say which too: --client my_client.py",
    " ".join(["--client c.py"] * 10): "9 clients are the most here, and these are 10",
    "--server s.py --server-args a -- b": "arguments behind -- or in --server-args and --client-args, not both",
    "--server s.py --server-args '\"'": "--server-args '\"' can't be split as a shell would",
    "--server broken.py": 'Python can\'t read broken.py: correct it, and run it again.\n  File "broken.py", line 1\n',
    "--client c.py --clients 10": "'10' is no number of clients: 1 to 9",
}


@pytest.mark.parametrize("typed", REFUSED)
def test_what_can_t_be_run_is_said_before_anything_is(
    typed: str, started: list[tuple[StartEndpoint, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.py").write_text("print('a'\n")
    try:
        status = main(["run", *shlex.split(typed)])
    except SystemExit as left:
        status = left.code  # type: ignore[assignment]
    assert status == 2
    assert REFUSED[typed] in capsys.readouterr().err
    assert started == []


def test_what_is_in_a_file_can_t_act_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "evil\x1b[2J.py").write_text("x = '\x1b[2J' +\n")
    assert main(["run", "--server", str(tmp_path / "evil\x1b[2J.py")]) == 2
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "transport"),
    [
        ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "udp"),
        ("socketserver.UDPServer(('', 1), H)", "udp"),
        ("socket.socket()\ns.connect(x)", "tcp"),
        ("s.listen(5)\nsocket.SOCK_DGRAM", "tcp"),
        ("", "tcp"),
    ],
)
def test_the_ladder_is_the_one_that_the_text_speaks_of(text: str, transport: str) -> None:
    assert spoken_transport([Program("server", "s.py", (), text)]) == transport
    assert [each.who for each in opening([Program("server", "s.py", (), text)], None)] == [
        "udpserver" if transport == "udp" else "server"
    ]


@pytest.mark.parametrize(
    ("text", "arguments", "port"),
    [
        ("PORT = 5000", (), 5000),
        ("server_port: int = 5001", (), 5001),
        ("s.bind(('', 5002))", (), 5002),
        ("PORT = 5000", ("6000",), 6000),
        ("parser.add_argument('--port', default=7000)\nport=7001", (), 7001),
        ("s.bind(('', 99999))", (), None),
        ("x = 3", (), None),
    ],
)
def test_the_table_begins_with_the_port_that_is_named(text: str, arguments: tuple[str, ...], port: int | None) -> None:
    assert spoken_port([Program("server", "s.py", arguments, text)]) == port
