"""A server of two processes: after fork() both have the same listening socket. The kernel gives each client to one."""

import os
import socket

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 8888))
s.listen(5)
os.fork()
while True:
    conn, addr = s.accept()
    conn.send('Connection received'.encode('ascii'))
    conn.close()
