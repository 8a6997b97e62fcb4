import socket

s = socket.socket()
n = 0
while True:
    n += 1
