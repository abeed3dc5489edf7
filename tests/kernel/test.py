#!/usr/bin/env python3
"""Boots real kernels with dynd inside and checks what it does there. `./dev kernel-test` calls it.

    test.py CACHE BUILD

CACHE takes what is downloaded and made; BUILD is where cargo has put dynd and dynctl for this machine (debug/) and for
the boards (TARGET/release/), and the example open_loop of the plant for this machine and for bed B.
"""

import sys
import time
from pathlib import Path

import daemon
import governors
import packages
from beds import HERE, BedA, BedB, BedBInLeaps, BedC
from machine import MachineError
from report import Report

PROGRAMS = ["dynd", "dynctl"]

# In seconds. A bed boots in 10 s on an idle machine.
BOOT = 300

# QEMU hangs now and then.
TRIES = 3


def main(cache, build):
    cache, build = Path(cache), Path(build)
    kinds = [BedA, BedB, BedBInLeaps, BedC]
    try:
        kernels = [packages.unpacked(cache, kind.architecture, kind.flavour) for kind in kinds]
    except packages.Unavailable as error:
        print(f"SKIPPED kernel-test: {error}")
        return 0
    report = Report()
    for kind, kernel in zip(kinds, kernels):
        examine(kind(kernel, cache), build, report)
    return report.finish()


def examine(bed, build, report):
    """Boots a bed and checks everything in it; once more if the emulator stops."""
    report.enter(bed.letter, bed.title)
    started = time.monotonic()
    for left in reversed(range(TRIES)):
        try:
            attend(bed, build, report)
            break
        except MachineError as error:
            if left == 0:
                report.check("answers", error, False)
            else:
                report.forget(bed.letter, error)
    print(f"  {time.monotonic() - started:.0f} s in all", flush=True)


def attend(bed, build, report):
    """One boot of a bed, and the checks in it."""
    started = time.monotonic()
    programs = {name: build / bed.build / name for name in PROGRAMS}
    files = {"/policy.toml": daemon.POLICY}
    if bed.compares_governors:
        programs["open_loop"] = build / bed.build / "examples/open_loop"
        files["/pattern"] = governors.pattern()
    with bed.boot(programs, files) as machine:
        machine.boot(BOOT)
        report.check("boots", f"in {time.monotonic() - started:.0f} s", True)
        if bed.can_heat:
            bed.heat(daemon.COOL)
        if bed.examines_daemon:
            daemon.check(bed, machine, report)
        if bed.compares_governors:
            native = build / "debug/examples/open_loop"
            governors.check(bed, machine, native, HERE / "bed_b.toml", report)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
