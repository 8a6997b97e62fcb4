"""From lab to life: the programs on the screen as files, and the commands that show the same thing without netsim.

Law: every line is complete: typed as it stands, in an ordinary terminal, it does what is said of it.
"""

from __future__ import annotations

import shlex
from typing import NamedTuple

from netsim.model.views import pair_of
from netsim.model.world import Endpoint, World
from netsim.story.own import first_own, reached_at


class Deed(NamedTuple):
    """One command line, and in a few words what it is for."""

    what: str
    line: str


def files(world: World) -> tuple[tuple[str, str], ...]:
    """Name and text of the programs in the panes that are netsim's; none of the person's own, who has them."""
    made: dict[str, str] = {}
    for endpoint in _shown(world):
        if endpoint.own is None:
            made[endpoint.program] = "\n".join((*endpoint.source, ""))
    return tuple(made.items())


def without_netsim(world: World, folder: str = "") -> tuple[Deed, ...]:
    """What shows the same on any machine, one terminal each. `folder`: where the files were saved, "" if not yet."""
    transport = world.focus.transport
    host, port = reached_at(world, transport)
    deeds = [Deed(each.role, _run(each, folder)) for each in _shown(world)]
    # Not -v for UDP: with it nc sends datagrams of its own first, to try the port.
    option, netcat = ("-u", "nc -u") if transport == "udp" else ("-t", "nc -v")
    deeds.append(Deed("by hand", f"{netcat} {host} {port}"))
    deeds.append(Deed("sockets", f"ss {option}anp 'sport = :{port} or dport = :{port}'"))
    deeds.append(Deed("packets", f"sudo tcpdump -n -i lo '{transport} port {port}'"))
    return tuple(deeds)


def in_the_lab(world: World) -> tuple[Deed, ...]:
    """What looks into this lab from another terminal; where it is in the machine's own net nothing more is needed."""
    if world.lab is None or world.lab.net != "private":
        return ()
    _, port = reached_at(world, world.focus.transport)
    option = "-u" if world.focus.transport == "udp" else "-t"
    return (
        Deed("sockets", f"netsim shell -- ss {option}anp"),
        Deed("packets", f"netsim shell -- tcpdump -n -i lo 'port {port}'"),
    )


def by_hand(world: World) -> str:
    """How somebody calls our server from another terminal."""
    host, port = reached_at(world, "tcp")
    inside = "netsim shell -- " if world.lab is not None and world.lab.net == "private" else ""
    return f"{inside}nc {host} {port}"


def as_text(deeds: tuple[Deed, ...]) -> str:
    """The lines to be pasted: what each is for stands in a comment before it."""
    return "".join(f"# {deed.what}\n{deed.line}\n" for deed in deeds)


def _shown(world: World) -> list[Endpoint]:
    """The server first, as they are started."""
    client, server = pair_of(world, world.focus.transport)
    return [each for each in (server, client) if each is not None]


def _run(endpoint: Endpoint, folder: str) -> str:
    if endpoint.own is not None:
        return shlex.join(("python3", endpoint.own.path, *endpoint.own.argv[1:]))
    name = f"{folder}/{endpoint.program}" if folder else endpoint.program
    return shlex.join(("python3", name))


def about_files(world: World) -> str:
    """Which files there would be, in one sentence."""
    names = [name for name, _ in files(world)]
    if names:
        return f"{' and '.join(names)}, as they stand in the panes."
    if first_own(world) is not None:
        return "These programs are yours: they are in their files already."
    return "No program runs here yet."
