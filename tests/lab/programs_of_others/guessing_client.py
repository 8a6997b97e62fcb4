"""Asks the person, tells the server, until an empty line."""
import socket
import sys


class Client:
    def __init__(self, port):
        self.sock = socket.socket()
        self.sock.connect(('127.0.0.1', port))

    def ask(self, text):
        self.sock.send(text.encode())
        return self.sock.recv(100).decode()

    def close(self):
        self.sock.close()


c = Client(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
while text := input('> '):
    print('<', c.ask(text))
c.close()
print('ended')
