"""A process for each of its two guests, by multiprocessing."""
import multiprocessing
import socket


def serve(conn, number):
    with conn:
        conn.sendall(b"%d: " % number + conn.recv(100))


if __name__ == "__main__":
    s = socket.create_server(("", 5012))
    workers = []
    for number in range(2):
        conn, addr = s.accept()
        worker = multiprocessing.get_context("fork").Process(target=serve, args=(conn, number))
        worker.start()
        conn.close()
        workers.append(worker)
    for worker in workers:
        worker.join()
    print([worker.exitcode for worker in workers])
    s.close()
