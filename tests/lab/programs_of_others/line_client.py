"""Sends lines and prints the answers: python line_client.py PORT LINE..."""
import argparse
import socket

parser = argparse.ArgumentParser()
parser.add_argument('port', type=int)
parser.add_argument('lines', nargs='+')
args = parser.parse_args()

with socket.create_connection(('localhost', args.port)) as s:
    with s.makefile('rwb') as stream:
        for line in args.lines:
            stream.write(line.encode() + b'\n')
            stream.flush()
            print('answer:', stream.readline().decode().rstrip())
