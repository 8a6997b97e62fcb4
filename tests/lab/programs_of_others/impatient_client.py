import socket

s = socket.socket()
s.settimeout(0.1)
s.connect(("127.0.0.1", 5011))
s.sendall(b"more than ten bytes at once")
try:
    s.recv(10)
except socket.timeout as error:
    print("no answer:", error)
s.shutdown(socket.SHUT_WR)
s.close()
