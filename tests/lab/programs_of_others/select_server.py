# An echo server for many clients in one thread, with select()
import select
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.setblocking(False)
server.bind(('0.0.0.0', 5002))
server.listen(5)
print('waiting in select')

inputs = [server]
served = 0
while inputs and served < 1:
    readable, _, exceptional = select.select(inputs, [], inputs)
    for s in readable:
        if s is server:
            connection, client_address = s.accept()
            connection.setblocking(False)
            inputs.append(connection)
            print('a client')
        else:
            data = s.recv(1024)
            if data:
                s.send(data[::-1])
            else:
                inputs.remove(s)
                s.close()
                served += 1
server.close()
print('served', served)
