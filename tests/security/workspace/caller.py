"""What a hostile program in a workspace says over the tool socket. Each function prints one line: what came of it."""

import json
import os
import socket
import struct
import sys
import threading

PATH = os.environ["OUTBOARD_SOCKET"]


def frame(message):
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return struct.pack(">I", len(body)) + body


class Line:
    def __init__(self, hello=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(PATH)
        self.socket.settimeout(20)
        if hello:
            self.say({"hello": {"version": 1}})
            assert "welcome" in self.hear()

    def say(self, message):
        self.socket.sendall(frame(message))

    def exactly(self, count):
        read = b""
        while len(read) < count:
            part = self.socket.recv(min(count - len(read), 1 << 20))
            if not part:
                return None
            read += part
        return read

    def hear(self):
        head = self.exactly(4)
        return head and json.loads(self.exactly(struct.unpack(">I", head)[0]))

    def call(self, number, tool, arguments, namespace="fix"):
        self.say({"call": {"id": number, "namespace": namespace, "tool": tool, "arguments": arguments}})


def ended(line):
    """What it says at the end, and that it ends; or why the call alone has failed."""
    try:
        said = line.hear()
        if said and "failed" in said:
            return "call: " + said["failed"]["code"]
        if line.hear() is not None:
            return "it goes on"
        return said["refused"]["message"] if said else "hung up"
    except ConnectionError:
        return "hung up"


def refused(bytes_, hello=True):
    line = Line(hello)
    try:
        line.socket.sendall(bytes_)
    except ConnectionError:
        pass
    return ended(line)


def malformed():
    deep = b"[" * 200_000 + b"]" * 200_000
    call = {"id": 1, "namespace": "fix", "tool": "add", "arguments": {}}
    attempts = {
        "no JSON": refused(frame(b"\xff\xfe{")),
        "no object": refused(frame(b"[]")),
        "nothing known": refused(frame({"approve": {"id": 1}})),
        "two at once": refused(frame({"call": call, "cancel": {"id": 1}})),
        "deep": refused(frame(b'{"call":{"id":1,"namespace":"fix","tool":"add","arguments":' + deep + b"}}")),
        "too long": refused(struct.pack(">I", (32 << 20) + 1)),
        "longest": refused(b"\xff\xff\xff\xff"),
        "no hello": refused(frame({"call": call}), hello=False),
        "a second hello": refused(frame({"hello": {"version": 1}})),
        "forged welcome": refused(frame({"welcome": {"version": 1}})),
        "forged answer": refused(frame({"value": {"id": 1, "value": 1}})),
    }
    print(json.dumps(attempts))


def failed(line, number=1):
    said = line.hear()
    return said["failed"]["code"] + ": " + said["failed"]["message"] if "failed" in said else json.dumps(said)


def undeclared():
    line = Line()
    line.call(1, "no_such_tool", {})
    line.call(2, "add", {}, namespace="nobody")
    line.call(3, "count", {})
    line.call(4, "add", {"a": "x"})
    line.call(5, "add\x00", {})
    line.call(6, "../add", {})
    told = {}
    for _ in range(6):
        said = line.hear()
        told[said["failed"]["id"]] = said["failed"]["code"]
    print(json.dumps([told[number] for number in range(1, 7)]))


def another_runs():
    """Numbers are the connection's own: what another one has under way cannot be cancelled or read."""
    first, second = Line(), Line()
    first.call(7, "slow", {"ms": 700})
    second.say({"cancel": {"id": 7}})
    second.call(7, "add", {"a": 1, "b": 2})
    own = second.hear()
    other = first.hear()
    print(json.dumps(["slept" in json.dumps(other), '"sum": 3' in json.dumps(own)]))


def flood():
    """Asks for large answers, reads none, and goes on until it is ended."""
    line = Line()
    line.socket.settimeout(None)
    print("flooding", flush=True)
    number = 0
    while True:
        number += 1
        line.call(number, "big", {"bytes": 1 << 20})


def many():
    line = Line()
    answers = set()

    def listen():
        while len(answers) < 10_000:
            said = line.hear()
            answers.add(next(iter(said.values()))["id"])

    listener = threading.Thread(target=listen)
    listener.start()
    for number in range(10_000):
        line.call(number, "add", {"a": number, "b": 1})
    listener.join()
    print(len(answers))


def huge():
    line = Line()
    line.socket.settimeout(60)
    line.call(1, "big", {"bytes": 1 << 30})
    print(failed(line)[:200])


def passed():
    """Descriptors that are sent along are taken by nobody."""
    line = Line()
    call = frame({"call": {"id": 1, "namespace": "fix", "tool": "add", "arguments": {"a": 1, "b": 2}}})
    fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(50)]
    socket.send_fds(line.socket, [call], fds)
    print('"sum": 3' in json.dumps(line.hear()))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
