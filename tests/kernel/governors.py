"""The governors of the plant against those of a real kernel: the same load, the same share of time at each clock.

The load is open-loop: how long it is busy is fixed, as it is on an emulated CPU whatever its clock is said to be.
Which clock a governor is at in a certain millisecond depends on where the tick falls, in the kernel too, so the load
is long and irregular, and what counts is the mean of several runs of it.
"""

import random
import subprocess

NAMES = ["ondemand", "conservative", "schedutil"]
RUNS = 3
LIMIT = 5.0

# What a kernel does by itself now and then, and can be told to leave: to compact memory (twice a second), to sum up its
# statistics (once a second). Any CPU that sleeps again after such work also lets the governors of those that sleep
# already decide (`nohz_newidle_balance` of kernel/sched/fair.c): load that the plant is not fed, and that cost long idle
# times their clock.
SILENCE = ["vm/compaction_proactiveness 0", "vm/stat_interval 3600"]


def pattern():
    """The load, always the same: busy and idle microseconds. It begins with a long busy time, so that what was before does
    not matter: a slow CPU that does as little as before stays slow. No time is a whole number of milliseconds: governors
    have their thresholds there, and a time at a threshold is above it by chance."""
    chance = random.Random(7)
    lines = ["400000 100000"]
    for _ in range(1500):
        # Frames, bursts, housekeeping, long jobs, in milliseconds.
        spans = chance.choices(
            [((1, 12), (3, 20)), ((8, 40), (5, 50)), ((1, 6), (20, 80)), ((50, 150), (50, 200))],
            [50, 30, 15, 5],
        )[0]
        lines.append(" ".join(f"{1000 * chance.uniform(*span):.0f}" for span in spans))
    return "\n".join(lines) + "\n"


def check(bed, machine, open_loop, board, report):
    """Runs the load in the bed and in the plant, under each governor, on one CPU of each cluster."""
    for setting in SILENCE:
        name, value = setting.split()
        machine.run(f"echo {value} >/proc/sys/{name}")
    for cluster, elsewhere in zip(bed.clusters, reversed(bed.clusters)):
        # The shell stays out of the way.
        machine.run(f"taskset -pc {elsewhere.cpus[-1]} 1 >/dev/null")
        for governor in NAMES:
            runs = [run(cluster, governor, machine, open_loop, board) for _ in range(RUNS)]
            kernel, plant = (mean([pair[side] for pair in runs]) for side in range(2))
            apart = max(abs(kernel[khz] - plant[khz]) for khz in kernel)
            text = ", ".join(f"{khz // 1000}: {kernel[khz]:.0f} {plant[khz]:.0f}" for khz in sorted(kernel))
            report.check(
                f"{governor} on {cluster.name}, kernel and plant", f"{apart:.1f} points apart (% at MHz {text})",
                apart <= LIMIT,
            )


def run(cluster, governor, machine, open_loop, board):
    """One run; the percentages of time at each clock, of the kernel and of the plant."""
    setting = f"{cluster.policy}/scaling_governor"
    machine.run(f"echo powersave >{setting}")
    forget_the_past(cluster, machine)
    machine.run(f"echo {governor} >{setting}")
    cpu = seat(cluster, machine)
    record = machine.run(f"taskset -c {cpu} open_loop run {cluster.policy} </pattern", 600)
    replayed = subprocess.run(
        [open_loop, "replay", board, governor, cpu], input=record, check=True, capture_output=True, text=True
    ).stdout
    return shares(record), shares(replayed)


def forget_the_past(cluster, machine):
    """Lets the kernel make its scheduling domains anew, which it does when a CPU comes and goes. Before, the CPU to be loaded
    looked for load to balance in 56 of its ticks in some boots and in 500 to 760 in others, and where it seldom did the tick
    after a sleep did not reach its governor: 5 % of the time at one clock under ondemand, not 12 %. The kernel looks less and less
    often where it finds only what is bound to its CPU (`LBF_ALL_PINNED` in load_balance of kernel/sched/fair.c), as our load is."""
    online = f"/sys/devices/system/cpu/cpu{cluster.cpus[-1]}/online"
    machine.run(f"echo 0 >{online} && echo 1 >{online}")


def seat(cluster, machine):
    """The CPU of a cluster to load: where the thread is that sets the clocks for schedutil, or the first one. That thread
    stays where it was made, by chance. Anywhere else it would wake an idle CPU at each change of the clock, which lets the
    governor decide once more when it sleeps again (above)."""
    thread = machine.run(f"{named('sugov:' + cluster.cpus[0])}")
    return machine.run(f"cut -d ' ' -f 39 /proc/{thread}/stat") if thread else cluster.cpus[0]


def named(name):
    """Lists the processes whose name begins with this one."""
    return f"grep -l '^{name}' /proc/[0-9]*/comm 2>/dev/null | cut -d / -f 3"


def shares(record):
    """Percentages by clock in kHz."""
    words = (line.split() for line in record.splitlines())
    return {int(each[0]): 100 * float(each[1]) for each in words if len(each) == 2 and each[0].isdigit()}


def mean(dictionaries):
    """The mean per key."""
    return {key: sum(each[key] for each in dictionaries) / len(dictionaries) for key in dictionaries[0]}
