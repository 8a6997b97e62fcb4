"""A server that shares its port: start it twice. With SO_REUSEPORT both may bind 8888, a socket for each."""

import socket

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind(('127.0.0.1', 8888))
s.listen(5)
while True:
    conn, addr = s.accept()
    conn.send('Connection received'.encode('ascii'))
    conn.close()
