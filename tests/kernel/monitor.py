"""QEMU's monitor (QMP): what can be asked of a machine from outside."""

import json
import socket
import time

# How long QEMU may take to start, in seconds, and how often to look.
START = 120
LOOK = 0.1


class Monitor:
    """The monitor behind a socket, which QEMU makes when it starts."""

    def __init__(self, path):
        self.path = path
        self._socket = None
        # An earlier one refuses whoever calls.
        path.unlink(missing_ok=True)

    def arguments(self):
        """What makes QEMU listen."""
        return ["-qmp", f"unix:{self.path},server=on,wait=off"]

    def ask(self, command, **arguments):
        """What QEMU answers to a command."""
        if self._socket is None:
            self._socket = self._connect()
            self._answers = self._socket.makefile("r")
            self._answers.readline()
            self.ask("qmp_capabilities")
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(self._answers.readline())
            if "error" in answer:
                raise RuntimeError(f"QEMU refuses {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def _connect(self):
        """A connection, as soon as QEMU listens."""
        end = time.monotonic() + START
        while True:
            try:
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(str(self.path))
                return connection
            except (FileNotFoundError, ConnectionRefusedError):
                connection.close()
                if time.monotonic() > end:
                    raise
            time.sleep(LOOK)
