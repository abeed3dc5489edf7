#!/usr/bin/env python3
"""What a killed daemon costs the apps: late frames in the 2 s around `kill -9`, against an undisturbed run.

Two real apps (models/slim-mnist on two threads, models/exit-mnist on one) run managed by a private daemon. In the disturbed
run the daemon is killed in mid-run and started again half a second later. Also prints how long after the restart both apps
were back, and what the daemon used.

  python3 bench/kill-daemon.py [--bin target/debug] [--runs 3]

Build first: cargo build --workspace. Needs a quiet machine.
"""
import argparse
import json
import os
import signal
import subprocess
import tempfile
import time

SECONDS, KILL_AT, DOWN = 10.0, 4.0, 0.5


def profile(bins, model, threads):
    out = subprocess.run([f"{bins}/dynd-runtime", "profile", f"models/{model}", "--threads", str(threads), "--json"],
                         check=True, capture_output=True, text=True).stdout
    return json.loads(out)


def target_ms(points, cores, factor):
    largest = max(point["subnetwork"] for point in points)
    return factor * 1e3 * next(p["p95_s"] for p in points if p["subnetwork"] == largest and p["cores"] == cores)


def start_daemon(bins, socket):
    work = os.path.dirname(socket)
    policy = f"{work}/policy.toml"
    with open(policy, "w") as file:
        file.write('objective = "max-quality"\n')
    daemon = subprocess.Popen([f"{bins}/dynd", "--socket", socket, "--dbus", "off", "--log", "warn", "--policy", policy,
                               "--settings-dir", work, "--run-dir", work])
    while status(bins, socket) is None:
        time.sleep(0.01)
    return daemon


def status(bins, socket):
    done = subprocess.run([f"{bins}/dynctl", "--socket", socket, "status", "--json"], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def run(bins, work, apps, kill):
    """Late frames per app in the second before and after the kill, and what the restart took."""
    socket = f"{work}/dynd.sock"
    daemon = start_daemon(bins, socket)
    start = time.monotonic_ns() + 3_000_000_000
    stop = start + int(SECONDS * 1e9)
    running = []
    for name, app in apps.items():
        log, points = f"{work}/{name}.log", f"{work}/{name}.profile"
        with open(points, "w") as file:
            json.dump(app["profile"], file)
        running.append(subprocess.Popen(
            [f"{bins}/dynd-runtime", "app", "--manifest", f"models/{app['model']}", "--name", name, "--threads", str(app["threads"]),
             "--target-ms", str(app["target"]), "--period-ms", str(1.5 * app["target"]), "--start-ns", str(start),
             "--stop-ns", str(stop), "--log", log, "--profile", points, "--socket", socket], stdout=subprocess.DEVNULL))
    killed_at = start + int(KILL_AT * 1e9)
    time.sleep((killed_at - time.monotonic_ns()) / 1e9)
    before, back = status(bins, socket) if not kill else None, None
    if kill:
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
        time.sleep(DOWN)
        daemon = start_daemon(bins, socket)
        restarted = time.monotonic()
        while True:
            now = status(bins, socket)
            if now and sum(a["assignment"] is not None and a["assignment"]["acked"] for a in now["apps"]) == len(apps):
                break
            time.sleep(0.2)  # each look is a process: more would disturb what is measured
        back = time.monotonic() - restarted
    # A lease is 3 s: whoever was lost when it ended is seen here.
    time.sleep(max(0.0, (killed_at + 4.5e9 - time.monotonic_ns()) / 1e9))
    after = status(bins, socket)
    told = [a["name"] for a in after["apps"] if a["assignment"] is not None and a["inferences"] > 0]
    assert sorted(told) == sorted(apps), f"only {told} still run what they are told after the lease"
    heard = {a["name"]: a["inferences"] for a in after["apps"]}
    time.sleep(0.5)
    for app in status(bins, socket)["apps"]:
        assert app["inferences"] > heard[app["name"]], f"{app['name']} reports no more after the lease"
    assert all(app.wait() == 0 for app in running), "an app failed"
    daemon.terminate()
    daemon.wait()
    late = {}
    for name, app in apps.items():
        frames = [json.loads(line) for line in open(f"{work}/{name}.log")][1:]
        near = [f for f in frames if abs(f["release_ns"] - killed_at) <= 1e9]
        late[name] = sum(f["end_ns"] is None or f["end_ns"] - f["release_ns"] > app["target"] * 1e6 for f in near)
    return late, back, before


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--bin", default="target/debug")
    args.add_argument("--runs", type=int, default=3)
    args = args.parse_args()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    apps = {"camera": dict(model="slim-mnist", threads=2, cores=2, factor=1.25),
            "reader": dict(model="exit-mnist", threads=1, cores=1, factor=1.5)}
    for app in apps.values():
        app["profile"] = profile(args.bin, app["model"], app["threads"])
        app["target"] = target_ms(app["profile"], app["cores"], app["factor"])
    for number in range(args.runs):
        with tempfile.TemporaryDirectory() as work:
            calm, _, seen = run(args.bin, work, apps, kill=False)
            hurt, back, _ = run(args.bin, work, apps, kill=True)
        print(json.dumps({"run": number + 1, "late_undisturbed": calm, "late_around_kill": hurt, "both_back_after_s": round(back, 3),
                          "daemon": seen["daemon"]}), flush=True)


main()
