#!/usr/bin/env python3
"""How the time of a plan, and of a step, grows with apps, operating points and sub-networks: `python3 bench/growth.py FILE.svg`.

Runs `cargo bench` of the planner and of whole steps (minutes) and draws what their tables say, both axes logarithmic: the
median dashed, the 99th percentile solid, what it may be dotted. The rest is as it is in the middle: 8 apps, 15 operating
points, 20 sub-networks.
"""
import math
import re
import subprocess
import sys

MIDDLE = (8, 15, 20)
AXES = ["apps", "operating points per processor", "sub-networks per app"]
BENCHES = {"planner": "the solver", "step": "a step of the whole controller"}
LINE = re.compile(r"^(\d+) apps × 3 processors × (\d+) OPPs × (\d+) sub-networks +([\d.]+) +([\d.]+) *([\d.]*)$", re.M)
WIDTH, HEIGHT, GAP = 300, 220, 60
LEAST_MS, MOST_MS = 0.01, 100.0


def measured(bench):
    """Per size, median and 99th percentile in ms, and what the latter may be at most."""
    command = ["cargo", "bench", "-q", "-p", "dynd-core", "--bench", bench]
    print("growth:", " ".join(command), file=sys.stderr, flush=True)
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = {}
    for apps, opps, subnetworks, middle, most, limit in LINE.findall(said):
        rows[int(apps), int(opps), int(subnetworks)] = (float(middle), float(most), float(limit) if limit else None)
    if MIDDLE not in rows:
        raise SystemExit(f"growth: failed to read what {bench} printed: no line of {MIDDLE} in\n{said}")
    return rows


def along(rows, axis):
    """The sizes that differ from the middle along this axis only, ascending."""
    same = [size for size in rows if all(size[k] == MIDDLE[k] for k in range(3) if k != axis)]
    return sorted(same, key=lambda size: size[axis])


def panel(rows, axis, title, corner):
    sizes = along(rows, axis)
    least, most = sizes[0][axis], sizes[-1][axis]
    left, top = corner

    def x(amount):
        return left + WIDTH * math.log(amount / least) / math.log(most / least)

    def y(ms):
        within = min(max(ms, LEAST_MS), MOST_MS)
        return top + HEIGHT * (1 - math.log(within / LEAST_MS) / math.log(MOST_MS / LEAST_MS))

    def line(column, style):
        points = " ".join(f"{x(size[axis]):.1f},{y(rows[size][column]):.1f}" for size in sizes)
        return f'<polyline points="{points}" fill="none" stroke="#1f5fa8" stroke-width="1.6" {style}/>'

    yield f'<text x="{left}" y="{top - 8}" font-weight="bold">{title}</text>'
    yield f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>'
    for power in range(-2, 3):
        at = y(10.0**power)
        yield f'<line x1="{left}" y1="{at:.1f}" x2="{left + WIDTH}" y2="{at:.1f}" stroke="#e4e4e4"/>'
        yield f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g} ms</text>'
    for size in sizes:
        yield f'<text x="{x(size[axis]):.1f}" y="{top + HEIGHT + 16}" text-anchor="middle">{size[axis]}</text>'
    yield f'<text x="{left + WIDTH / 2}" y="{top + HEIGHT + 34}" text-anchor="middle">{AXES[axis]}</text>'
    yield line(0, 'stroke-dasharray="5 4"')
    yield line(1, "")
    for size in sizes:
        middle, highest, limit = rows[size]
        label = f"{size[0]} apps, {size[1]} OPPs, {size[2]} sub-networks: median {middle} ms, p99 {highest} ms"
        at = x(size[axis])
        yield f'<circle cx="{at:.1f}" cy="{y(highest):.1f}" r="3" fill="#1f5fa8"><title>{label}</title></circle>'
        if limit:
            yield (f'<line x1="{at - 12:.1f}" y1="{y(limit):.1f}" x2="{at + 12:.1f}" y2="{y(limit):.1f}" '
                   f'stroke="#b03030" stroke-width="2" stroke-dasharray="2 2"/>')


def drawing(tables):
    width = 3 * (WIDTH + GAP) + 2 * GAP
    height = len(tables) * (HEIGHT + 2 * GAP) + GAP
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
           f'font-size="11"><rect width="100%" height="100%" fill="white"/>')
    for row, (bench, rows) in enumerate(tables.items()):
        for axis in range(3):
            corner = (1.5 * GAP + axis * (WIDTH + 1.3 * GAP), GAP + row * (HEIGHT + 2 * GAP))
            yield from panel(rows, axis, f"{BENCHES[bench]}, by {AXES[axis]}", corner)
    yield "</svg>"


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        raise SystemExit(f"{__doc__}\ngrowth: say where the drawing is to be written")
    tables = {bench: measured(bench) for bench in BENCHES}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("\n".join(drawing(tables)) + "\n")
    print(f"growth: wrote {sys.argv[1]}", file=sys.stderr)


if __name__ == "__main__":
    main()
