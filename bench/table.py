#!/usr/bin/env python3
"""The table of what dynd must show, as far as it can be measured today: `./dev bench [PART...] [--json]`.

Parts: planner, estimator, percentile, steady, simulator, reach; `controller` is all of these, `client` what an app pays. They
take minutes. scenarios and plants, together `laboratory`, play every controller and take hours.
Figures come from the benchmarks, tests and examples of the crates and from `dynctl simulate --json`; here they are only
compared with what is to be reached. A line that is not reached says so. Measure on a quiet machine.
"""
import argparse
import glob
import json
import os
import re
import subprocess
import sys
import time

PARTS = {
    "controller": ["planner", "estimator", "percentile", "steady", "simulator", "reach"],
    "client": ["estimator"],
    "laboratory": ["scenarios", "plants"],
}
SEEN = {"oracle", "clairvoyant"}
CAUSAL = "dynd,static-largest,static-smallest,static-best,dynamic-ofa-rule,alert,poet,poet-tuned,greedy-mmkp"


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def output(*command):
    """What `command` prints; what it says of its progress goes through."""
    say(" ".join(command))
    begun = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    say(f"took {time.monotonic() - begun:.0f} s")
    if done.returncode != 0:
        raise SystemExit(f"bench: failed to run {' '.join(command)}: it ended with {done.returncode}\n{done.stdout}")
    return done.stdout


def cargo(*words):
    return output("cargo", *words)


def row(what, value, op, limit, unit):
    ok = {"<=": lambda: value <= limit, ">=": lambda: value >= limit, "==": lambda: value == limit}[op]()
    return {"what": what, "value": value, "op": op, "limit": limit, "unit": unit, "ok": ok}


def example(package, name):
    return json.loads(cargo("run", "-q", "--release", "-p", package, "--example", name, "--", "--json"))


def test(name, *filters):
    """What the tests of dynd-core called `name` print that match any of `filters`."""
    return cargo("test", "-q", "--release", "-p", "dynd-core", "--test", name, "--", "--nocapture", *filters)


def planner(_):
    for bench in ("planner", "step"):
        rows = json.loads(cargo("bench", "-q", "-p", "dynd-core", "--bench", bench, "--", "--json"))
        yield from (each for each in rows if each["limit"] is not None)
    said = test("plan", "a_thousand_small_problems")
    exact = 1000 if re.search(r"test result: ok\. 1 passed", said) else 0
    yield row("plans as good as brute force, of 1000 problems", exact, "==", 1000, "")
    mean, worst = re.search(r"mean ([\d.]+) %, worst ([\d.]+) %", test("plan", "large_problems_come_near")).groups()
    yield row("gap to the bound, up to 64 apps, mean", float(mean), "<=", 1, "%")
    yield row("gap to the bound, up to 64 apps, worst", float(worst), "<=", 3, "%")


def estimator(_):
    cargo("bench", "-q", "-p", "dynd-core", "--bench", "estimate")
    build = os.environ.get("CARGO_TARGET_DIR", "target")
    for what, limit in [("selector decision", 50), ("estimator update", 100)]:
        with open(f"{build}/criterion/{what}/new/estimates.json") as file:
            nanos = json.load(file)["median"]["point_estimate"]
        yield row(what, round(nanos, 1), "<=", limit, "ns")


def percentile(_):
    for each in example("dynd-core", "percentile"):
        allowed, fixed = each["allowed"], each["fixed"]
        if min(fixed) <= allowed <= max(fixed):
            beside = f"a Gaussian choice {100 * each['gaussian']:.1f} %"
            what = f"miss rate from {100 * allowed:.0f} %, {each['noise']} noise ({beside})"
            yield row(what, round(100 * abs(each["late"] - allowed), 2), "<=", 1, "points")


def steady(_):
    said = test("joint", "steady")
    for objective, changes in re.findall(r"constant input, ([\w-]+): (\d+) changes", said):
        yield row(f"constant input, {objective}: changes after 1 s", int(changes), "==", 0, "")
    for objective, switches in re.findall(r"stationary noise, ([\w-]+): .* (\d+) switches of one app", said):
        yield row(f"stationary noise, {objective}: switches of an app per minute", int(switches) / 10, "<=", 1, "")
    for plans in re.findall(r"cold to steady heat: (\d+) plans", said):
        yield row("cold board to steady heat under a temperature limit: plans", int(plans), "<=", 3, "")
    found = re.findall(r"near after (\d+)", test("closed_loop", "never_profiled"))
    yield row("never profiled: inferences to within one rung, worst of 5 machines", max(map(int, found)), "<=", 20, "")


def simulator(_):
    yield from example("dynd-sim", "pace")


def reach(_):
    yield from example("dynd-sim", "reach")


def simulate(*arguments):
    cargo("build", "-q", "--release", "-p", "dynctl")
    dynctl = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release", "dynctl")
    return json.loads(output(dynctl, "simulate", "--json", *arguments))


def median(scenario, name, figure):
    return scenario["controllers"][name][figure]["median"]


def scenarios(options):
    files = sorted(glob.glob("scenarios/*.toml"))
    found = []
    for number, file in enumerate(files, 1):
        say(f"scenario {number} of {len(files)}")
        found.extend(simulate(file, "--seeds", str(options.seeds))["scenarios"])
    by_name = {scenario["name"]: scenario for scenario in found}
    yield from dynamic_ofa(by_name)
    yield from saved(by_name["xavier-one-model"], "one model")
    yield from saved(by_name["xavier-two-models"], "two models")
    yield from regret(found)
    yield from against_others(found)


