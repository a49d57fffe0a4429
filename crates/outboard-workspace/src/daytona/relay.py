"""Carries tool calls out of a remote sandbox. `serve` listens where programs look for Outboard, and keeps what they say until it
is fetched (`hear`), and gives them what is brought (`say`). Both come as lines: a connection's number and base64, nothing for its
end. Programs of the sandbox can reach it too: they can say to Outboard what they can say anyway.
"""

import base64
import itertools
import os
import queue
import socket
import struct
import sys
import threading

CONNECTIONS = 64
PIECE = 64 << 10
ANSWER = 1 << 20
PATIENCE = 20

said = queue.Queue(64)
lines = {}


def listen(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(CONNECTIONS)
    return listener


def hear_program(number, line):
    data = b"?"
    while data:
        try:
            data = line.recv(PIECE)
        except OSError:
            data = b""
        said.put((number, data))
    lines.pop(number, None)
    line.close()


def take_programs(listener):
    for number in itertools.count(1):
        line, _ = listener.accept()
        if len(lines) >= CONNECTIONS:
            line.close()
            continue
        # Who does not read for so long is not written to any more.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 5, 0))
        lines[number] = line
        threading.Thread(target=hear_program, args=(number, line), daemon=True).start()


def give(file):
    """What programs have said, once there is something, or nothing after a while."""
    pieces = []
    try:
        pieces.append(said.get(timeout=PATIENCE))
        while sum(len(data) for _, data in pieces) < ANSWER:
            pieces.append(said.get_nowait())
    except queue.Empty:
        pass
    for number, data in pieces:
        file.write(b"%d %s\n" % (number, base64.b64encode(data)))


def bring(file):
    """To the programs what Outboard says."""
    for row in file:
        number, _, text = row.strip().partition(b" ")
        line = lines.get(int(number))
        if line is None:
            continue
        try:
            if text:
                line.sendall(base64.b64decode(text))
            else:
                line.shutdown(socket.SHUT_RDWR)
        except OSError:
            line.close()


def exchange(asked):
    with asked, asked.makefile("rwb") as file:
        if file.readline() == b"hear\n":
            give(file)
        else:
            bring(file)
            file.write(b"said\n")


def serve(tools, desk):
    threading.Thread(target=take_programs, args=(listen(tools),), daemon=True).start()
    listener = listen(desk)
    while True:
        asked, _ = listener.accept()
        threading.Thread(target=exchange, args=(asked,), daemon=True).start()


def ask(desk, words):
    asked = socket.socket(socket.AF_UNIX)
    asked.connect(desk)
    asked.sendall(words)
    asked.shutdown(socket.SHUT_WR)
    with asked.makefile("rb") as answer:
        sys.stdout.buffer.write(answer.read())


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], sys.argv[3])
    elif sys.argv[1] == "hear":
        ask(sys.argv[2], b"hear\n")
    else:
        with open(sys.argv[3], "rb") as brought:
            ask(sys.argv[2], b"say\n" + brought.read())
        os.unlink(sys.argv[3])
