"""A machine that QEMU emulates: what is typed on its console, and what it says there."""

import re
import subprocess
import threading
import time


# In seconds.
PULSE = 0.5

# How long a line may take, in seconds of this machine. What a program of ours may take is limited in the guest, and
# well below this: a program that hangs is ended there and told by its exit code, and only where the guest does not come
# to that has its emulator stalled.
PATIENCE = 300


class MachineError(Exception):
    """The machine does not do as it should."""


class Stall(MachineError):
    """The machine says nothing any more."""


class Machine:
    """A running machine. Use it in a `with` block, which ends it.

    `pulse` is called now and then while it is waited for.
    """

    def __init__(self, command, log, pulse):
        self._pulse = pulse
        self._log = open(log, "wb")
        self._said = b""
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._listener.join()
        self._log.close()

    def boot(self, seconds):
        """Waits until it takes commands."""
        self._hear(rb"<ready>\r?\n", seconds)

    def run(self, line, seconds=PATIENCE):
        """Lets it run one line of shell; what that prints. A line that fails is an error."""
        said, code = self.attempt(line, seconds)
        if code != 0:
            raise MachineError(f"'{line}' ended with {code}: {said}")
        return said

    def attempt(self, line, seconds=PATIENCE):
        """Lets it run one line of shell; what that prints, and how it ends."""
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        try:
            said, code = self._hear(rb"<(\d+)>\r?\n", seconds)
        except Stall as error:
            raise Stall(f"at '{line}' {error}") from error
        return said.decode(errors="replace").replace("\r\n", "\n").strip(), int(code)

    def until(self, line, expect, seconds):
        """Lets it run a line again and again, until what that prints matches; what it prints last."""
        end = time.monotonic() + seconds
        while True:
            said, _ = self.attempt(line)
            if re.search(expect, said) or time.monotonic() > end:
                return said
            time.sleep(0.2)

    def _listen(self):
        while chunk := self._process.stdout.read1(4096):
            self._log.write(chunk)
            self._log.flush()
            with self._news:
                self._said += chunk
                self._news.notify()
        with self._news:
            self._said += b"<ended>"
            self._news.notify()

    def _hear(self, pattern, seconds):
        """Waits for a pattern; what was said before it, and its first group."""
        end = time.monotonic() + seconds
        while True:
            with self._news:
                if match := re.search(pattern, self._said):
                    before = self._said[:match.start()]
                    self._said = self._said[match.end():]
                    return before, match.group(1) if match.groups() else b""
                left = end - time.monotonic()
                last = f"…{self._said[-400:].decode(errors='replace')}"
                if b"<ended>" in self._said:
                    raise MachineError(f"it ended: {last}")
                if left <= 0:
                    raise Stall(f"it said nothing of the kind for {seconds} s: {last}")
                is_silent = not self._news.wait(min(left, PULSE))
            # Not while it is kept from saying anything.
            if is_silent:
                self._pulse()
