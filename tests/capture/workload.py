"""Causes each kind of event once; run as a script with the directory to work in."""

from __future__ import annotations

import ctypes
import mmap
import os
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path


def files() -> None:
    Path("a").write_text("hello")
    Path("a").read_text()
    Path("a").rename("b")
    os.link("b", "hard")
    Path("soft").symlink_to("b")
    Path("b").chmod(0o640)
    os.chown("b", 1, 2)
    Path("hard").unlink()
    Path("made").mkdir()
    Path("made").rmdir()
    with suppress(OSError):
        Path("no/such/file").read_text()
    fd = os.open("b", os.O_RDWR)
    os.fchmod(fd, 0o600)
    with mmap.mmap(fd, 5) as shared:
        shared[0] = 65
    os.close(fd)
    with Path("big").open("wb", buffering=0) as file:
        for _ in range(100):
            file.write(b"x" * 1000)


def memory() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"0123456789")
    os.read(reader, 10)
    fd = os.memfd_create("notes")
    os.write(fd, b"abc")
    os.close(fd)


def name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def question(text: str) -> bytes:
    return struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + name(text) + struct.pack(">HH", 1, 1)


def answer(text: str, address: str) -> bytes:
    head = struct.pack(">HHHHHH", 7, 0x8180, 1, 1, 0, 0)
    record = struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(address)
    return head + name(text) + struct.pack(">HH", 1, 1) + record


def resolve() -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.sendto(question("updates.example.org"), server.getsockname())
    _, back = server.recvfrom(512)
    server.sendto(answer("updates.example.org", "127.0.0.2"), back)
    client.recv(512)
    with suppress(OSError):
        socket.create_connection(("127.0.0.2", 9), timeout=1)


def talk() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    served, _ = listener.accept()
    client.sendall(
        b"POST /in?k=1 HTTP/1.1\r\nHost: sink.example:80\r\n"
        b"User-Agent: probe\r\nContent-Length: 4\r\n\r\nbody"
    )
    served.recv(1000)
    served.sendall(b"r" * 100)
    client.recv(1000)
    one, other = socket.socketpair()
    one.send(b"12345")
    other.recv(5)
    unix = socket.socket(socket.AF_UNIX)
    unix.bind("plug")
    unix.listen()
    caller = socket.socket(socket.AF_UNIX)
    caller.connect("plug")


def mail() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        connection.sendall(b"220 ready\r\n")
        lines = connection.makefile("rb")
        for line in lines:
            if line == b"data\r\n":
                connection.sendall(b"354 go on\r\n")
                while next(lines) != b".\r\n":
                    pass
            connection.sendall(b"221 bye\r\n" if line == b"QUIT\r\n" else b"250 ok\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    with smtplib.SMTP(*listener.getsockname(), local_hostname="probe.example") as client:
        client.sendmail("ada@a.example", ["team@b.example", "boss@c.example"], "Subject: Totals\r\n\r\n1204")
    thread.join()


def hello() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(4000)
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with suppress(OSError):
        ssl.create_default_context().wrap_socket(
            socket.create_connection(listener.getsockname()), server_hostname="model.example"
        )
    thread.join()


def processes() -> None:
    if (pid := os.fork()) == 0:
        time.sleep(60)
        os._exit(0)
    os.kill(pid, 15)
    os.waitpid(pid, 0)
    if (pid := os.fork()) == 0:
        os.setuid(65534)
        with suppress(OSError):
            Path("/etc/shadow").read_text()
        os._exit(3)
    os.waitpid(pid, 0)
    ctypes.CDLL(None).ptrace(16, 1, 0, 0)
    with suppress(OSError):
        os.execve("/no/such/program", ["x"], {})
    subprocess.run(
        ["/bin/bash", "-c", "cat b | base64 > encoded"],
        env={**os.environ, "CODEX_TOOL_CALL_ID": "call_9", "PRIVATE": "stays-where-it-is"},
        check=True,
    )


def daemon() -> None:
    """Fork twice, in a session of its own; what is left runs once its parent has gone."""
    end, held = os.pipe()
    os.set_inheritable(held, True)
    if (middle := os.fork()) == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        while os.getppid() == os.getsid(0):
            time.sleep(0.001)
        os.execv("/bin/true", ["true", "daemon"])
    os.close(held)
    os.waitpid(middle, 0)
    os.read(end, 1)  # it has ended


def nested() -> None:
    """Start another agent, which starts a tool."""
    program = Path("node_modules/@google/gemini-cli/dist/index.js")
    program.parent.mkdir(parents=True)
    program.write_text("/bin/true nested\n:\n")
    subprocess.run(["/bin/sh", str(program.absolute()), "-p", "hi"], check=True)


def again() -> None:
    """Run two processes with the same pid, one after the other, where the kernel lets us choose it."""
    last = Path("/proc/sys/kernel/ns_last_pid")
    for _ in range(200):
        first = subprocess.Popen(["/bin/true", "first"])
        first.wait()
        time.sleep(0.02)  # entity ids count time in hundredths of a second
        with suppress(OSError):
            last.write_text(str(first.pid - 1))
        second = subprocess.Popen(["/bin/true", "second"])
        second.wait()
        if second.pid == first.pid:
            return


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    for step in (files, memory, resolve, talk, mail, hello, processes, daemon, nested, again):
        step()
