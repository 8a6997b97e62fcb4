"""Two servers on one port."""
import socket

first = socket.socket()
first.bind(('127.0.0.1', 5008))
first.listen()
second = socket.socket()
try:
    second.bind(('127.0.0.1', 5008))
except OSError as error:
    print('as expected:', error)
second.bind(('127.0.0.1', 5008))
