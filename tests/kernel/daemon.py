"""dynd in a bed: what it finds, what it sets, what it leaves alone and what it puts back."""

import json
import time

CPUFREQ = "/sys/devices/system/cpu/cpufreq"
START = "dynd --policy /policy.toml --dbus off >>/run/log 2>&1 & daemon=$!"

# How long to wait at most for what dynd should do or say at once, in seconds: a busy host may leave an emulator a tenth
# of a CPU.
SOON = 150

# How long the kernel is given at one temperature to do what it does there, before the next one, in seconds.
STEP = 5

# How long one of our programs may take, in seconds of the guest: whoever takes longer is ended, and red.
LIMIT = "timeout 60"
# Tells the daemon to end, and how it does.
END = "(sleep 60; kill -KILL $daemon) & guard=$!; kill -TERM $daemon; wait $daemon; echo $?; kill $guard"

POLICY = """
[processor.little]
clocks = "bound"
max-clock = "1 GHz"

[processor.big]
clocks = "bound"
min-clock = "800 MHz"
max-clock = "1.4 GHz"

[[app]]
match = { name = "minimal" }
processors = ["little"]
enforce = true
"""

# Where the app is, alone.
GROUP = "/sys/fs/cgroup/app"
CPUS = f"{GROUP}/cpuset.cpus"

# What that makes of the clocks, in kHz.
BOUNDS = {"little": (200_000, 1_000_000), "big": (800_000, 1_400_000)}
HELD = {"little": "held", "big": "held"}

# Well below every trip, in °C.
COOL = 40


def check(bed, machine, report):
    """All checks of the daemon, in the order of a daemon's life."""
    trial = Trial(bed, machine, report)
    trial.discovery()
    trial.cgroups()
    trial.counters()
    trial.bounds()
    if bed.can_heat:
        trial.heat()
    trial.enforcement()
    trial.end()
    trial.kill_and_restore()
    trial.kill_and_restart()


