"""Echo server: the first one in every book. Usage: echo_server.py [HOST [PORT]]"""
import socket
import sys

HOST = sys.argv[1] if len(sys.argv) > 1 else ''
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 5000

with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((HOST, PORT))
    server.listen()
    print('listening on port', PORT)
    conn, addr = server.accept()
    with conn:
        print('connected from', addr[0])
        while True:
            data = conn.recv(1024)
            if not data:
                break
            print('received', data)
            conn.sendall(data)
print('bye')
