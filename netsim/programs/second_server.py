"""A second service beside the first: another program, another port, another greeting."""

import socket

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 8889))
s.listen(5)
while True:
    conn, addr = s.accept()
    conn.send('The other service'.encode('ascii'))
    conn.close()
