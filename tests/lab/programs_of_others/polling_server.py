"""Asks again and again whether somebody is there, and does something else in between."""
import socket
import time

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 5011))
s.listen(1)
s.setblocking(False)
conn = None
while conn is None:
    try:
        conn, addr = s.accept()
    except BlockingIOError:
        time.sleep(0.02)

conn.setblocking(False)
data = b""
while True:
    try:
        chunk = conn.recv(10)
    except BlockingIOError:
        time.sleep(0.02)
        continue
    if not chunk:
        break
    data += chunk

print("all of it:", data.decode())
conn.close()
s.close()
