"""select.poll(), a buffer of its own, and two pieces sent as one."""
import select, socket

s = socket.socket()
s.bind(("localhost", 5013)); s.listen()
poller = select.poll()
poller.register(s, select.POLLIN)
conns = {s.fileno(): s}
served = 0
while served < 2:
    for fd, event in poller.poll():
        if conns[fd] is s:
            conn, addr = s.accept()
            conns[conn.fileno()] = conn
            poller.register(conn, select.POLLIN)
        else:
            buffer = bytearray(50)
            size = conns[fd].recv_into(buffer)
            if size:
                conns[fd].sendmsg([b"got ", bytes(buffer[:size])])
            else:
                poller.unregister(fd)
                conns.pop(fd).close()
                served += 1
s.close()
