"""The three beds: what each is made of, how hot it is, and how its clocks are seen from outside."""

import mmap
import os
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from initramfs import Initramfs
from machine import Machine
from monitor import Monitor

HERE = Path(__file__).parent
GOVERNORS = ["cpufreq_ondemand", "cpufreq_conservative", "cpufreq_powersave", "cpufreq_userspace"]


@dataclass
class Cluster:
    """A cluster as dynd should find it."""

    name: str
    cpus: str
    opps: list

    @property
    def policy(self):
        """The directory of its clock."""
        return f"/sys/devices/system/cpu/cpufreq/policy{self.cpus[0]}"


class Bed:
    """A machine to boot. `cache` has the packages, `work` takes what is made for it."""

    clusters = [
        Cluster("little", "0-1", [200_000, 600_000, 1_000_000, 1_400_000]),
        Cluster("big", "2-3", [200_000, 800_000, 1_400_000, 2_000_000]),
    ]
    zones = 0
    can_heat = False
    counters = False
    examines_daemon = True
    compares_governors = False

    def __init__(self, packages, work):
        self.packages, self.work = packages, work

    def boot(self, programs, files):
        """A machine that runs, with `programs` (source by name) and `files` (text by path) in it."""
        self._monitor = Monitor(self.work / f"{self.letter}.monitor")
        initrd = self.work / f"{self.letter}.cpio.gz"
        self._initramfs(programs, files).write(initrd)
        (kernel,) = self.packages.glob("boot/vmlinuz-*")
        command = [
            self.emulator, "-smp", "4", "-m", "512M", "-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio",
            "-kernel", kernel, "-initrd", initrd,
            "-append", f"console={self.console} quiet panic=-1 rdinit=/init {self.arguments}", *self.machine(),
        ]
        return Machine(command, self.work / f"{self.letter}.log", self.pulse)

    def pulse(self):
        """Called now and then while the machine is waited for."""

    def transitions(self):
        """A mark in what the host has seen of the clocks."""

    def check_transitions(self, mark, bounds, report):
        """Checks what the host has seen of the clocks since a mark."""

    def _initramfs(self, programs, files):
        image = Initramfs()
        image.device("/dev/console", 5, 1)
        image.file("/init", (HERE / "init.sh").read_bytes(), 0o755)
        image.file("/bin/busybox", (self.packages / "bin/busybox").read_bytes(), 0o755)
        for directory in ["/proc", "/sys", "/run", "/tmp"]:
            image.directory(directory)
        for name, source in programs.items():
            image.program(f"/bin/{name}", source, self.libraries)
        for path, text in files.items():
            image.file(path, text.encode())
        paths = []
        for module in self.modules + GOVERNORS:
            (source,) = self.packages.glob(f"lib/modules/*/kernel/drivers/**/{module}.ko")
            paths.append(f"/lib/{module}.ko")
            image.file(paths[-1], source.read_bytes())
        image.file("/modules", "".join(path + "\n" for path in paths).encode())
        return image

    def _preprocessed(self, name):
        """One of our descriptions of hardware, its macros expanded."""
        made = self.work / f"{self.letter}.{name}"
        subprocess.run(
            ["cpp", "-nostdinc", "-undef", "-x", "assembler-with-cpp", "-P", HERE / name, made], check=True
        )
        return made

    def _device_tree(self, name):
        """One of our device trees, compiled."""
        made = self.work / f"{self.letter}.dtb"
        subprocess.run(["dtc", "-q", "-O", "dtb", "-o", made, self._preprocessed(name)], check=True)
        return made


