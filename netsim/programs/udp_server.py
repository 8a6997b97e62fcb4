"""A UDP server: it prints every datagram that comes to port 8888. Nobody has to connect."""

import socket

s = socket.socket(type=socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 8888))
while True:
    data, addr = s.recvfrom(1024)
    print(data.decode())
