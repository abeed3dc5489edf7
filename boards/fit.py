#!/usr/bin/env python3
"""Fits the graded-as-fitted figures of boards/*.toml to boards/measurements/*.toml, and prints them.

    python3 boards/fit.py            print what is fitted, beside what the files say
    python3 boards/fit.py --check    exit with 1 if a file says something else (more than 1 % off)

Needs Python 3.11 and numpy. It holds the equations of the plant a second time, in closed form, and nothing of it:
what it finds is checked by `dynctl board validate`, which runs the plant on every row.

Jetson Nano and Xavier NX (`serving`), on one client at the clocks of [fit] and nothing else:
  stall, cycles   latency = stall + cycles / clock, least squares of the relative error
  host            1 / throughput - latency, mean
  gain            from the layers of Inception v3 (gain() below), given the tile of the kernels: of five tiles that were
                  compared with the measured rows, the usual one (README.md)
  capacitance     power = fixed + capacitance * V^2 * clock * busy, least squares of the relative error; busy is the
                  share of time that the GPU works for one client. CPU and memory power of the file are taken off before.
  base, standby   from `fixed` and the stated idle power: memory standby is what the highest memory clock adds

Odroid XU3 (`dwells`), all at once, by Gauss-Newton with damping: capacitance, leakage and its growth of the big
cluster, and the thermal network but the way from the sink to the room (the whole run is a fraction of its time constant). Residuals: rail power of the dwells with the little cluster at 1400 or 200 MHz, every other reading of
both traces, and the mean throughput at the highest clock, which says how much was throttled.
"""

import sys
import tomllib
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
ROOM = 45.0  # reference temperature of leakage, °C
TOLERANCE = 0.01


def load(name):
    board = tomllib.loads((HERE / f"{name}.toml").read_text())
    return board, tomllib.loads((HERE / "measurements" / f"{name}.toml").read_text())


def figure(text):
    """The number of "1.75 nF"."""
    return float(text.split()[0]) * {"mW": 1e-3, "mJ/GB": 1e-3, "%/K": 1e-2, "ms": 1e-3}.get(text.split()[1], 1)


# --- Inception v3 -----------------------------------------------------------------------------------------------

def layers():
    """(output pixels, output channels, multiplications per output) of each convolution of Inception v3 at 299 x 299
    (Szegedy et al., "Rethinking the Inception architecture", CVPR 2016). 5.71 G multiplications, as published."""
    found = []

    def conv(side, inputs, outputs, kernel):
        found.append((side * side, outputs, inputs * kernel))

    for args in [(149, 3, 32, 9), (147, 32, 32, 9), (147, 32, 64, 9), (73, 64, 80, 1), (71, 80, 192, 9)]:
        conv(*args)
    for inputs, pooled in [(192, 32), (256, 64), (288, 64)]:
        for width, outputs, kernel in [(inputs, 64, 1), (inputs, 48, 1), (48, 64, 25), (inputs, 64, 1), (64, 96, 9),
                                       (96, 96, 9), (inputs, pooled, 1)]:
            conv(35, width, outputs, kernel)
    for args in [(17, 288, 384, 9), (35, 288, 64, 1), (35, 64, 96, 9), (17, 96, 96, 9)]:
        conv(*args)
    for m in [128, 160, 160, 192]:
        for width, outputs, kernel in [(768, 192, 1), (768, m, 1), (m, m, 7), (m, 192, 7), (768, m, 1), (m, m, 7),
                                       (m, m, 7), (m, m, 7), (m, 192, 7), (768, 192, 1)]:
            conv(17, width, outputs, kernel)
    for args in [(17, 768, 192, 1), (8, 192, 320, 9), (17, 768, 192, 1), (17, 192, 192, 7), (17, 192, 192, 7),
                 (8, 192, 192, 9)]:
        conv(*args)
    for inputs in [1280, 2048]:
        for width, outputs, kernel in [(inputs, 320, 1), (inputs, 384, 1), (384, 384, 3), (384, 384, 3), (inputs, 448, 1),
                                       (448, 384, 9), (384, 384, 3), (384, 384, 3), (inputs, 192, 1)]:
            conv(8, width, outputs, kernel)
    conv(1, 2048, 1000, 1)
    return found