class BedA(Bed):
    """A PC: clocks by ACPI, whose every change is a byte in a file; a thermal zone whose temperature is ours."""

    letter = "A"
    title = "x86, ACPI, acpi-cpufreq, passive cooling"
    architecture, flavour = "amd64", "amd64"
    build = "debug"
    libraries = [Path("/lib64"), Path("/lib/x86_64-linux-gnu"), Path("/usr/lib/x86_64-linux-gnu")]
    emulator = "qemu-system-x86_64"
    console = "ttyS0"
    # The page in which the firmware looks for the temperature is not the kernel's.
    arguments = "memmap=1M$0xf000000"
    modules = ["acpi-cpufreq"]
    zones = 1
    can_heat = True

    # The bytes of bed_a.asl, in kHz.
    CODES = {
        "little": {0x02: 200_000, 0x06: 600_000, 0x0A: 1_000_000, 0x0E: 1_400_000},
        "big": {0x42: 200_000, 0x48: 800_000, 0x4E: 1_400_000, 0x54: 2_000_000},
    }

    def machine(self):
        self._clocks = self.work / "a-clocks"
        self._memory = self.work / "a-memory"
        with open(self._memory, "wb") as memory:
            memory.truncate(512 << 20)
        source = self._preprocessed("bed_a.asl")
        table = self.work / f"{self.letter}.aml"
        subprocess.run(["iasl", "-p", table, source], check=True, stdout=subprocess.DEVNULL)
        return [
            "-M", "q35,accel=tcg,memory-backend=ram", "-cpu", "Nehalem",
            "-object", f"memory-backend-file,id=ram,size=512M,mem-path={self._memory},share=on",
            "-acpitable", f"file={table}",
            "-chardev", f"file,id=clocks,path={self._clocks}", "-device", "isa-debugcon,iobase=0x402,chardev=clocks",
        ]

    def heat(self, celsius):
        with open(self._memory, "r+b") as memory, mmap.mmap(memory.fileno(), 0) as words:
            words[0x0F000000:0x0F000004] = struct.pack("<I", celsius * 10 + 2732)

    def transitions(self):
        return os.path.getsize(self._clocks)

    def check_transitions(self, mark, bounds, report):
        seen = self._clocks.read_bytes()[mark:]
        for name, codes in self.CODES.items():
            clocks = {codes[byte] for byte in seen if byte in codes}
            low, high = bounds[name]
            ok = clocks and all(low <= clock <= high for clock in clocks)
            report.check(f"clocks of {name} seen by the host", sorted(clocks), ok)


class BedB(Bed):
    """An arm64 board: clocks by device tree, with capacities, an energy model and hardware counters, no sensor."""

    letter = "B"
    title = "arm64, device tree, cpufreq-dt"
    architecture, flavour = "arm64", "arm64"
    build = "aarch64-unknown-linux-gnu/bed"
    libraries = [Path("/usr/aarch64-linux-gnu/lib")]
    emulator = "qemu-system-aarch64"
    console = "ttyAMA0"
    arguments = ""
    modules = ["cpufreq-dt"]
    counters = True
    # Time follows its instructions, 8 ns each, which can be counted then.
    time = "shift=3"

    def machine(self):
        return [
            "-M", "virt", "-cpu", "cortex-a57", "-dtb", self._device_tree("bed_b.dts"),
            "-icount", self.time, *self._monitor.arguments(),
        ]


class BedBInLeaps(BedB):
    """The arm64 board again, whose time jumps where it idles: what is measured in it does not depend on what else the
    host does, and takes no longer than it computes."""

    letter = "B'"
    title = "arm64 as before, its time in leaps"
    time = "shift=3,sleep=off"
    examines_daemon = False
    compares_governors = True

    def pulse(self):
        # QEMU 7.2 now and then misses to jump, and then waits until anything happens.
        self._monitor.ask("query-status")


class BedC(Bed):
    """An armv7 board: clocks by device tree, a thermal zone with a sensor on I2C whose temperature is ours."""

    letter = "C"
    title = "armv7, device tree, cpufreq-dt, step_wise cooling"
    architecture, flavour = "armhf", "armmp"
    build = "armv7-unknown-linux-gnueabihf/bed"
    libraries = [Path("/usr/arm-linux-gnueabihf/lib")]
    emulator = "qemu-system-arm"
    console = "ttyAMA0"
    arguments = ""
    modules = ["cpufreq-dt", "i2c-versatile", "lm75"]
    zones = 1
    can_heat = True

    def machine(self):
        return [
            "-M", "vexpress-a15", "-dtb", self._device_tree("bed_c.dts"),
            "-device", "tmp105,id=thermometer,address=0x48", *self._monitor.arguments(),
        ]

    def heat(self, celsius):
        self._monitor.ask(
            "qom-set", path="/machine/peripheral/thermometer", property="temperature", value=celsius * 1000
        )
