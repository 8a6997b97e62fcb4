"""The simplest server: it greets whoever connects to port 8888, and closes. It closes first."""

import socket

s = socket.socket()
s.bind(('127.0.0.1', 8888))
s.listen(5)
while True:
    conn, addr = s.accept()
    conn.send('Connection received'.encode('ascii'))
    conn.close()
