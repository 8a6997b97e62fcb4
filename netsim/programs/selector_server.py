"""A server for many clients at once, in one thread: it waits for all its sockets, and serves the one that is ready."""

import selectors
import socket

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 8888))
s.listen(5)
waiting = selectors.DefaultSelector()
waiting.register(s, selectors.EVENT_READ)
while True:
    for key, _ in waiting.select():
        if key.fileobj is s:
            conn, addr = s.accept()
            conn.send(b'Connection received')
            waiting.register(conn, selectors.EVENT_READ)
        else:
            conn = key.fileobj
            data = conn.recv(1024)
            if not data:
                waiting.unregister(conn)
                conn.close()
