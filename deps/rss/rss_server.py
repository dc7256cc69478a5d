#!/usr/bin/env python3
"""A shell and a file server for Linux guests without ssh.

The shell is plain text over TCP; the file server speaks the rss protocol of vthost (host/guest/src/rss). There is no
authentication: whoever reaches the ports is this user. Only for guests of tests, on networks of tests.

Needs nothing but the standard library of Debian's python3-minimal.
"""

import argparse
import glob
import os
import select
import signal
import socket
import stat
import struct
import sys
import threading

MAGIC = 0x525353
OK, ERROR, UPLOAD, DOWNLOAD, SET_PATH, CREATE_FILE, CREATE_DIR, LEAVE_DIR, DONE = range(1, 10)
CHUNKS = range(512, 1024 * 1024 + 1)
LONGEST_NAME = 4096
IDLE = 600


class Refused(Exception):
    """What the client is told."""


class Gone(Exception):
    """The client has closed the connection."""


class Wire:
    """Numbers and packets on a connection."""

    def __init__(self, connection):
        self.connection = connection

    def exact(self, length):
        """So many bytes."""
        data = bytearray()
        while len(data) < length:
            piece = self.connection.recv(min(length - len(data), 1 << 20))
            if not piece:
                raise Gone
            data += piece
        return bytes(data)

    def number(self):
        """One number."""
        return struct.unpack("<I", self.exact(4))[0]

    def packet(self, limit):
        """A packet of at most so many bytes."""
        length = self.number()
        if length > limit:
            raise Refused(f"a packet of {length} bytes where {limit} are the most")
        return self.exact(length)

    def send(self, *parts):
        """Sends numbers as they are and bytes as packets."""
        data = bytearray()
        for part in parts:
            if isinstance(part, int):
                data += struct.pack("<I", part)
            else:
                data += struct.pack("<I", len(part)) + part
        self.connection.sendall(data)

    def farewell(self):
        """Lets what was sent last arrive: unread input would make the kernel throw it away."""
        self.connection.settimeout(5)
        self.connection.shutdown(socket.SHUT_WR)
        while self.connection.recv(4096):
            pass


def expanded(path):
    """The path that a client means."""
    return os.path.expandvars(os.path.expanduser(path))


def checked(name):
    """A name that leads nowhere."""
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        raise Refused(f"{name!r} is no file name")
    return name


def store(wire, path, chunk):
    """Receives a tree: into `path` if that is a directory, else under that name."""
    if path.endswith(b"/") and not os.path.isdir(path):
        os.mkdir(path)
    here, top = (path, None) if os.path.isdir(path) else os.path.split(path)
    dirs = [here or b"."]
    while True:
        message = wire.number()
        if message in (CREATE_FILE, CREATE_DIR):
            name = checked(wire.packet(LONGEST_NAME))
            if len(dirs) == 1 and top is not None:
                name = checked(top)
            place = os.path.join(dirs[-1], name)
            if message == CREATE_DIR:
                if not os.path.isdir(place):
                    os.mkdir(place)
                dirs.append(place)
            else:
                store_file(wire, place, chunk)
        elif message == LEAVE_DIR and len(dirs) > 1:
            dirs.pop()
        elif message == DONE and len(dirs) == 1:
            wire.send(OK)
            return
        else:
            raise Refused(f"message {message} within a tree")


def store_file(wire, place, chunk):
    """Receives one file, which appears under its name when it is complete."""
    special = os.path.exists(place) and not os.path.isfile(place)
    real = os.path.realpath(place)
    part = place if special else real + b".rss-%d-%d.part" % (os.getpid(), threading.get_ident())
    try:
        with open(part, "wb") as file:
            while True:
                data = wire.packet(chunk)
                file.write(data)
                if len(data) < chunk:
                    break
        if not special:
            os.replace(part, real)
    except BaseException:
        if not special and os.path.exists(part):
            os.unlink(part)
        raise


