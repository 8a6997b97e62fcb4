import os
import socket
import sys


def serve(conn):
    data = conn.recv(1024)
    conn.sendall(b'child says: ' + data)
    conn.close()


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('127.0.0.1', 5006))
listener.listen(5)
for _ in range(1):
    conn, addr = listener.accept()
    pid = os.fork()
    if pid == 0:
        listener.close()
        serve(conn)
        os._exit(7)
    conn.close()
    _, status = os.waitpid(pid, 0)
    print('child ended with', os.waitstatus_to_exitcode(status))
sys.exit(3)
