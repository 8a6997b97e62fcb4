"""Addresses and conversations: where packets go, without saying who is there."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Transport = Literal["tcp", "udp"]
Role = Literal["client", "server"]


class Address(Struct, frozen=True, order=True):
    """An endpoint's address: an IP address as text and a 16-bit port (0 means: none yet)."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Conversation(Struct, frozen=True, order=True):
    """The four-tuple of a connection (or a pair of UDP sockets), seen from the side that called."""

    transport: Transport
    client: Address
    server: Address
