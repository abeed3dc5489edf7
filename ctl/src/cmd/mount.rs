//! `dynctl board mount`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use dynd_files::find_board;
use dynd_sim::Ending;
use dynd_vocab::Blueprint;
use dynd_vocab::blueprint::{ClusterPlan, CoolingRange, KernelEra, ZoneTrip};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::interval;

use crate::failure::Failure;
use crate::output::print;
use crate::served_board::{Programs, ServedBoard, part};

/// How often a board that nobody looks at is brought up to date, so that whoever looks need not wait.
const TICK: Duration = Duration::from_millis(250);

/// Mount a virtual board: a directory becomes its sys/ and proc/, alive and in real time. Needs root and FUSE, and no
/// daemon.
///
/// Every tool that reads sysfs can read it, and writes are taken as the kernel of that board takes them. Nothing
/// runs on the board, unless it is live.
///
/// With --live, CPUs of this machine play the board's, slowed to its clocks, and the programs that are put into its
/// cgroup run on them: their load makes the board's power and heat. Each cluster gets one CPU of this machine before any
/// gets two; those that get none are not on the board, and neither are further CPUs.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mkdir /tmp/nano && dynctl board mount jetson-nano /tmp/nano
  dynctl board --root /tmp/nano                     in another shell
  dynctl board mount ./my-board.toml /mnt --kernel qos
  dynctl board mount odroid-xu3 /mnt --live         two CPUs: a little and a big one

It ends with Ctrl-C, SIGTERM or umount.

Exit codes: 0 ended, 1 failed, 2 no such board, no empty directory, or no right to mount")]
pub(super) struct Mount {
    /// Board: one that comes with dynd, or the path of a board file.
    name: String,

    /// Empty directory to mount it on.
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// How the kernel takes writes to clocks [default: as the board's own kernel does].
    #[arg(long, value_name = "ERA")]
    kernel: Option<Era>,

    /// Let programs of this machine run on it. Needs cgroups with the controller 'cpu'.
    #[arg(long)]
    live: bool,
}

/// How a kernel takes writes to clocks.
#[derive(Clone, Copy, ValueEnum)]
enum Era {
    /// Up to Linux 5.2 (devfreq: 5.5): refuses a minimum above the maximum
    Legacy,
    /// Later: takes it, and shows what is in force
    Qos,
}

impl From<Era> for KernelEra {
    fn from(era: Era) -> Self {
        match era {
            Era::Legacy => Self::Legacy,
            Era::Qos => Self::Qos,
        }
    }
}

impl Mount {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut board = find_board(&self.name).map_err(Failure::bad_input)?;
        if let Some(era) = self.kernel {
            board.kernel.era = era.into();
        }
        let programs = if self.live { Programs::Real } else { Programs::None };
        if programs == Programs::Real {
            board = part(&board)?;
        }
        // Before there is a mount that a signal could leave behind.
        let mut signals = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ]
        .map(signal)
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
        .context("failed to listen for signals")?;
        let [interrupt, terminate, hangup] = &mut signals[..] else {
            return Err(anyhow!("failed to listen for signals").into());
        };
        let served = ServedBoard::mount(&board, &self.directory, programs)?;
        let said = print(
            &Usage {
                board: &board,
                directory: &self.directory,
                group: served.group(),
            }
            .to_string(),
        );
        let mut tick = interval(TICK);
        while said.is_ok() && !served.is_over() {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = hangup.recv() => break,
                _ = tick.tick() => served.catch_up(),
            }
        }
        let ending = served.unmount()?;
        said?;
        if ending == Ending::HeldOpen {
            eprintln!("dynctl: some program still has files of the board open; they answer no more");
        }
        Ok(())
    }
}

/// The board called `name`, or in the file there.
pub(super) fn find(name: &str) -> Result<Blueprint, Failure> {
    find_board(name).map_err(Failure::bad_input)
}

/// What is served and how to use it.
struct Usage<'a> {
    board: &'a Blueprint,
    directory: &'a Path,
    group: Option<&'a Path>,
}

impl fmt::Display for Usage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (board, directory) = (self.board, self.directory.display());
        let processors: Vec<_> = board.silicon().map(|silicon| silicon.name.as_str()).collect();
        writeln!(f, "{} is mounted on {directory} and alive", board.name)?;
        writeln!(
            f,
            "  {}; {} power rails, {} thermal zones; Linux {}, clocks set as {} kernels do",
            processors.join(", "),
            board.rails.len(),
            board.zones.len(),
            board.kernel.release,
            board.kernel.era.label(),
        )?;
        writeln!(f, "\n  dynctl board --root {directory}")?;
        writeln!(f, "  dynd --root {directory}")?;
        if let Some(cluster) = board.clusters.last() {
            let policy = format!(
                "{directory}/sys/devices/system/cpu/cpufreq/policy{}",
                cluster.policy
            );
            let lowest = cluster.silicon.opps[0].clock.as_khz();
            writeln!(f, "  echo {lowest} > {policy}/scaling_max_freq")?;
        }
        if let Some((zone, trip)) = throttling(board) {
            let zone = format!("{directory}/sys/class/thermal/thermal_zone{zone}");
            // Far enough beyond it for the noise of any sensor.
            let hot = (trip.temperature.get() + 5.0) * 1e3;
            writeln!(
                f,
                "  echo {hot:.0} > {zone}/emul_temp    (heat that throttles; 0 ends it)"
            )?;
        }
        if let Some(group) = self.group {
            let cpus = |cluster: &ClusterPlan| format!("{} on CPU {}", cluster.silicon.name, cluster.cpus);
            let cpus: Vec<_> = board.clusters.iter().map(cpus).collect();
            writeln!(f, "\nlive: {}", cpus.join(", "))?;
            let list = group.join("cgroup.procs");
            writeln!(
                f,
                "  echo $$ > {}    (what this shell runs then runs on the board)",
                list.display()
            )?;
        }
        write!(f, "\nCtrl-C, SIGTERM or 'umount {directory}' ends it")
    }
}

/// The first trip that lowers a clock, and its zone.
fn throttling(board: &Blueprint) -> Option<(usize, &ZoneTrip)> {
    let lowers = |range: &CoolingRange| board.coolers[range.cooler].processor.is_some();
    let zones = board.zones.iter().enumerate();
    let mut trips = zones.flat_map(|(zone, plan)| plan.trips.iter().map(move |trip| (zone, trip)));
    trips.find(|(_, trip)| trip.cooling.iter().any(lowers))
}
