"""The file system that a test bed boots from: a cpio archive of the format newc, which the kernel documents
in Documentation/driver-api/early-userspace."""

import gzip
import stat
import subprocess
from pathlib import Path


class Initramfs:
    """Files by their path in the guest."""

    def __init__(self):
        self._entries = []
        self._known = set()

    def directory(self, path):
        """A directory, and those above it."""
        path = path.strip("/")
        if path and path not in self._known:
            self.directory(str(Path(path).parent) if "/" in path else "")
            self._add(path, stat.S_IFDIR | 0o755, b"")

    def file(self, path, data, mode=0o644):
        """A file with these bytes."""
        self.directory(str(Path(path).parent))
        self._add(path.strip("/"), stat.S_IFREG | mode, data)

    def device(self, path, major, minor):
        """A character device."""
        self.directory(str(Path(path).parent))
        self._add(path.strip("/"), stat.S_IFCHR | 0o600, b"", (major, minor))

    def program(self, path, source, roots):
        """A program of the host, with its interpreter and libraries, which are looked for below `roots`."""
        self.file(path, source.read_bytes(), 0o755)
        for library in libraries(source, roots):
            if str(library[0]).strip("/") not in self._known:
                self.file(library[0], library[1].read_bytes(), 0o755)

    def write(self, path):
        """Writes the archive, compressed."""
        with gzip.open(path, "wb", compresslevel=1) as archive:
            for number, (name, mode, data, device) in enumerate(self._entries, 1):
                archive.write(_entry(number, name, mode, data, device))
            archive.write(_entry(0, "TRAILER!!!", 0, b"", (0, 0)))

    def _add(self, path, mode, data, device=(0, 0)):
        self._known.add(path)
        self._entries.append((path, mode, data, device))


def libraries(program, roots):
    """The interpreter and the libraries that a program needs, as (path in the guest, file of the host)."""
    found, pending = {}, [program]
    while pending:
        dump = subprocess.run(
            ["readelf", "--wide", "--program-headers", "--dynamic", pending.pop()],
            check=True, capture_output=True, text=True,
        ).stdout
        for line in dump.splitlines():
            if "program interpreter:" in line:
                # Comes first in the dump, and is the path that the kernel looks for.
                name = line.split("interpreter:")[1].strip(" ]")
            elif "(NEEDED)" in line:
                name = "/lib/" + line.split("[")[1].strip("]")
            else:
                continue
            base = Path(name).name
            if base in found:
                continue
            source = next((root / base for root in roots if (root / base).exists()), None)
            if source is None:
                raise FileNotFoundError(f"{base}, needed by {program}, is below none of {roots}")
            pending.append(source)
            found[base] = (name, source)
    return list(found.values())


def _entry(number, name, mode, data, device):
    name = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return _padded(head) + _padded(data)


def _padded(data):
    return data + b"\0" * (-len(data) % 4)
