import socket

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
for question in (b'hello', b'time?'):
    s.sendto(question, ('127.0.0.1', 5005))
    answer, server = s.recvfrom(1024)
    print(answer.decode(), 'from port', server[1])
