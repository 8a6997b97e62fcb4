"""One server, two ports: whoever comes to 8888 is greeted, whoever comes to 8889 is told the time."""

import socket
import time

greeter = socket.socket()
greeter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
greeter.bind(('127.0.0.1', 8888))
greeter.listen(5)
clock = socket.socket()
clock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
clock.bind(('127.0.0.1', 8889))
clock.listen(5)
while True:
    conn, addr = greeter.accept()
    conn.send(b'Connection received')
    conn.close()
    conn, addr = clock.accept()
    conn.send(time.ctime().encode('ascii'))
    conn.close()
