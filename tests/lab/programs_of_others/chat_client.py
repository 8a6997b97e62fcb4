import socket
import sys
import threading


def listen_to(sock):
    """Print what comes, in a thread of its own."""
    for line in sock.makefile('r', encoding='utf-8'):
        sys.stdout.write(line)


def main():
    name = input('your name: ')
    sock = socket.create_connection(('localhost', 5001))
    sock.sendall(name.encode() + b'\n')
    reader = threading.Thread(target=listen_to, args=(sock,))
    reader.start()
    while True:
        try:
            line = input()
        except EOFError:
            break
        if line == 'quit':
            break
        sock.sendall(line.encode() + b'\n')
    sock.shutdown(socket.SHUT_RDWR)
    reader.join()
    sock.close()
    print('good bye,', name)


if __name__ == '__main__':
    main()
