"""The simplest client: it connects to port 8888, receives up to 1024 bytes, and closes."""

import socket

s = socket.socket()
s.connect(('127.0.0.1', 8888))
text = s.recv(1024)
print(text.decode('ascii'))
s.close()
