import socketserver


class UpperHandler(socketserver.StreamRequestHandler):
    """Answers each line in capitals."""

    def handle(self):
        for line in self.rfile:
            text = line.strip()
            print('client wrote', text)
            self.wfile.write(text.upper() + b'\n')


class Server(socketserver.TCPServer):
    allow_reuse_address = True


if __name__ == '__main__':
    with Server(('localhost', 5004), UpperHandler) as server:
        server.handle_request()
    print('done')
