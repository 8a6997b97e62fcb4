"""`enter` on a packet: its bytes and fields, the way from it to the process, and the message in its coats.

Law: it looks and asks nothing of the lab; what it draws is a function of the world that is shown and of the cursor.
"""

from __future__ import annotations

from typing import Literal

from netsim.model.address import Transport
from netsim.model.fields import Dissection
from netsim.model.inspected import Wrapped, messages, neighbours, opened, packet_numbered
from netsim.model.packet import Packet
from netsim.model.way import STEPS, Way, way_of
from netsim.model.world import World
from netsim.story.inspecting import no_packet, packet_to_inspect
from netsim.text.inspected import View
from netsim.text.inspector import draw_inspector
from netsim.text.lines import Line
from netsim.text.way import draw_way
from netsim.text.wrapping import draw_wrapping
from netsim.tui.page import Page, Stage

Mode = Literal["bytes", "way", "wrapping"]
BY_PORT = ("tcp.dstport", "udp.dstport", "ip.dst", "ipv6.dst")  # where the cursor stands first: the first that there is
BY_QUOTED_PORT = ("tcp.srcport", "udp.srcport")  # of an ICMP error: by that the kernel finds who had sent
NEXT, PREVIOUS = ("right_square_bracket", "n"), ("left_square_bracket", "p")


class InspectorPage:
    """One packet of the world that is shown, and how it is looked at."""

    def __init__(self, stage: Stage, packet: Packet) -> None:
        self._stage = stage
        self._mode: Mode = "bytes"
        self._covered = False
        self._step = 0  # of the way
        self._coat = 0
        self._transport: Transport = packet.conversation.transport
        self._packet = packet
        self._cursor = 0  # which field
        self._pointed: int | None = None  # a byte, if one was gone to by itself
        self._turn_to(packet)

    # --- what it shows

    def draw(self, width: int, height: int) -> list[Line]:
        """The page in its mode."""
        view, charset = self._view(), self._stage.charset
        match self._mode:
            case "bytes":
                return draw_inspector(view, width, height, charset)
            case "way":
                return draw_way(view, self._way(view.world), self._step, width, height, charset)
            case "wrapping":
                found = self._messages(view.world)
                return draw_wrapping(view, found, self._transport, self._coat, width, height, charset)

    def _view(self) -> View:
        world = self._stage.shown_world
        packet = packet_numbered(world, self._packet.number) or self._packet
        return View(
            world=world,
            packet=packet,
            packets=neighbours(world, packet),
            found=opened(world, packet),
            cursor=self._cursor,
            pointed=self._pointed,
            covered=self._covered,
            mark=self._mark(world),
        )

    def _mark(self, world: World) -> str:
        if self._stage.session.recording:
            return "RECORDED"
        return "" if world is self._stage.session.world else "the past"

    def _way(self, world: World) -> Way:
        return way_of(world, packet_numbered(world, self._packet.number) or self._packet, covered=self._covered)

    def _messages(self, world: World) -> dict[Transport, Wrapped | None]:
        return messages(world, packet_numbered(world, self._packet.number) or self._packet)

    def _found(self) -> Dissection | None:
        return opened(self._stage.shown_world, self._packet)

    # --- keys

    def press(self, key: str, character: str | None) -> bool:
        """Take a key; False closes the page."""
        match key:
            case "escape":
                if self._mode == "bytes":
                    return False
                self._mode = "bytes"
            case "q":
                return False
            case "v":
                self._mode = "bytes" if self._mode == "way" else "way"
                self._step = 0
            case "w":
                self._mode = "bytes" if self._mode == "wrapping" else "wrapping"
                self._coat = 0
            case "enter" if self._mode == "bytes":
                self._mode, self._step = "way", 0
            case "c":
                self._covered = not self._covered
            case "space" | "pagedown":
                self._go_on()
            case _ if key in NEXT or key in PREVIOUS:
                self._other_packet(1 if key in NEXT else -1)
            case _:
                self._move(key)
        return True

    def _go_on(self) -> None:
        """space: what the SPACE line says."""
        match self._mode:
            case "bytes":
                self._mode, self._step = "way", 0
            case "way" if self._step + 1 < len(STEPS):
                self._step += 1
            case "wrapping" if self._coat < self._coats():
                self._coat += 1
            case _:
                self._mode = "bytes"

    def _move(self, key: str) -> None:
        match self._mode:
            case "bytes":
                self._move_in_fields(key)
            case "way":
                self._step = _moved(self._step, key, len(STEPS))
            case "wrapping":
                if key == "tab":
                    self._transport = "udp" if self._transport == "tcp" else "tcp"
                    self._coat = min(self._coat, self._coats())
                else:
                    self._coat = _moved(self._coat, key, self._coats() + 1)

    def _coats(self) -> int:
        shown = self._messages(self._stage.shown_world)[self._transport]
        return len(shown.coats) if shown else 0

    def _move_in_fields(self, key: str) -> None:
        found = self._found()
        if found is None or not found.fields:
            return
        if key in ("left", "right"):
            field = found.fields[self._cursor]
            here = self._pointed if self._pointed is not None else field.start if key == "left" else field.end - 1
            if self._pointed is None and key == "right" and field.length > 1:
                here = field.start - 1  # the field's own bytes first
            byte = min(max(0, here + (1 if key == "right" else -1)), len(found.raw) - 1)
            self._pointed = byte
            if not field.start <= byte < field.end or field.has_parts:
                self._cursor = found.index_at(byte) or 0
        else:
            self._cursor = _moved(self._cursor, key, len(found.fields))
            self._pointed = None

    def _other_packet(self, step: int) -> None:
        packets = neighbours(self._stage.shown_world, self._packet)
        numbers = [packet.number for packet in packets]
        if self._packet.number in numbers:
            place = min(max(0, numbers.index(self._packet.number) + step), len(packets) - 1)
            name = self._name()
            self._turn_to(packets[place], name)

    def _name(self) -> str:
        """The chosen field's name: in another packet the cursor goes to the same one."""
        found = self._found()
        return found.fields[self._cursor].name if found is not None and found.fields else ""

    def _turn_to(self, packet: Packet, name: str = "") -> None:
        self._packet = packet
        self._transport = packet.conversation.transport
        self._pointed, self._cursor = None, 0
        found = self._found()
        if found is not None:
            wanted = (name, *(BY_QUOTED_PORT if packet.icmp else ()), *BY_PORT)
            places = (found.index_of(each) for each in wanted if each)
            self._cursor = next((place for place in places if place is not None), 0)

    # --- what the screen tells

    def came(self) -> None:
        """More has happened: the next drawing has it."""

    def close(self) -> None:
        """Nothing was started."""


def _moved(place: int, key: str, count: int) -> int:
    match key:
        case "up":
            place -= 1
        case "down":
            place += 1
        case "home":
            place = 0
        case "end":
            place = count - 1
        case _:
            pass
    return min(max(0, place), count - 1)


def open_page(stage: Stage) -> Page | str:
    """The packet that space delivers, else the newest."""
    packet = packet_to_inspect(stage.shown_world)
    return no_packet(stage.shown_world) if packet is None else InspectorPage(stage, packet)
