"""One socket for IPv6 and IPv4."""
import socket

addr = ('', 5007)
with socket.create_server(addr, family=socket.AF_INET6, dualstack_ipv6=True, reuse_port=False) as s:
    for _ in range(2):
        conn, peer = s.accept()
        print('from', peer[0])
        conn.sendall(b'you are ' + peer[0].encode())
        conn.close()
