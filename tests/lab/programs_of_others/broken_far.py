import socket

s = socket.socket()
s.settimeout(5)
s.connect(('198.51.100.7', 80))
