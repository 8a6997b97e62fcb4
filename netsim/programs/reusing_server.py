"""The simplest server and one line more: with SO_REUSEADDR it can have its port back while TIME_WAIT still has it."""

import socket

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 8888))
s.listen(5)
while True:
    conn, addr = s.accept()
    conn.send('Connection received'.encode('ascii'))
    conn.close()
