"""A server that lets one client wait (the kernel makes it two) and takes its time before it accepts anybody."""

import socket

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 8888))
s.listen(1)
conn, addr = s.accept()
conn.close()
