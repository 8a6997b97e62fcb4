import socket

for host in ('::1', '127.0.0.1'):
    for family, kind, proto, _, address in socket.getaddrinfo(host, 5007, type=socket.SOCK_STREAM):
        with socket.socket(family, kind, proto) as s:
            s.connect(address)
            print(s.recv(100).decode())
            while s.recv(100):
                pass