def dynamic_ofa(by_name):
    trace = by_name["dynamic-ofa-run-time"]
    late = {name: median(trace, name, "late_until_met") for name in ("dynd", "oracle")}
    yield row("Dynamic-OFA trace: late until met, over the oracle's", late["dynd"] - late["oracle"], "<=", 2, "")
    noisy = by_name["dynamic-ofa-stationary"]
    figure = {key: {name: median(noisy, name, key) for name in ("dynd", "oracle", "alert")}
              for key in ("misses", "quality", "switches")}
    more = 100 * (figure["misses"]["dynd"] - figure["misses"]["oracle"])
    yield row("stationary noise: misses over the oracle's", round(more, 2), "<=", 1, "points")
    less = 100 * (figure["quality"]["dynd"] - figure["quality"]["oracle"])
    yield row("stationary noise: top-1 over the oracle's", round(less, 2), ">=", -0.3, "points")
    switches = figure["switches"]["dynd"] / max(figure["switches"]["alert"], 1)
    yield row("stationary noise: switches over alert's", round(switches, 2), "<=", 0.2, "")


def saved(scenario, what):
    """Of what the oracle saves against the best static choice under the board's governors, the share that dynd does."""
    controllers = scenario["controllers"]
    mean_ms = {name: sum(app["mean_ms"]["median"] for app in controllers[name]["apps"]) for name in controllers}
    energy_j = {name: median(scenario, name, "energy_j") for name in controllers}
    published = {"one model": "-19 %, -9 %", "two models": "-89 %, -23 %"}[what]
    for of, figure in [("energy", energy_j), ("latency", mean_ms)]:
        baseline = figure["static-best"]
        by = {name: 1 - figure[name] / baseline for name in ("dynd", "oracle")}
        text = f"Xavier NX, {what}: {of} saved {100 * by['dynd']:.1f} %, oracle {100 * by['oracle']:.1f} % (published {published})"
        if of == "latency":
            # With nothing but energy to gain the oracle runs slower than the baseline: there is no saving to share.
            say(text)
            continue
        yield row(text, round(by["dynd"] / by["oracle"], 3), ">=", 0.98, "of it")


def regret(found):
    shares, left_out = {}, []
    for scenario in found:
        if scenario["seconds"] < 60 or scenario["disturbances"] < 4:
            continue
        share = scenario["controllers"]["dynd"]["regret_share"]
        if share is None:
            left_out.append(scenario["name"])
        else:
            shares[scenario["name"]] = 100 * share["median"]
    say(f"no distance between best static choice and oracle in: {', '.join(left_out) or 'none'}")
    for name, share in shares.items():
        yield row(f"{name}: share of regret", round(share, 1), "<=", 15, "%")
    middle = sorted(shares.values())
    yield row(f"share of regret, median of {len(middle)}", round(middle[len(middle) // 2], 1), "<=", 5, "%")


def against_others(found):
    better = 0
    for scenario in found:
        costs = {name: median(scenario, name, "cost") for name in scenario["controllers"]}
        others = {name: cost for name, cost in costs.items() if name not in SEEN and name != "dynd"}
        best = min(others, key=others.get)
        over = 100 * (costs["dynd"] - others[best]) / max(others[best], 1e-9)
        better += over < 0
        yield row(f"{scenario['name']}: cost over that of the best other, {best}", round(over, 1), "<=", 1, "%")
        least = min(cost for name, cost in costs.items() if name not in SEEN)
        yield row(f"{scenario['name']}: oracle's cost over the least of others", round(costs["oracle"] - least, 3),
                  "<=", 0.03, "")
    yield row("scenarios in which dynd is first", round(100 * better / len(found), 1), ">=", 50, "%")


def plants(options):
    files = sorted(glob.glob("scenarios/*.toml"))
    found = simulate(*files, "--random-plants", str(options.plants), "--controllers", CAUSAL)
    for lost in found["lost"]:
        say(f"plant {lost['plant']}, {lost['scenario']}, {lost['noise']}: {lost['dynd']:.3f}, "
            f"{lost['winner']} {lost['cost']:.3f}")
    wins = round(100 * found["wins"]["dynd"], 1)
    yield row(f"{found['plants']} random plants: first of all causal controllers", wins, ">=", 90, "%")


def text(rows):
    width = max(len(each["what"]) for each in rows)
    lines = []
    for each in rows:
        reach = f"{each['op']} {each['limit']:g} {each['unit']}".strip()
        verdict = "met" if each["ok"] else "not met"
        lines.append(f"{each['what']:<{width}}  {each['value']:>10g}  {reach:<14}  {verdict}")
    met = sum(each["ok"] for each in rows)
    return "\n".join([*lines, "", f"{met} of {len(rows)} lines met"])


def main():
    every = [*PARTS, *PARTS["controller"]]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(every))
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seeds", type=int, default=10, help="of each scenario")
    parser.add_argument("--plants", type=int, default=200, help="how many random plants")
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in every]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(every)}")
    wanted = [part for name in options.parts or ["controller"] for part in PARTS.get(name, [name])]
    rows = []
    for part in dict.fromkeys(wanted):
        rows.extend(globals()[part](options))
    print(json.dumps(rows, indent=1) if options.json else text(rows))


if __name__ == "__main__":
    main()
