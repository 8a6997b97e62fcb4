import socket
import threading


class ChatServer:
    def __init__(self, host, port, limit):
        self.clients = []
        self.lock = threading.Lock()
        self.limit = limit
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((host, port))

    def start(self):
        self.sock.listen(10)
        print('chat server is up')
        threads = []
        for _ in range(self.limit):
            client, _address = self.sock.accept()
            with self.lock:
                self.clients.append(client)
            thread = threading.Thread(target=self.handle, args=(client,), daemon=True)
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()
        self.sock.close()
        print('chat server is down')

    def handle(self, client):
        lines = client.makefile('r')
        name = lines.readline().strip()
        self.broadcast(f'* {name} is here\n')
        for message in lines:
            self.broadcast(f'<{name}> {message}')
        with self.lock:
            self.clients.remove(client)
        client.close()
        print(name, 'has left')

    def broadcast(self, text):
        with self.lock:
            for client in self.clients:
                try:
                    client.sendall(text.encode())
                except OSError:
                    pass  # it has just left


if __name__ == '__main__':
    ChatServer('localhost', 5001, limit=1).start()
