#!/usr/bin/env python3
# -*- coding: utf-8 -*-
import socket
import sys

HOST, PORT = sys.argv[1], int(sys.argv[2])

sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
try:
    sock.connect((HOST, PORT))
    for word in ['hello', 'wörld', '1' * 20]:
        sock.sendall(word.encode('utf-8'))
        received = b''
        while len(received) < len(word.encode('utf-8')):
            received += sock.recv(16)
        print('echo:', received.decode('utf-8'))
finally:
    print('closing')
    sock.close()
