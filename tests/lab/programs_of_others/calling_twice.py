import socket
import sys

for word in (b"first", b"second"):
    s = socket.create_connection(("localhost", int(sys.argv[1])), timeout=10)
    s.send(word)
    print(s.recv(100))
    s.close()
