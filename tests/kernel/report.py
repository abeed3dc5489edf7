"""What was checked, and what came of it."""

import sys
import threading


class Report:
    """Checks of all beds, which run side by side: each is printed when it is made, all of them as a table at the end."""

    def __init__(self):
        self._beds = {}
        self._lock = threading.Lock()

    def enter(self, bed, title):
        """The record of a bed, whose checks are printed with its letter before them."""
        record = Record(bed, self._lock)
        self._beds[bed] = record
        record.say(title)
        return record

    def finish(self):
        """Prints the table; the exit code."""
        checks = [(bed, *check) for bed in sorted(self._beds) for check in self._beds[bed].checks]
        widths = [max(len(check[column]) for check in checks) for column in range(2)]
        print(f"\n{'bed':{max(widths[0], 3)}}  {'check':{widths[1]}}  {'':3}  value")
        for bed, name, value, ok in checks:
            print(f"{bed:{max(widths[0], 3)}}  {name:{widths[1]}}  {'ok' if ok else 'RED':3}  {value}")
        stalls = [stall for bed in sorted(self._beds) for stall in self._beds[bed].stalls]
        print(f"\n{len(stalls)} STALLS OF THE EMULATOR:" if stalls else "\nno stall of the emulator")
        for stall in stalls:
            print(f"  {stall}")
        red = sum(not ok for *_, ok in checks)
        print(f"{len(checks)} checks, {red} red" if red else f"{len(checks)} checks, all ok")
        sys.stdout.flush()
        return 1 if red else 0


class Record:
    """The checks of one bed."""

    def __init__(self, bed, lock):
        self._bed, self._lock = bed, lock
        self.checks, self.stalls = [], []

    def say(self, text):
        """Prints a line of this bed."""
        with self._lock:
            print(f"{self._bed:2}  {text}", flush=True)

    def stall(self, why):
        """Its emulator fell silent: what was checked does not count, and is checked again."""
        self.checks.clear()
        self.stalls.append(f"bed {self._bed}: {why}")
        self.say(f"THE EMULATOR HAS STALLED, for the {len(self.stalls)}. time, and is started again: {why}")

    def check(self, name, value, ok):
        """Notes that `value` was found where `name` was looked at, and whether that is as it should be."""
        self.checks.append((name, str(value), bool(ok)))
        self.say(f"{'ok ' if ok else 'RED'}  {name}: {value}")

    def same(self, name, value, expected):
        """Checks that a value is the expected one."""
        self.check(name, value if value == expected else f"{value}, not {expected}", value == expected)
