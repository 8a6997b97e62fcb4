"""A server for many clients at once: each gets a thread of its own, which greets it and listens to it."""

import socket
import threading


def serve(conn):
    conn.send(b'Connection received')
    while data := conn.recv(1024):
        print(data.decode())
    conn.close()


s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 8888))
s.listen(5)
while True:
    conn, addr = s.accept()
    threading.Thread(target=serve, args=(conn,), daemon=True).start()
