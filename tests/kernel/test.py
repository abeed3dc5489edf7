#!/usr/bin/env python3
"""Boots real kernels with dynd inside and checks what it does there. `./dev kernel-test` calls it.

    test.py CACHE NATIVE ARM64 ARM32     the directories of downloads and of dynd and dynctl for each bed
"""

import sys
import time
from pathlib import Path

import daemon
import packages
from beds import PROGRAMS, BedA, BedB, BedC
from machine import MachineError
from report import Report

# A bed boots in 10 s on an idle machine.
BOOT = 300


def main(cache, *directories):
    cache = Path(cache)
    report = Report()
    beds = list(zip([BedA, BedB, BedC], map(Path, directories)))
    try:
        kernels = [packages.unpacked(cache, bed.architecture, bed.flavour) for bed, _ in beds]
    except packages.Unavailable as error:
        print(f"SKIPPED kernel-test: {error}")
        return 0
    for (kind, directory), kernel in zip(beds, kernels):
        bed = kind(kernel, cache)
        report.enter(bed.letter, bed.title)
        started = time.monotonic()
        programs = {name: directory / name for name in PROGRAMS}
        try:
            with bed.boot(programs, {"/policy.toml": daemon.POLICY}) as machine:
                machine.boot(BOOT)
                report.check("boots", f"in {time.monotonic() - started:.0f} s", True)
                if bed.can_heat:
                    bed.heat(40)
                daemon.check(bed, machine, report)
        except MachineError as error:
            report.check("answers", error, False)
        print(f"  {time.monotonic() - started:.0f} s in all", flush=True)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