def gain(multiprocessors, batch=8):
    """The cycles of a further image of a batch over those of one alone. A layer is computed in tiles of 128 pixels x 64
    channels (cuDNN's scudnn_128x64 kernels for Maxwell and Volta), in waves of one tile per multiprocessor; a tile that
    is partly empty and a wave that is partly empty take as long as full ones."""
    def tiles(images):
        total = 0
        for pixels, channels, depth in layers():
            count = -(-images * pixels // 128) * -(-channels // 64)
            total += -(-count // multiprocessors) * multiprocessors * depth
        return total
    return (tiles(batch) / tiles(1) - 1) / (batch - 1)


# --- serving ----------------------------------------------------------------------------------------------------

MULTIPROCESSORS = {"jetson-nano": 1, "jetson-xavier-nx": 6}  # GM20B, GV11B (NVIDIA's data sheets)
WARM = 50.0  # of the die while it works, °C, assumed


def leakage(power, volts, celsius):
    return volts * figure(power["leakage"]) * np.exp(figure(power["growth"]) * (celsius - ROOM))


def serving(name):
    board, measured = load(name)
    rows = {row["mhz"]: row for row in measured["clock"]}
    clocks = np.array(measured["fit"]["mhz"])
    latency = np.array([rows[f]["ms"][0] for f in clocks]) / 1e3
    rate = np.array([rows[f]["per-second"] for f in clocks])
    watts = np.array([rows[f]["w"][0] for f in clocks])
    terms = np.stack([np.ones(len(clocks)), 1 / (clocks * 1e6)], axis=1)
    stall, cycles = np.linalg.lstsq(terms / latency[:, None], np.ones(len(clocks)), rcond=None)[0]
    host = np.mean(1 / rate - latency)

    cpus, gpu, memory = board["cpu"], board["accelerator"][0], board["memory"]
    predicted = stall + cycles / (clocks * 1e6)
    busy = predicted / (predicted + host)
    known = figure(memory["power"]["traffic"]) * figure(measured["workload"]["traffic"]) / 1e3 / (predicted + host)
    top = cpus[0]
    volts, khz = top["voltages"]["mv"][-1] / 1e3, top["opps"]["khz"][-1]
    real = top.get("real-clock", {}).get("at-highest", 1)
    switched = figure(top["power"]["capacitance"]) + figure(top["power"]["uncore"])
    known = known + switched * volts**2 * khz * real / 1e6 * (host / (predicted + host))
    known = known + sum(leakage(cpu["power"], volts, WARM) for cpu in cpus)
    hertz = np.array(gpu["opps"]["hz"])
    table = np.array(gpu["voltages"]["mv"]) / 1e3

    supplied = np.interp(clocks * 1e6, hertz, table)
    known = known + leakage(gpu["power"], supplied, WARM)
    terms = np.stack([np.ones(len(clocks)), supplied**2 * clocks / 1e3 * busy], axis=1)
    fixed, capacitance = np.linalg.lstsq(terms / watts[:, None], (watts - known) / watts, rcond=None)[0]
    idle = figure(board["idle"]["power"])
    lowest = cpus[0]["voltages"]["mv"][0] / 1e3
    cold = 28.0 + 2.2 * idle  # an idle board is warmer than the room by a little
    leaks = sum(leakage(cpu["power"], lowest, cold) for cpu in cpus) + leakage(gpu["power"], table[0], cold)
    ratio = memory["hz"][0] / memory["hz"][-1]
    standby = (fixed - idle + leaks) / (1 - ratio)
    workload = measured["workload"]
    return {
        "stall, ms": (stall * 1e3, figure(workload["stall"]) * 1e3),
        "cycles, Mcycle": (cycles / 1e6, figure(workload["cycles"])),
        "gain": (gain(MULTIPROCESSORS[name]), workload["gain"]),
        "host, ms": (host * 1e3, figure(workload["host"]) * 1e3),
        "gpu capacitance, nF": (capacitance, figure(gpu["power"]["capacitance"])),
        "memory standby, W": (standby, figure(memory["power"]["standby"])),
        "base, W": (fixed - standby, figure(board["base"]["power"])),
    }


# --- dwells -----------------------------------------------------------------------------------------------------

STEP = 0.02  # seconds
LOOK = 0.1  # how often the kernel looks at the zone, seconds


class Dwells:
    """The Odroid XU3 under the stepped clocks, with the equations of the plant."""

    NAMES = ["capacitance of a core, nF", "leakage, W", "growth, /K", "big to die, K/W", "big, J/K",
             "die to sink, K/W", "die, J/K", "sink, J/K", "sink at start, °C"]
    START = np.array([0.41, 0.0255, 0.0835, 5.0, 0.14, 3.0, 0.5, 200.0, 43.0])
    LOW = np.array([0.2, 0.003, 0.005, 2, 0.02, 1, 0.1, 30, 32])
    HIGH = np.array([0.6, 0.2, 0.12, 9, 1, 6, 4, 500, 52])

    def __init__(self):
        self.board, self.measured = load("odroid-xu3")
        self.little, self.big = self.board["cpu"]
        self.volts = [dict(zip(cpu["opps"]["khz"], cpu["voltages"]["mv"])) for cpu in (self.little, self.big)]
        self.dwells = self.measured["dwells"]
        self.trace, self.gpu = np.array(self.measured["trace"]), np.array(self.measured["gpu-trace"])
        self.count = int(self.dwells[-1][0] / STEP) + 2

    def said(self):
        board, thermal = self.board, self.board["thermal"]
        node = {each["name"]: figure(each["capacity"]) for each in thermal["node"]}
        link = {each["from"]: each["resistance"] for each in thermal["link"]}
        power = self.big["power"]
        return np.array([figure(power["capacitance"]), figure(power["leakage"]), figure(power["growth"]),
                         figure(link["big"]), node["big"], figure(link["die"]), node["die"],
                         node["sink"], figure(self.measured["conditions"]["start"]["sink"])])

    def run(self, p):
        """Temperatures of big and die, rail power, share of the asked clock, at each step."""
        c, leak, growth, r_big, c_big, r_die, c_die, c_sink, sink = p
        ambient = figure(self.board["thermal"]["ambient"])
        then = self.measured["conditions"]
        r_sink = next(each["resistance"] for each in self.board["thermal"]["link"] if each["from"] == "sink")
        r_sink = figure(r_sink[then["fan"]])
        begins, hysteresis = figure(then["throttle"]), figure(then["hysteresis"])
        big, die = figure(then["start"]["big"]), figure(then["start"]["die"])
        a7, gpu, memory = self.little["power"], self.board["accelerator"][0], self.board["memory"]
        c7, leak7, growth7 = figure(a7["capacitance"]), figure(a7["leakage"]), figure(a7["growth"])
        gpu_volts = gpu["voltages"]["mv"][0] / 1e3
        gpu_leak, gpu_growth = figure(gpu["power"]["leakage"]), figure(gpu["power"]["growth"])
        standby = figure(memory["power"]["standby"]) * memory["hz"][0] / memory["hz"][-1]
        base = figure(self.board["base"]["power"])
        out = np.empty((self.count, 4))
        dwell, state, last, next_look = 0, 0, -1e9, 0.0
        for i in range(self.count):
            now = i * STEP
            while dwell < len(self.dwells) - 1 and now >= self.dwells[dwell][0]:
                dwell += 1
            _, little, asked, *_ = self.dwells[dwell]
            if now >= next_look - 1e-9:
                shown = round(big)
                if shown >= begins and shown > last:
                    state = min(max(1, state + 1), then["states"])
                elif shown < begins - hysteresis and shown <= last:
                    state = max(0, state - 1)
                last, next_look = shown, next_look + LOOK
            clock = min(asked, 2000 - 100 * state)
            v, v7 = self.volts[1][clock * 1000] / 1e3, self.volts[0][little * 1000] / 1e3
            # Above 105 °C the plant lets leakage grow no more.
            p_big = 4 * c * v * v * clock / 1e3 + v * leak * np.exp(growth * (min(big, 105.0) - ROOM))
            p_die = c7 * v7 * v7 * little / 1e3 + v7 * leak7 * np.exp(growth7 * (die - ROOM)) + standby
            p_die += gpu_volts * gpu_leak * np.exp(gpu_growth * (die - ROOM))
            q_big, q_die = (big - die) / r_big, (die - sink) / r_die
            big += STEP * (p_big - q_big) / c_big
            die += STEP * (q_big + p_die - q_die) / c_die
            sink += STEP * (q_die + base - (sink - ambient) / r_sink) / c_sink
            out[i] = big, die, p_big + p_die, clock / asked
        return out

    def residuals(self, p):
        out, fit = self.run(p), self.measured["fit"]
        at = lambda seconds: np.minimum((np.asarray(seconds) / STEP).astype(int), self.count - 1)
        rest = []
        began = 0.0
        shares, weights = [], []
        for until, little, big, watts, _ in self.dwells:
            span = slice(at(until - 1), at(until))
            if little in fit["first-mhz"]:
                rest.append((out[span, 2].mean() / watts - 1) / 0.03)
            if big == 2000 and began > 0:
                shares.append(out[at(began):at(until), 3].mean())
            began = until
        trace, gpu = (each[:: fit["trace-every"]] for each in (self.trace, self.gpu))
        rest += list((out[at(trace[:, 0]), 0] - trace[:, 1]) / 1.5)
        rest += list((out[at(gpu[:, 0]), 1] - gpu[:, 1]) / 2.0)
        perf = {big: np.mean([d[4] for d in self.dwells if d[2] == big][1:]) for big in (2000, 1800)}
        rest.append((np.mean(shares) - perf[2000] / perf[1800] * 0.9) / 0.005)
        return np.array(rest)

    def fit(self, start, rounds=40):
        """Gauss-Newton with damping (Levenberg-Marquardt), within LOW and HIGH."""
        p, damping = start.copy(), 1e-2
        rest = self.residuals(p)
        for _ in range(rounds):
            columns = []
            for i in range(len(p)):
                moved = p.copy()
                moved[i] *= 1.004
                columns.append((self.residuals(moved) - rest) / (0.004 * p[i]))
            jacobian = np.stack(columns, axis=1) * p
            normal = jacobian.T @ jacobian
            for _ in range(8):
                step = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), -jacobian.T @ rest)
                tried = np.clip(p * (1 + np.clip(step, -0.3, 0.3)), self.LOW, self.HIGH)
                new = self.residuals(tried)
                if new @ new < rest @ rest:
                    p, rest, damping = tried, new, damping / 3
                    break
                damping *= 4
            else:
                break
        return p


def dwells():
    model = Dwells()
    said = model.said()
    found = Dwells.START
    for _ in range(3):  # damping starts anew, past the steps that throttling makes in the residuals
        found = model.fit(found)
    return {name: pair for name, pair in zip(Dwells.NAMES, zip(found, said))}


def main():
    wrong = 0
    fits = {"jetson-nano": serving, "jetson-xavier-nx": serving}
    for name in [*fits, "odroid-xu3"]:
        print(name)
        for what, (found, said) in (fits[name](name) if name in fits else dwells()).items():
            off = abs(found / said - 1) > TOLERANCE
            wrong += off
            print(f"  {what:34} fitted {found:10.4f}   file {said:10.4f}{'   DIFFERS' if off else ''}")
    if "--check" in sys.argv:
        sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
