"""A race: five bytes there and back, by UDP and by TCP, forty times each. It prints microseconds.

It starts itself twice, as `race.py serve` and `race.py ask`: plain processes that nobody stops at their calls.
"""

import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

TURNS = 40


def echo(conn):
    while data := conn.recv(1024):
        conn.send(data)
    conn.close()


def echo_datagrams(s):
    while True:
        data, addr = s.recvfrom(1024)
        s.sendto(data, addr)


def serve(address):
    datagrams = socket.socket(type=socket.SOCK_DGRAM)
    datagrams.bind(address)
    threading.Thread(target=echo_datagrams, args=(datagrams,), daemon=True).start()
    s = socket.create_server(address)
    print('ready', flush=True)
    kept_open, _ = s.accept()
    threading.Thread(target=echo, args=(kept_open,), daemon=True).start()
    while True:
        conn, _ = s.accept()
        echo(conn)


def by_udp(address):
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.sendto(b'hello', address)
        s.recvfrom(1024)


def by_tcp(address):
    with socket.socket() as s:
        s.connect(address)
        s.send(b'hello')
        s.recv(1024)


def ask(address):
    open_already = socket.create_connection(address)

    def by_open_tcp(_):
        open_already.send(b'hello')
        open_already.recv(1024)

    took = {by_udp: [], by_tcp: [], by_open_tcp: []}
    for _ in range(TURNS):
        for way in took:  # in turns: whatever else the machine does hits all of them
            began = time.perf_counter()
            way(address)
            took[way].append((time.perf_counter() - began) * 1e6)
            time.sleep(0.003)  # what it has left behind in the kernel is not the next one's
    for way, times in took.items():
        low, middle, high = statistics.quantiles(times, n=4)
        print(f'{way.__name__}: a quarter within {low:.0f}, half within {middle:.0f}, three quarters within {high:.0f}')


def start(what):
    return subprocess.Popen([sys.executable, '-I', '-S', __file__, what, '8888'], stdout=subprocess.PIPE, text=True)


if len(sys.argv) > 2:
    signal.alarm(10)  # whatever happens: nothing of it is left after ten seconds
    {'serve': serve, 'ask': ask}[sys.argv[1]](('127.0.0.1', int(sys.argv[2])))
else:
    with start('serve') as server:
        server.stdout.readline()
        with start('ask') as asking:
            print(asking.stdout.read(), end='')
        server.kill()