class Trial:
    """The daemon and the tool of the guest, as seen from its console."""

    def __init__(self, bed, machine, report):
        self.bed, self.machine, self.report = bed, machine, report
        machine.run("mkdir -p /run/dynd")
        self.before = self.settings()

    def discovery(self):
        """Both policies are found as what they are."""
        board = self.board()
        found = {each["name"]: each for each in board["processors"]}
        for cluster in self.bed.clusters:
            processor = found.pop(cluster.name, {})
            value = (processor.get("cpus"), processor.get("opps_khz"))
            self.report.same(f"discovery of {cluster.name}", value, (cluster.cpus, cluster.opps))
        self.report.same("no other processor is found", list(found), [])
        zones = [zone["celsius"] is not None for zone in board["zones"]]
        self.report.same("thermal zones are found and tell", zones, [True] * self.bed.zones)

    def cgroups(self):
        """The control groups of the guest are of version 2, which `doctor` sees."""
        found = self.findings("cgroup", "cpuset")
        self.report.check("doctor, cpuset not delegated", found, len(found) == 1 and "not delegated" in found[0])
        self.machine.run("echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control")
        self.report.same("doctor, cpuset delegated", self.findings("cgroup", "cpuset"), [])

    def counters(self):
        """Cycles are counted, per cluster, where the machine has counters that this dynd knows."""
        if not self.bed.counters:
            return
        for cluster, other in zip(self.bed.clusters, reversed(self.bed.clusters)):
            # The machine counts a thousand million cycles a second; dynd does not wake idle CPUs to read theirs, and
            # the one who asks stays out of the idle cluster.
            self.machine.run(f"taskset -c {cluster.cpus[0]} sh -c 'while :; do :; done' & burner=$!")
            rates = {each["name"]: each["counters"] or {} for each in self.board(cluster.cpus[-1])["processors"]}
            self.machine.run("kill $burner; wait $burner 2>/dev/null; true")
            busy, idle = (rates.get(each.name, {}).get("cycles_per_s", 0) / 1e6 for each in (cluster, other))
            self.report.check(
                f"cycles of busy {cluster.name} and idle {other.name}",
                f"{busy:.0f} and {idle:.0f} million a second", busy > 100 and idle < busy / 4,
            )

    def bounds(self):
        """The clocks stay within the bounds of the policy, whatever the governor wants."""
        self.start()
        states = self.until_all("held")
        self.report.same("dynd says of its bounds", states, HELD)
        mark = self.bed.transitions()
        before = {cluster.name: self.time_in_state(cluster) for cluster in self.bed.clusters}
        for governor, end in [("performance", 1), ("powersave", 0)]:
            self.machine.run(f"for p in {CPUFREQ}/policy*; do echo {governor} >$p/scaling_governor; done")
            for cluster in self.bed.clusters:
                clock = int(self.machine.run(f"cat {cluster.policy}/scaling_cur_freq"))
                self.report.same(f"clock of {cluster.name} under {governor}", clock, BOUNDS[cluster.name][end])
        time.sleep(1)
        for cluster in self.bed.clusters:
            spent = {khz: ticks - before[cluster.name][khz] for khz, ticks in self.time_in_state(cluster).items()}
            low, high = BOUNDS[cluster.name]
            outside = {khz: ticks for khz, ticks in spent.items() if ticks and not low <= khz <= high}
            ok = not outside and sum(spent.values()) > 0
            self.report.check(f"time in state of {cluster.name} beyond its bounds", outside or "none", ok)
        self.bed.check_transitions(mark, BOUNDS, self.report)
        self.govern()

    def heat(self):
        """The kernel cools the board: dynd says so, leaves it its way, and is obeyed again after."""
        wanted = [BOUNDS[cluster.name][1] for cluster in self.bed.clusters]
        # As long as it gets hotter the kernel takes one clock after the other; the first one is above the bound.
        lowered = self.follow(range(90, 114, 4), self.maxima, lambda now: now[1] < wanted[1])
        self.report.check("maximum while it is hot", lowered, lowered[1] < wanted[1])
        states = self.wait(self.states, lambda now: now.get("big") == "throttled", SOON)
        self.report.same("dynd says while it is hot", states.get("big"), "throttled")
        # One look at the clocks, and no answer to anybody, in this time.
        before = (self.writes(), self.maxima())
        time.sleep(3)
        after = (self.writes(), self.maxima())
        self.report.check("writes of dynd in 3 s of heat", after[0] - before[0], after[0] == before[0])
        self.report.check("maximum still", after[1], after[1][1] < wanted[1])
        # As long as it gets cooler the kernel gives one clock after the other back; a bound hides the last ones.
        idle = self.follow(range(76, COOL - 1, -4), self.cooling, lambda now: now == 0)
        self.report.same("cooling states when it is cool again", idle, 0)
        maxima = self.wait(self.maxima, lambda now: now == wanted, SOON)
        self.report.same("maximum when it is cool again", maxima, wanted)
        self.report.same("dynd says when it is cool again", self.until_all("held"), HELD)

    def enforcement(self):
        """The kernel keeps an app that is alone in a control group on the CPUs that dynd tells it."""
        self.machine.run(f"mkdir {GROUP}; "
                         f"sh -c 'echo $$ >{GROUP}/cgroup.procs; exec minimal 1000000 >/run/app' & app=$!")
        kept = self.wait(self.kept, lambda now: now.get("state") == "held", SOON)
        self.report.same("dynd says of the app", (kept.get("state"), kept.get("by")), ("held", "cgroup-v2"))
        cpus = self.machine.run(f"cat {CPUS}")
        self.report.check("cpuset of the app", cpus, cpus in ["0", "1", "0-1"])
        self.report.check("the kernel lets the app on", *self.confined())
        _, code = self.machine.attempt("taskset -pc 2-3 $app")
        seen, ok = self.confined()
        self.report.check("when it asks for others it is on", seen, code != 0 and ok)

    def confined(self):
        """Where the kernel lets the app's threads run, and whether that is what its cpuset says: dynd may change both at any
        time, and where it did so in between they are read again."""
        allowed = "grep -h Cpus_allowed_list: /proc/$app/task/*/status | sort -u | cut -f 2"
        look = lambda: self.machine.run(f"cat {CPUS}; {allowed}; cat {CPUS}").split("\n")
        before, *seen, after = self.wait(look, lambda now: now[0] == now[-1], SOON)
        return ", ".join(seen), seen == [before] == [after]

    def end(self):
        """A daemon that is told to end puts everything back."""
        code = self.machine.run(END)
        self.report.same("dynd ends with", code, "0")
        self.as_before("SIGTERM")

    def kill_and_restore(self):
        """What a killed daemon has left is put back by `dynd --restore`."""
        self.killed("SIGKILL")
        said, code = self.machine.attempt(f"{LIMIT} dynd --restore")
        answers = said.splitlines()
        # One per bound that the daemon had changed, and one for the app's CPUs.
        ok = code == 0 and len(answers) > len(BOUNDS)
        value = f"of {len(answers)} attributes" if ok else f"{said}, and ends with {code}"
        self.report.check("dynd --restore answers", value, ok)
        self.as_before("dynd --restore")

    def kill_and_restart(self):
        """What a killed daemon has left is put back by the next one."""
        self.killed("SIGKILL again")
        self.machine.run("dynd --dbus off >>/run/log 2>&1 & daemon=$!")
        self.machine.until(f"{LIMIT} dynctl status", "policy:", SOON)
        self.as_before("the next start")
        self.report.same("it ends with", self.machine.run(END), "0")

    def killed(self, how):
        """Starts a daemon, lets it set the clocks and kills it."""
        self.start()
        self.until_all("held")
        self.wait(self.kept, lambda now: now.get("state") == "held", SOON)
        self.machine.attempt("kill -KILL $daemon; wait $daemon")
        left = {cluster.name: self.bounds_of(cluster) for cluster in self.bed.clusters}
        # While an app infers, dynd chooses a clock within the policy's bounds by how fast the app is, and may be killed
        # between two writes. What was before the daemon is beyond them in both clusters.
        ok = all(BOUNDS[name][0] <= low <= high <= BOUNDS[name][1] for name, (low, high) in left.items())
        self.report.check(f"bounds after {how}", left, ok)
        cpus = self.machine.run(f"cat {CPUS}")
        self.report.check(f"cpuset after {how}", cpus or "none", cpus)

    def as_before(self, when):
        """Checks that every setting of the clocks is as it was before the first daemon, and the app free."""
        changed = {path: value for path, value in self.settings().items() if value != self.before[path]}
        # A control group with a process in it is never without CPUs again, but may have all.
        cpus = self.machine.run(f"cat {CPUS}")
        if cpus not in ["", "0-3"]:
            changed[CPUS] = cpus
        self.report.check(f"settings after {when}", changed or f"{len(self.before) + 1} as before", not changed)

    def start(self):
        """Starts a daemon with a policy that bounds the clocks."""
        self.machine.run(START)

    def govern(self):
        """Gives the clocks back to their governor."""
        self.machine.run(f"for p in {CPUFREQ}/policy*; do echo schedutil >$p/scaling_governor; done")

    def states(self):
        """What dynd says of each clock."""
        processors = self.status().get("board", {}).get("processors", [])
        return {each["name"]: (each["clocks"] or {}).get("state") for each in processors}

    def kept(self):
        """What dynd says of the app's CPUs."""
        apps = self.status().get("apps", [])
        return (apps and apps[0]["enforcement"]) or {}

    def status(self):
        """What `dynctl status` says; nothing if dynd does not answer."""
        said, code = self.machine.attempt(f"{LIMIT} dynctl status --json 2>/dev/null")
        return json.loads(said) if code == 0 else {}

    def until_all(self, state):
        """What dynd says of each clock, as soon as it says `state` of all."""
        return self.wait(self.states, lambda now: now and set(now.values()) == {state}, SOON)

    def board(self, cpus="0-3"):
        """What `dynctl board` finds, run on `cpus`."""
        return json.loads(self.machine.run(f"taskset -c {cpus} {LIMIT} dynctl board --json"))

    def findings(self, *words):
        """What `dynctl doctor` finds that has one of these words in it."""
        said, _ = self.machine.attempt(f"{LIMIT} dynctl doctor --json")
        found = [finding["what"] for finding in json.loads(said)["findings"]]
        return [what for what in found if any(word in what for word in words)]

    def settings(self):
        """Every setting of the clocks."""
        said = self.machine.run(f"grep . {CPUFREQ}/policy*/scaling_min_freq {CPUFREQ}/policy*/scaling_max_freq "
                                f"{CPUFREQ}/policy*/scaling_governor")
        return dict(line.removeprefix(CPUFREQ + "/").split(":") for line in said.splitlines())

    def bounds_of(self, cluster):
        """Minimum and maximum in force, in kHz."""
        said = self.machine.run(f"cat {cluster.policy}/scaling_min_freq {cluster.policy}/scaling_max_freq")
        return tuple(int(each) for each in said.split())

    def maxima(self):
        """The maximum in force of each cluster, in kHz."""
        return [self.bounds_of(cluster)[1] for cluster in self.bed.clusters]

    def cooling(self):
        """How much the kernel cools: the sum of the states of its cooling devices."""
        return sum(map(int, self.machine.run("cat /sys/class/thermal/cooling_device*/cur_state").split()))

    def writes(self):
        """How often the daemon has written to anything."""
        return int(self.machine.run("sed -n 's/^syscw: //p' /proc/$daemon/io"))

    def time_in_state(self, cluster):
        """Ticks of 10 ms by clock in kHz."""
        said = self.machine.run(f"cat {cluster.policy}/stats/time_in_state")
        return {int(khz): int(ticks) for khz, ticks in (line.split() for line in said.splitlines())}

    def follow(self, temperatures, look, ok):
        """What `look` sees, as soon as it is `ok`, while it gets as hot as that, one temperature after the other."""
        for celsius in temperatures:
            self.bed.heat(celsius)
            seen = self.wait(look, ok, STEP)
            if ok(seen):
                return seen
        return self.wait(look, ok, SOON)

    def wait(self, look, ok, seconds):
        """What `look` sees, as soon as it is `ok`."""
        end = time.monotonic() + seconds
        while True:
            seen = look()
            if ok(seen) or time.monotonic() > end:
                return seen
            time.sleep(0.2)
