"""One server, four services: it listens on four ports at once, and each greets its clients in its own words."""

import select
import socket

services = {}
for port, words in ((8888, 'Connection received'), (8889, 'The news'), (80, 'A web page'), (443, 'A secret page')):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(('127.0.0.1', port))
    except OSError as error:
        print(port, error)
        continue
    s.listen(5)
    services[s] = words
while True:
    for s in select.select(list(services), [], [])[0]:
        conn, addr = s.accept()
        conn.send(services[s].encode('ascii'))
        conn.close()
