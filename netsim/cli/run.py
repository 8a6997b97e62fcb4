"""`netsim run`: the person's own programs under the lab."""

from __future__ import annotations

import argparse
import gc
import os
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from netsim.cli.app import USAGE_ERROR, no_screen, port_number, prepare_terminal, show

if TYPE_CHECKING:
    from netsim.model.address import Role, Transport
    from netsim.model.commands import StartEndpoint

TAKES_MORE = True  # arguments behind --
MOST_CLIENTS = 9
DEFAULT_PORT = 8888
DESCRIPTION = """\
Your own socket programs in the two panes, line by line, with their real
packets; they need not be changed. Give a server, a client, or both.

  netsim run --server my_server.py --client my_client.py
  netsim run --server chat.py --client talk.py --clients 3
  netsim run --server my_server.py -- --port 5000
             then, in another terminal: netsim shell -- nc 127.0.0.1 5000

They run as you, with your files, as `python FILE` would run them. What they
print is below their lines (O shows all of it); a line that one waits for in
input() is typed with T, or with space when it asks."""
EPILOG = """\
arguments of the programs: what stands behind -- is for the only program; with
both, for the server up to another --, and for the clients behind that. Or:
--server-args '...' and --client-args '...', as a shell would split them."""


class Program(NamedTuple):
    """One file with its role and its arguments; `text`: what is in it."""

    role: Role
    name: str
    arguments: tuple[str, ...]
    text: str


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command's options."""
    run = commands.add_parser(
        "run", help="your own socket programs, stepped like those on the screen", description=DESCRIPTION,
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="netsim run [--server FILE] [--client FILE ...] [options] [-- ARGUMENTS]",
    )  # fmt: skip
    run.add_argument("--server", metavar="FILE", help="the server's program")
    run.add_argument(
        "--client", metavar="FILE", action="append", default=[], help="a client's program; may be repeated"
    )
    run.add_argument("--clients", metavar="N", type=_count, help="so many clients, of the last --client (1 to 9)")
    run.add_argument("--server-args", metavar="TEXT", help="the server's arguments, in quotes")
    run.add_argument("--client-args", metavar="TEXT", help="the clients' arguments, in quotes")
    run.add_argument(
        "--protocol", choices=("tcp", "udp"), help="which ladder is theirs (default: what their text speaks of)"
    )
    run.add_argument("files", nargs="*", help=argparse.SUPPRESS)
    # Options of netsim itself, allowed here too; SUPPRESS: what stood before the command is kept.
    run.add_argument(
        "--net", choices=("auto", "private", "host"), default=argparse.SUPPRESS, help="in which kind of net"
    )
    run.add_argument("--port", type=port_number, default=argparse.SUPPRESS, help="the port that the table begins with")
    for name in ("--plain", "--ascii", "--no-animation"):
        run.add_argument(name, action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(options: argparse.Namespace, behind: list[str]) -> int:
    """Run the person's programs under the lab; returns the exit status."""
    try:
        programs = _programs(options, behind)
    except ValueError as error:
        print(f"netsim: {error}", file=sys.stderr)
        return USAGE_ERROR
    prepare_terminal()
    plain = options.plain
    if not plain and (reason := no_screen()):
        print(f"netsim: {reason}, so this is plain mode (netsim run --plain).", file=sys.stderr)
        plain = True
    recorder = None
    if options.record is not None:
        from netsim.cli.app import new_recorder

        recorder = new_recorder(options.record)
        if recorder is None:
            return USAGE_ERROR
    gc.disable()  # as in netsim.cli.app
    from netsim.cli.workshop import Workshop

    spoken = spoken_port(programs) if options.port == DEFAULT_PORT else None
    port = spoken or options.port
    workshop = Workshop(options.net, port)
    workshop.prepare_lab()

    from netsim.session import Session

    session = Session(workshop.first_lab, opening(programs, options.protocol))
    try:
        if plain:
            from netsim.text.plain import Plain

            gc.enable()
            return Plain(session, sys.stdout).run(sys.stdin)
        tape = None
        if recorder is not None:
            from netsim.cli.app import start_tape

            tape = start_tape(session, recorder, options.record)
        return show(session, options, workshop, tape)
    finally:
        session.close()
        workshop.close()


def opening(programs: Sequence[Program], protocol: Transport | None) -> tuple[StartEndpoint, ...]:
    """The commands that start them: the server first, then the clients by number."""
    import getpass

    from netsim.model.commands import StartEndpoint
    from netsim.model.own import OwnProgram
    from netsim.model.views import client_name, server_name

    transport = protocol or spoken_transport(programs)
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = ""
    made: list[StartEndpoint] = []
    for program in programs:
        number = 1 + sum(each.role == "client" for each in made) if program.role == "client" else 1
        own = OwnProgram(os.path.abspath(program.name), (program.name, *program.arguments), os.getcwd(), user)
        made.append(
            StartEndpoint(
                who=server_name(transport) if program.role == "server" else client_name(transport, number),
                program=os.path.basename(program.name), role=program.role, transport=transport, number=number, own=own,
            )
        )  # fmt: skip
    return tuple(made)


def spoken_transport(programs: Sequence[Program]) -> Transport:
    """TCP or UDP, by the words in the programs' text: the server's, if it is there, is the first to be asked."""
    import re

    udp = re.compile(r"\bSOCK_DGRAM\b|\bUDPServer\b|\bThreadingUDPServer\b|\brecvfrom\(|\bsendto\(")
    tcp = re.compile(r"\bSOCK_STREAM\b|\bTCPServer\b|\bHTTPServer\b|\bcreate_connection\b|\.listen\(|\.accept\(")
    for program in programs:
        if udp.search(program.text) or tcp.search(program.text):
            return "tcp" if tcp.search(program.text) else "udp"
    return "tcp"


def spoken_port(programs: Sequence[Program]) -> int | None:
    """The port that their text or their arguments name first: the table begins with it. Only a guess."""
    import re

    number = re.compile(r"""(?i:port\w*)["']?\s*(?::\s*int\s*)?[=:]\s*(\d{2,5})\b|["']\s*,\s*(\d{2,5})\s*\)""")
    for program in programs:
        named = [each for each in program.arguments if each.isascii() and each.isdigit()]
        named += [found[1] or found[2] for found in number.finditer(program.text)]
        for each in named:
            if 0 < int(each) < 65536:
                return int(each)
    return None


# --- what was typed


def _programs(options: argparse.Namespace, behind: list[str]) -> list[Program]:
    """The programs, the server first; raises ValueError with what to type instead."""
    if options.files:
        name = options.files[0]
        raise ValueError(f"which role has {name}? netsim run --server {name}, or --client {name}")
    clients = list(options.client)
    if options.clients is not None:
        if not clients:
            raise ValueError("--clients says how many; say which too: --client my_client.py")
        clients += [clients[-1]] * (options.clients - len(clients))
    if not clients and options.server is None:
        raise ValueError("there is nothing to run: netsim run --server my_server.py --client my_client.py")
    if len(clients) > MOST_CLIENTS:
        raise ValueError(f"{MOST_CLIENTS} clients are the most here, and these are {len(clients)}")
    for_server, for_clients = _arguments(options, behind, both=bool(clients) and options.server is not None)
    texts = {name: _text(name) for name in dict.fromkeys([*([options.server] if options.server else []), *clients])}
    made = [Program("server", options.server, for_server, texts[options.server])] if options.server else []
    return made + [Program("client", name, for_clients, texts[name]) for name in clients]


def _arguments(
    options: argparse.Namespace, behind: list[str], *, both: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the server and the clients are given."""
    server, clients = _split("--server-args", options.server_args), _split("--client-args", options.client_args)
    if not behind:
        return server, clients
    if server or clients:
        raise ValueError("arguments behind -- or in --server-args and --client-args, not both")
    if not both:
        return tuple(behind), tuple(behind)
    end = behind.index("--") if "--" in behind else len(behind)
    return tuple(behind[:end]), tuple(behind[end + 1 :])


def _split(option: str, text: str | None) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text or ""))
    except ValueError as error:
        raise ValueError(f"{option} {text!r} can't be split as a shell would: {error}") from error


def _text(name: str) -> str:
    """A program's text; raises ValueError with Python's own words for one that is none."""
    from netsim.lab import own_programs
    from netsim.text.charset import visible

    try:
        text = own_programs.read(os.path.abspath(name))
    except ValueError as error:
        raise ValueError(visible(str(error))) from error
    problem = own_programs.problem_with(text, name)
    if problem:
        shown = "\n".join(visible(line) for line in problem.splitlines())
        raise ValueError(f"Python can't read {visible(name)}: correct it, and run it again.\n{shown}")
    return text


def _count(text: str) -> int:
    """A number of clients; raises ArgumentTypeError with what to do."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= MOST_CLIENTS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of clients: 1 to {MOST_CLIENTS}")
    return int(text)
