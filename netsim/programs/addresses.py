"""Three sockets that listen: on one address of this machine, on all of its IPv4 addresses, and on one of IPv6."""

import socket

one = socket.socket()
one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
one.bind(('127.0.0.1', 8888))
one.listen(5)
every = socket.socket()
every.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
every.bind(('0.0.0.0', 8889))
every.listen(5)
six = socket.socket(socket.AF_INET6)
six.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
six.bind(('::1', 8888))
six.listen(5)
conn, addr = one.accept()
conn.close()
