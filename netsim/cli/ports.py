"""`netsim ports`: this machine's ports and whose they are, once, as text or JSON."""

from __future__ import annotations

import argparse
import sys

from netsim.cli.app import forget_output

FOUND, NOTHING, TROUBLE = 0, 1, 2  # as grep has them
DESCRIPTION = """\
Every TCP and UDP socket of this machine that has a port, and the processes that
have it. One line each; values are never cut, so that a pipe gets all of them.

  netsim ports :8888 listen          who listens on 8888?
  netsim ports pid 41233             which ports does this process have?
  netsim ports -H time-wait | wc -l
  netsim ports --json udp | jq '.rows[].port'"""
EPILOG = """\
FILTER is one or more words, all of which have to fit:
  :8888          the port, at either end (port 8888 is the same)
  listen         a TCP state, as the kernel or as ss spells it: estab, time-wait
  tcp, udp       the protocol
  pid 41233      the process; pid - means: no process, pid ? one that is hidden
  41233          a port or a PID
  python, root   a part of a program's name, or a user; name X where X is a word
                 from above

The columns are PORT ADDRESS STATE PEER PID USER PROGRAM, at least one blank
between them; "-" means that there is none, "?" that it is not to be known here.
A PID of "-" is a socket that no process has: it is the kernel's, and PROGRAM
says why. Several processes that share a socket are written 41233,41302.

The exit status is 0; 1 if the filter leaves no line, as grep's; 2 after an
error. A lab's private net is a net of its own: netsim shell -- netsim ports"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command's options."""
    ports = commands.add_parser(
        "ports", help="this machine's ports, and whose they are", description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter, usage="netsim ports [--json] [--sort KEY] [FILTER ...]",
    )  # fmt: skip
    ports.add_argument("filter", nargs="*", metavar="FILTER", help="words that have to fit, see below")
    ports.add_argument("--json", action="store_true", help="for programs: one object, its rows in a list")
    ports.add_argument("--sort", choices=("port", "state", "pid"), default="port", help="the order (default: port)")
    ports.add_argument("--no-header", "-H", action="store_true", help="without the line of heads")


def run(options: argparse.Namespace, _behind: list[str]) -> int:
    """Print the table; returns the exit status."""
    from netsim.model.filter import parse

    try:
        wanted = parse(" ".join(options.filter))
    except ValueError as error:
        print(f"netsim ports: {error}", file=sys.stderr)
        return TROUBLE

    from netsim.lab.machine_table import Table
    from netsim.model.machine_rows import rows_of
    from netsim.model.view import View, arranged
    from netsim.story.machine_cells import hidden
    from netsim.text import ports as text

    table = Table().read()
    if table.failure:
        print(f"netsim ports: {text.visible(table.failure)}", file=sys.stderr)
        return TROUBLE
    rows = [
        row
        for row in arranged(
            rows_of(table, {}, 0.0)[0], View("place" if options.sort == "port" else options.sort, wanted)
        )
        if row is not None
    ]
    if options.json:
        out = text.as_json(rows, complete=table.complete)
    else:
        out = "\n".join(text.lines(rows, header=not options.no_header)) if rows else ""
    if not _print(out):
        return FOUND if rows else NOTHING
    if not table.complete:
        print("netsim ports: this system shows only your own processes' sockets: root sees all.", file=sys.stderr)
    elif not options.json and (note := hidden(rows, by_root=table.by_root)):
        print(f"netsim ports: {note}", file=sys.stderr)
    if wanted.terms and not rows:
        print(f"netsim ports: nothing fits {text.visible(wanted.text)!r}: netsim ports shows all.", file=sys.stderr)
        return NOTHING
    return FOUND


def _print(out: str) -> bool:
    """Write it; False if nobody reads any more (`| head`)."""
    try:
        if out:
            print(out)
        sys.stdout.flush()
    except BrokenPipeError:
        forget_output()
        return False
    return True
