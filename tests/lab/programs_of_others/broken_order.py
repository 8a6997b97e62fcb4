import socket

s = socket.socket()
print(s.recv(10))
