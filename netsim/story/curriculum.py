"""The curriculum: every point that netsim teaches, by its id. A lesson's claims name the rows that they observe.

Law: a row without a claim that observes it fails a test.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One point: its id, and what it says."""

    id: str
    point: str


ROWS: tuple[Row, ...] = (
    Row("P1", "There are two transport protocols to choose from: TCP (SOCK_STREAM) and UDP (SOCK_DGRAM)."),
    Row("P2", "TCP is connection-oriented and reliable, a two-way byte stream, set up by a three-way handshake."),
    Row("P3", "UDP has no connection: it sends, and receives, datagrams at once."),
    Row("P4", "TCP is heavier and slower, UDP lighter and faster."),
    Row("P5", "TCP is no more secret than UDP: its handshake proves that the other end answers, and hides nothing."),
    Row("P6", "TCP is a stream of bytes, not of messages; UDP keeps messages apart."),
    Row("S1", "A socket is the program's handle: accept connections in, make connections out, send, receive."),
    Row("S2", "To the system a socket is a file without a name."),
    Row("S3", "A socket has an address (IP address and port) and properties: how many may wait, and options."),
    Row("S4", "Both sides make a socket before they talk; between processes, on one machine or two."),
    Row("O1", "The receiver binds a known port; usually that is the server."),
    Row("O2", "A port is a 16-bit number, 0 to 65535."),
    Row("O3", "The operating system manages ports."),
    Row("O4", "A client finds a server by its port."),
    Row("O5", "Ports 0 to 1023 are reserved for the system, by local policy; port 0 means: choose for me."),
    Row("O6", "One listener per TCP port and address, with honest exceptions."),
    Row("L1", "The IP address belongs to the network layer and finds the machine; the port finds the service."),
    Row("L2", "A packet reaches the address first; then the system uses the port to find the process."),
    Row("L3", "Without the port the system could not know whose a packet is."),
    Row("W0", "A port is agreed before the server exists; a PID is dealt when it starts, and is in no packet."),
    Row("W1", "PIDs are not stable: a restarted server has the same port and another PID."),
    Row("W2", "One process can serve several ports."),
    Row("W3", "PIDs differ from machine to machine."),
    Row("W4", "One port can belong to several PIDs."),
    Row("W5", "A port can be in use with no PID at all."),
    Row("A1", "A TCP server has two kinds of socket: one that listens, and one per connection."),
    Row("A2", "accept() returns the new socket, so that the listening one is free for the next client."),
    Row("A3", "The order of calls: socket, bind, listen, accept, send/recv, close; socket, connect, send/recv, close."),
    Row("A4", "The simplest pair: the server greets whoever connects to its port and closes; the client reads."),
    Row("A5", "Text is encoded before it is sent: Python's strings are Unicode, a socket takes bytes."),
    Row("A6", "Many clients at once need more than accept(): threads, or waiting on several sockets."),
    Row("F1", "Refused, unanswered and not accepted are three different failures."),
    Row("F2", "127.0.0.1, 0.0.0.0 and the machine's name are different things."),
    Row("E1", "Saying goodbye: FIN, half-close, TIME_WAIT; and not saying it: RST."),
)  # fmt: skip
