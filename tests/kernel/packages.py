"""Kernels and busybox of Debian for any architecture, downloaded and unpacked into a cache, never installed."""

import re
import subprocess
import time
from pathlib import Path

SUITE = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
TRIES = 3

# What is needed of the packages.
WANTED = [
    "./bin/busybox",
    "./boot/vmlinuz-*",
    "./lib/modules/*/drivers/cpufreq/*",
    "./lib/modules/*/drivers/hwmon/lm75.ko",
    "./lib/modules/*/drivers/i2c/busses/i2c-versatile.ko",
]


class Unavailable(Exception):
    """What a bed boots cannot be had here."""


def unpacked(cache, architecture, flavour):
    """A directory with a kernel (boot/, lib/modules/) and a static busybox (bin/), of the cache if they are there."""
    directory = cache / architecture
    if (directory / "complete").exists():
        return directory
    apt = Apt(cache / f"apt-{architecture}", architecture)
    for package in _tried(lambda: apt.download(flavour)):
        _unpack(package, directory)
    (directory / "complete").touch()
    return directory


class Apt:
    """apt with a root of its own, so that the machine's architectures, lists and packages stay as they are."""

    def __init__(self, root, architecture):
        self._root = root.resolve()
        for directory in ["lists/partial", "archives/partial"]:
            (root / directory).mkdir(parents=True, exist_ok=True)
        (root / "status").touch()
        (root / "sources.list").write_text(
            f"deb [arch={architecture} signed-by={KEYRING}] {_mirror()} {SUITE} main\n"
        )
        options = {
            "APT::Architecture": architecture,
            "APT::Architectures::": architecture,
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "APT::Update::Error-Mode": "any",
            "Dir::State::lists": self._root / "lists",
            "Dir::State::status": self._root / "status",
            "Dir::Cache": self._root,
            "Dir::Etc::sourcelist": self._root / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
        }
        self._options = [f"-o{key}={value}" for key, value in options.items()]

    def download(self, flavour):
        """The present kernel of a flavour and busybox, as files."""
        self._run("apt-get", "update")
        depends = self._run("apt-cache", "depends", f"linux-image-{flavour}")
        kernel = re.search(r"Depends: (linux-image-\d\S*)", depends)
        if not kernel:
            raise Unavailable(f"{SUITE} has no kernel for {flavour}")
        for old in self._root.glob("*.deb"):
            old.unlink()
        self._run("apt-get", "download", kernel.group(1), "busybox-static")
        return sorted(self._root.glob("*.deb"))

    def _run(self, command, *arguments):
        try:
            return subprocess.run(
                [command, *self._options, *arguments],
                check=True, capture_output=True, text=True, cwd=self._root, timeout=300,
            ).stdout
        except FileNotFoundError as error:
            raise Unavailable(f"{command} is missing: this is no Debian or Ubuntu") from error
        except subprocess.CalledProcessError as error:
            said = error.stderr.splitlines()
            # The first error is the cause of the others.
            why = next((line for line in said if line.startswith("E:")), "no reason given")
            raise Unavailable(f"{command} {arguments[0]} failed: {why}") from error
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"{command} {arguments[0]} took longer than 5 minutes") from error


def _tried(action):
    """What `action` answers, which is tried a few times: mirrors are now and then in the middle of an update."""
    for attempt in range(TRIES):
        try:
            return action()
        except Unavailable:
            if attempt + 1 == TRIES:
                raise
            time.sleep(10 * (attempt + 1))


def _mirror():
    """Where this machine gets Debian from."""
    sources = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for path in sources:
        text = path.read_text() if path.is_file() else ""
        match = re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(\S*/debian/?)(?:\s|$)", text, re.MULTILINE)
        if match:
            return match.group(1)
    raise Unavailable("no source of Debian packages in /etc/apt")


def _unpack(package, directory):
    """The files of a package that a bed needs: kernel, drivers, busybox."""
    directory.mkdir(exist_ok=True)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as archive:
        command = ["tar", "-x", "-C", directory, "--wildcards", *WANTED]
        # Not every package holds each of them, which is an error to tar.
        subprocess.run(command, stdin=archive.stdout, stderr=subprocess.DEVNULL)
    if archive.returncode != 0:
        raise Unavailable(f"{package.name} is damaged")
