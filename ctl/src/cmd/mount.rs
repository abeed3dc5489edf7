//! `dynctl board mount`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use dynd_files::{board_names, find_board};
use dynd_sim::{Ending, MountError, Mounted, Tree};
use dynd_vocab::Blueprint;
use dynd_vocab::blueprint::{CoolingRange, KernelEra, ZoneTrip};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::interval;

use crate::failure::Failure;
use crate::output::print;

/// How often a board that nobody looks at is brought up to date, so that whoever looks need not wait.
const TICK: Duration = Duration::from_millis(250);

/// Mount a virtual board: a directory becomes its sys/ and proc/, alive and in real time. Needs root and FUSE, and no
/// daemon.
///
/// Every tool that reads sysfs can read it, and writes are taken as the kernel of that board takes them. Nothing
/// runs on the board; its load is what it does by itself.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mkdir /tmp/nano && dynctl board mount jetson-nano /tmp/nano
  dynctl board --root /tmp/nano                     in another shell
  dynctl board mount ./my-board.toml /mnt --kernel qos

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
        let mut board = find(&self.name)?;
        if let Some(era) = self.kernel {
            board.kernel.era = era.into();
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
        // Another boot each time, so that no journal of an earlier one counts.
        let tree = Tree::new(&board, dynd_client::now().as_nanos());
        let mounted =
            Mounted::mount(tree, &self.directory).map_err(|error| refused(error, &self.directory))?;
        let said = print(
            &Usage {
                board: &board,
                directory: &self.directory,
            }
            .to_string(),
        );
        let mut tick = interval(TICK);
        while said.is_ok() && !mounted.is_over() {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = hangup.recv() => break,
                _ = tick.tick() => mounted.with(|_| ()),
            }
        }
        let ending = mounted.unmount().context("failed to take the board away")?;
        said?;
        if ending == Ending::HeldOpen {
            eprintln!("dynctl: some program still has files of the board open; they answer no more");
        }
        Ok(())
    }
}

/// The board called `name`, or in the file there.
pub(super) fn find(name: &str) -> Result<Blueprint, Failure> {
    let known: Vec<_> = board_names().collect();
    if !known.contains(&name) && !Path::new(name).exists() {
        let known = known.join(", ");
        return Err(Failure::BadInput(anyhow!(
            "failed to find the board '{name}': dynd knows {known}, or give the path of a board file"
        )));
    }
    find_board(name).map_err(Failure::bad_input)
}

/// Why the board is not mounted, and what to do.
fn refused(error: MountError, directory: &Path) -> Failure {
    let directory = directory.display();
    let advice = match &error {
        MountError::OpenDirectory { .. } => {
            format!("make an empty directory, or 'umount {directory}' if a board was left there")
        }
        MountError::Occupied { .. } => "choose an empty one".into(),
        MountError::OpenFuse { .. } => {
            "mounting needs root, and a kernel with FUSE ('modprobe fuse'); a container must be given the device".into()
        }
        _ => return Failure::Failed(error.into()),
    };
    let error = anyhow::Error::new(error);
    Failure::BadInput(anyhow!("{error:#}; {advice}"))
}

/// What is served and how to use it.
struct Usage<'a> {
    board: &'a Blueprint,
    directory: &'a Path,
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
