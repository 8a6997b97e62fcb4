"""A client that asks again and again: each time it connects to port 8888, receives the greeting, and closes."""

import socket

while True:
    s = socket.socket()
    s.connect(('127.0.0.1', 8888))
    text = s.recv(1024)
    print(text.decode('ascii'))
    s.close()
