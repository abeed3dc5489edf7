#!/usr/bin/env python3
"""Boots real kernels with dynd inside and checks what it does there. `./dev kernel-test` calls it.

    test.py fetch CACHE        downloads what the beds boot; prints why and ends with 75 if that cannot be had
    test.py run CACHE BUILD    boots and checks; ends with 1 if a check is red

CACHE takes what is downloaded and made; BUILD is where cargo has put dynd, dynctl and the examples minimal (of the
client) and open_loop (of the plant) for this machine (debug/) and for the boards (TARGET/bed/).
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import daemon
import governors
import packages
from beds import HERE, BedA, BedB, BedBInLeaps, BedC
from machine import MachineError, Stall
from report import Report

# The one that takes as long as the others together comes first: two run at a time.
KINDS = [BedBInLeaps, BedA, BedB, BedC]
SIDE_BY_SIDE = 2

# By name in the guest, below the directory of a build.
PROGRAMS = {"dynd": "dynd", "dynctl": "dynctl", "minimal": "examples/minimal"}

# In seconds. A bed boots in 10 s on an idle machine.
BOOT = 300

# QEMU stalls now and then. Whatever the guest takes too long for is no stall: see machine.py.
TRIES = 3


def fetch(cache):
    """Downloads what the beds boot."""
    try:
        for kind in KINDS:
            packages.unpacked(Path(cache), kind.architecture, kind.flavour)
    except packages.Unavailable as error:
        print(error)
        return os.EX_TEMPFAIL
    return 0


def run(cache, build):
    """Boots every bed, and checks."""
    cache, build = Path(cache), Path(build)
    report = Report()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as hands:
        tasks = [hands.submit(examine, kind, cache, build, report) for kind in KINDS]
    for task in tasks:
        task.result()
    return report.finish()


def examine(kind, cache, build, report):
    """Boots a bed and checks everything in it; again if the emulator stalls."""
    bed = kind(packages.unpacked(cache, kind.architecture, kind.flavour), cache)
    record = report.enter(bed.letter, bed.title)
    started = time.monotonic()
    for left in reversed(range(TRIES)):
        try:
            attend(bed, build, record)
            break
        except Stall as error:
            record.stall(error)
            if left == 0:
                record.check("the emulator goes on", error, False)
        except MachineError as error:
            record.check("the machine does as it is told", error, False)
            break
    record.say(f"{time.monotonic() - started:.0f} s in all")


def attend(bed, build, record):
    """One boot of a bed, and the checks in it."""
    started = time.monotonic()
    programs = {name: build / bed.build / path for name, path in PROGRAMS.items()}
    files = {"/policy.toml": daemon.POLICY}
    if bed.compares_governors:
        programs = {"open_loop": build / bed.build / "examples/open_loop"}
        files = {"/pattern": governors.pattern()}
    with bed.boot(programs, files) as machine:
        machine.boot(BOOT)
        record.check("boots", f"in {time.monotonic() - started:.0f} s", True)
        if bed.can_heat:
            bed.heat(daemon.COOL)
        if bed.examines_daemon:
            daemon.check(bed, machine, record)
        if bed.compares_governors:
            native = build / "debug/examples/open_loop"
            governors.check(bed, machine, native, HERE / "bed_b.toml", record)


if __name__ == "__main__":
    sys.exit({"fetch": fetch, "run": run}[sys.argv[1]](*sys.argv[2:]))
