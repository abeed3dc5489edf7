"""What was checked, and what came of it."""

import sys


class Report:
    """Checks of all beds: each is printed when it is made, all of them as a table at the end."""

    def __init__(self):
        self._bed = ""
        self._checks = []

    def enter(self, bed, title):
        """The checks that follow are of this bed."""
        self._bed = bed
        print(f"\nbed {bed}: {title}", flush=True)

    def forget(self, bed, why):
        """The checks of a bed do not count: they are made again."""
        self._checks = [check for check in self._checks if check[0] != bed]
        print(f"  once more: {why}", flush=True)

    def check(self, name, value, ok):
        """Notes that `value` was found where `name` was looked at, and whether that is as it should be."""
        self._checks.append((self._bed, name, str(value), bool(ok)))
        print(f"  {'ok ' if ok else 'RED'}  {name}: {value}", flush=True)

    def same(self, name, value, expected):
        """Checks that a value is the expected one."""
        self.check(name, value if value == expected else f"{value}, not {expected}", value == expected)

    def finish(self):
        """Prints the table; the exit code."""
        widths = [max(len(check[column]) for check in self._checks) for column in range(2)]
        print(f"\n{'bed':{max(widths[0], 3)}}  {'check':{widths[1]}}  {'':3}  value")
        for bed, name, value, ok in self._checks:
            print(f"{bed:{max(widths[0], 3)}}  {name:{widths[1]}}  {'ok' if ok else 'RED':3}  {value}")
        red = sum(not ok for *_, ok in self._checks)
        print(f"\n{len(self._checks)} checks, {red} red" if red else f"\n{len(self._checks)} checks, all ok")
        sys.stdout.flush()
        return 1 if red else 0
