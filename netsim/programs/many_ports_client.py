"""A client of four services: it asks one port after the other, and prints what each of them says."""

import socket

for port in (8888, 8889, 80, 443):
    s = socket.socket()
    s.connect(('127.0.0.1', port))
    text = s.recv(1024)
    print(port, text.decode('ascii'))
    s.close()
