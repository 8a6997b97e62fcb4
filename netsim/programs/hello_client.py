"""A TCP client that has one thing to say: it connects to port 8888, says hello and closes."""

import socket

s = socket.socket()
s.connect(('127.0.0.1', 8888))
s.send(b'hello')
s.close()
