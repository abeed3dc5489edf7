//! A machine made of files, and a daemon on it.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use dynd_proto::v1::{ClockState, ClockStatus};

use crate::app::status_when;
use crate::running::{Home, Running};

/// A machine of two clusters made of files, and a daemon's home on it.
pub(crate) struct Machine {
    pub(crate) home: Home,
}

impl Machine {
    pub(crate) fn new(policy: &str) -> Self {
        let machine = Self { home: Home::new() };
        machine.put("proc/sys/kernel/random/boot_id", "a-boot");
        machine.put("sys/devices/system/cpu/online", "0-3");
        machine.cluster("policy0", "0 1", "1400000");
        machine.cluster("policy2", "2 3", "2000000");
        for (cpu, capacity) in [(0, "300"), (1, "300"), (2, "1024"), (3, "1024")] {
            machine.put(&format!("sys/devices/system/cpu/cpu{cpu}/cpu_capacity"), capacity);
        }
        machine.policy(policy);
        machine
    }

    /// CPUs that share a clock of 200 MHz to `max`.
    pub(crate) fn cluster(&self, policy: &str, cpus: &str, max: &str) {
        let attribute = |name: &str, text: &str| {
            self.put(&format!("sys/devices/system/cpu/cpufreq/{policy}/{name}"), text);
        };
        attribute("related_cpus", cpus);
        attribute("cpuinfo_min_freq", "200000");
        attribute("cpuinfo_max_freq", max);
        attribute("scaling_min_freq", "200000");
        attribute("scaling_max_freq", max);
        attribute("scaling_available_frequencies", "200000 600000 1000000 1400000");
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.home.path().join("root")
    }

    pub(crate) fn run_dir(&self) -> PathBuf {
        self.home.path().join("run")
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    }

    pub(crate) fn policy(&self, text: &str) {
        fs::write(self.home.path().join("policy.toml"), text).unwrap();
    }

    pub(crate) fn flags(&self) -> [String; 4] {
        [
            "--root".into(),
            self.root().display().to_string(),
            "--run-dir".into(),
            self.run_dir().display().to_string(),
        ]
    }

    pub(crate) fn start(&self) -> Running {
        let flags = self.flags();
        self.home
            .start(&flags.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// What `dynd --restore` says.
    pub(crate) fn restore(&self) -> Output {
        self.home
            .command()
            .args(self.flags())
            .arg("--restore")
            .output()
            .unwrap()
    }

    pub(crate) fn bounds_of(&self, policy: &str) -> [u64; 2] {
        let dir = self.root().join("sys/devices/system/cpu/cpufreq").join(policy);
        ["scaling_min_freq", "scaling_max_freq"].map(|name| {
            let text = fs::read_to_string(dir.join(name)).unwrap();
            text.trim().parse().unwrap()
        })
    }

    /// The bounds of the big cluster.
    pub(crate) fn bounds(&self) -> [u64; 2] {
        self.bounds_of("policy2")
    }

    /// The clock of the big cluster once it is in `state`.
    pub(crate) async fn clock_when(&self, state: ClockState) -> ClockStatus {
        let clock = |status: &dynd_proto::v1::Status| {
            let processors = &status.board.as_ref().unwrap().processors;
            let big = processors.iter().find(|processor| processor.name == "big");
            big.unwrap().clocks.clone()
        };
        let is = |status: &dynd_proto::v1::Status| clock(status).is_some_and(|clock| clock.state() == state);
        clock(&status_when(&self.home.socket(), is).await).unwrap()
    }
}
