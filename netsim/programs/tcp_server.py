"""A TCP server: it greets whoever connects to port 8888, then prints what they send until they close."""

import socket

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 8888))
s.listen(5)
while True:
    conn, addr = s.accept()
    conn.send('Connection received'.encode('ascii'))
    while data := conn.recv(1024):
        print(data.decode())
    conn.close()
