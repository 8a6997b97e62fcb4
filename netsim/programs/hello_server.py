"""A TCP server for one client: it takes what that client says until it closes, and closes too. It says nothing."""

import socket

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 8888))
s.listen(5)
conn, addr = s.accept()
while data := conn.recv(1024):
    print(data.decode())
conn.close()
s.close()
