import selectors
import socket

sel = selectors.DefaultSelector()
running = True


def accept(sock, mask):
    conn, addr = sock.accept()
    print('accepted')
    conn.setblocking(False)
    sel.register(conn, selectors.EVENT_READ, read)


def read(conn, mask):
    global running
    data = conn.recv(1000)
    if data:
        print('echoing', repr(data))
        conn.send(data)
    else:
        print('closing')
        sel.unregister(conn)
        conn.close()
        running = False


sock = socket.socket()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind(('localhost', 5003))
sock.listen(100)
sock.setblocking(False)
sel.register(sock, selectors.EVENT_READ, accept)

while running:
    for key, mask in sel.select():
        key.data(key.fileobj, mask)
