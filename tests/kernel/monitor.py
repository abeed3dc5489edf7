"""QEMU's monitor (QMP): what can be asked of a machine from outside."""

import json
import socket


class Monitor:
    """The monitor behind a socket, which QEMU makes when it starts."""

    def __init__(self, path):
        self.path = path
        self._socket = None

    def arguments(self):
        """What makes QEMU listen."""
        return ["-qmp", f"unix:{self.path},server=on,wait=off"]

    def ask(self, command, **arguments):
        """What QEMU answers to a command."""
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(str(self.path))
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