def give(wire, path, chunk):
    """Sends what a path or pattern means; nothing if there is nothing."""
    paths = [path] if os.path.lexists(path) else sorted(glob.glob(path))
    for found in paths:
        name = os.path.basename(os.path.abspath(found))
        give_entry(wire, found, name, chunk, frozenset())
    wire.send(DONE)


def give_entry(wire, path, name, chunk, inside):
    """Sends a file or a directory with all that is in it. Links are followed, but not in circles."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISREG(mode):
        with open(path, "rb") as file:
            wire.send(CREATE_FILE, name)
            while True:
                data = file.read(chunk)
                wire.send(data)
                if len(data) < chunk:
                    return
    real = os.path.realpath(path)
    if stat.S_ISDIR(mode) and real not in inside:
        wire.send(CREATE_DIR, name)
        for entry in sorted(os.listdir(path)):
            give_entry(wire, os.path.join(path, entry), entry, chunk, inside | {real})
        wire.send(LEAVE_DIR)


def serve_files(connection):
    """One connection of the file server."""
    wire = Wire(connection)
    connection.settimeout(IDLE)
    try:
        wire.send(MAGIC)
        chunk = wire.number()
        if chunk not in CHUNKS:
            raise Refused(f"a chunk of {chunk} bytes")
        mode = wire.number()
        if mode not in (UPLOAD, DOWNLOAD):
            raise Refused(f"message {mode} for a mode")
        while True:
            if wire.number() != SET_PATH:
                raise Refused("a path is missing")
            path = expanded(wire.packet(LONGEST_NAME))
            (store if mode == UPLOAD else give)(wire, path, chunk)
    except Gone:
        pass
    except (Refused, OSError, ValueError) as error:
        wire.send(ERROR, str(error).encode("utf-8", "replace"))
        wire.farewell()


def serve_shell(connection):
    """One shell on a terminal of its own; it ends with the connection and the connection with it."""
    pid, terminal = os.forkpty()
    if pid == 0:
        os.environ["TERM"] = "dumb"
        shell = os.environ.get("SHELL", "/bin/sh")
        os.execv(shell, [shell])
    try:
        while True:
            ready = select.select([connection, terminal], [], [])[0]
            if terminal in ready:
                data = os.read(terminal, 65536)
                if not data:
                    break
                connection.sendall(data)
            if connection in ready:
                data = connection.recv(65536)
                if not data:
                    break
                while data:
                    data = data[os.write(terminal, data):]
    except OSError:
        # Reading from a terminal whose last program has ended fails.
        pass
    finally:
        os.close(terminal)
        os.kill(pid, signal.SIGHUP)
        os.waitpid(pid, 0)


def listen(address, port):
    """A listening socket for both IPv4 and IPv6 where that is possible."""
    if address:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family)
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", port))


def accept(listener, serve):
    """Serves every connection in a thread of its own."""
    def attend(connection):
        with connection:
            try:
                serve(connection)
            except OSError as error:
                print(f"connection failed: {error}", file=sys.stderr)
    while True:
        connection = listener.accept()[0]
        threading.Thread(target=attend, args=(connection,), daemon=True).start()


def main():
    """Reads the options, opens the ports, says which they are, and serves."""
    parser = argparse.ArgumentParser(description="A shell and a file server for guests without ssh.")
    parser.add_argument("--address", default="", help="listen here only")
    parser.add_argument("--shell-port", type=int, default=10022)
    parser.add_argument("--file-port", type=int, default=10023)
    options = parser.parse_args()
    shell = listen(options.address, options.shell_port)
    files = listen(options.address, options.file_port)
    print(f"shell {shell.getsockname()[1]} files {files.getsockname()[1]}", flush=True)
    threading.Thread(target=accept, args=(shell, serve_shell), daemon=True).start()
    accept(files, serve_files)


if __name__ == "__main__":
    main()
