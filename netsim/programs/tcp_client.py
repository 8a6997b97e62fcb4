"""A TCP client: it connects to port 8888, reads the greeting, says hello and closes first."""

import socket

s = socket.socket()
s.connect(('127.0.0.1', 8888))
text = s.recv(1024)
s.send(b'hello')
s.close()
