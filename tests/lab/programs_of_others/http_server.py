"""A web server by hand: one page, one request."""
from socket import *

PAGE = '<html><body><h1>Hello</h1></body></html>'


def read_request(connection):
    request = b''
    while b'\r\n\r\n' not in request:
        request += connection.recv(512)
    return request.decode('iso-8859-1')


def answer(connection, status, body):
    head = f'HTTP/1.0 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n'
    connection.sendall((head + body).encode())


server_socket = socket(AF_INET, SOCK_STREAM)
server_socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
server_socket.bind(('127.0.0.1', 8080))
server_socket.listen(1)
print('http://127.0.0.1:8080/')
connection, address = server_socket.accept()
method, path, *_ = read_request(connection).split()
print(method, path)
if path == '/':
    answer(connection, '200 OK', PAGE)
else:
    answer(connection, '404 Not Found', 'no such page')
connection.close()
server_socket.close()
