"""A UDP client: it sends one datagram to port 8888, without asking whether anyone is there."""

import socket

s = socket.socket(type=socket.SOCK_DGRAM)
s.sendto(b'hello', ('127.0.0.1', 8888))
s.close()
