"""The upper half: the rule with both heads, both listings, both processes' sockets, the client left, the server right.

Law: both panes speak of the same conversation, the one in focus.
"""

from __future__ import annotations

from netsim.model.address import Role
from netsim.model.events import EndpointStarted
from netsim.model.strangers import stranger
from netsim.model.views import clients, shown_pair
from netsim.model.world import Endpoint, World
from netsim.story.own import is_own
from netsim.text.charset import Charset
from netsim.text.grid import Grid
from netsim.text.layout import beside, fill, first_that_fits
from netsim.text.lines import Line, Span, Style
from netsim.text.listing import level
from netsim.text.marks import BOLD
from netsim.text.own import draw_program
from netsim.text.sockets import draw_sockets, draw_strangers_socket
from netsim.text.strangers import draw_stranger, draw_strangers_head

MODULE = 24  # cells of the name of a file in a head


def draw_panes(
    world: World, grid: Grid, charset: Charset, *, target: str = "", aim: tuple[str, int] = ("", 0)
) -> list[Line]:
    """Rows `grid.heads` to `grid.sockets`. `target`: the `who` whose next line SPACE will run, "" for none.

    `aim`: the `who` and the line that the person points at.
    """
    client, server = shown_pair(world)
    heads = beside(
        draw_clients_head(world, grid.left, charset, endpoint=client),
        Span(charset.down, "rule"),
        draw_head(world, grid.right, 1, charset, endpoint=server, role="server")[0],
    )
    rows = grid.listing.height
    plainest = max(level(each, rows) for each in (client, server))  # so that both begin alike
    panes: tuple[tuple[Endpoint | None, int, Role], ...] = (
        (client, grid.left, "client"), (server, grid.right, "server")
    )  # fmt: skip
    bodies = [
        draw_program(
            world,
            width,
            rows,
            charset,
            endpoint=endpoint,
            role=role,
            target=target,
            plainest=plainest,
            aim=aim[1] if endpoint is not None and endpoint.who == aim[0] else 0,
        )
        + draw_sockets(world, width, grid.sockets.height, charset, endpoint=endpoint, target=target)
        for endpoint, width, role in panes
    ]
    if world.focus.stranger is not None:
        known = stranger(world, world.focus.stranger)
        bodies[0] = draw_stranger(world, grid.left, rows, charset, known=known)
        bodies[0] += draw_strangers_socket(world, grid.left, grid.sockets.height, charset, known=known, target=target)
    bar = Span(charset.bar, "rule")
    return [heads, *(beside(left, bar, right) for left, right in zip(*bodies, strict=True))]


def draw_clients_head(world: World, width: int, charset: Charset, *, endpoint: Endpoint | None, what: str = "") -> Line:
    """The head of the client's pane, whether it is ours or a stranger."""
    if world.focus.stranger is not None:
        return draw_strangers_head(world, width, charset, known=stranger(world, world.focus.stranger))
    return draw_head(world, width, 1, charset, endpoint=endpoint, role="client", what=what)[0]


def draw_head(
    world: World, width: int, height: int, charset: Charset, *, endpoint: Endpoint | None, role: str, what: str = ""
) -> list[Line]:
    """A pane's head in its rule: the role, which of several, the PID and the one before, the protocol or the end.

    The role of the pane that has the keys is bold. `what`: what is shown of it, where that has to be said.
    """
    if height <= 0:
        return []
    begin = Span(f"{charset.dash} ", "rule")
    name = Span(role.upper(), _name_style(world, role))
    noun = [Span(f" {what}")] if what else []
    if endpoint is None:
        nobody = "no process yet" if not is_own(world) else "nobody of yours"
        return [fill([begin, name, *noun, Span(f"  {nobody} ")], width, charset.dash, "rule")]
    everyone = clients(world, endpoint.transport) if endpoint.role == "client" else ()
    which = [Span(f" {endpoint.number} of {len(everyone)}")] if len(everyone) > 1 else []
    pid = [Span("  "), Span(f"pid {endpoint.pid}", "bold" if _has_started(world, endpoint) else "")]
    was = [Span(f", was {endpoint.former_pids[-1]}")] if endpoint.former_pids else []
    how = [Span(f"  {charset.shown(_how(endpoint), MODULE)}")]
    end = [Span(" ")]
    variants = [
        [begin, name, *noun, *which, *pid, *was, *how, *end],
        [begin, name, *noun, *which, *pid, *was, *(how if endpoint.status == "ended" else []), *end],
        [begin, name, *which, *pid, *was, *(how if endpoint.status == "ended" else []), *end],
        [begin, name, *noun, *which, *pid, *how, *end],
        [begin, name, *noun, *which, *pid, *end],
        [begin, name, *which, *pid, *end],
    ]
    head = fill(first_that_fits(variants, width), width, charset.dash, "rule")
    return [head, *(fill((), width, charset.dash, "rule") for _ in range(height - 1))]


def _name_style(world: World, role: str) -> Style:
    if role == "client":
        return BOLD["client"] if world.focus.role == "client" else "client"
    return BOLD["server"] if world.focus.role == "server" else "server"


def _has_started(world: World, endpoint: Endpoint) -> bool:
    return any(isinstance(event, EndpointStarted) and event.who == endpoint.who for event in world.since)


def _how(endpoint: Endpoint) -> str:
    """The protocol while the process lives, or the module in which it is; then how it ended."""
    if endpoint.status != "ended":
        return endpoint.paused_by or endpoint.in_file(endpoint.line)[1] or endpoint.transport
    if endpoint.killed_by:
        return {2: "interrupted", 9: "killed"}.get(endpoint.killed_by, f"signal {endpoint.killed_by}")
    return "ended"
