//! The governors of a kernel and those of the plant, under the same load.
//!
//! ```text
//! open_loop run POLICY < PATTERN         on a real kernel: does what PATTERN says, prints what was done and where the
//!                                        clock of the cpufreq directory POLICY was meanwhile
//! open_loop replay BOARD GOVERNOR CPU < RECORD   on the board file BOARD: does what was done, prints where the clock was
//! ```
//!
//! A pattern has a line `BUSY IDLE` per phase, in microseconds. A record has a line `busy START END` per busy time, a line
//! `end TIME`, in microseconds from the start, and a line `KHZ SHARE` per clock. The load is open-loop: how long it is busy
//! does not depend on the clock, as on an emulated CPU. In the plant it is all stalls.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use dynd_plant::{Place, Plant, Work};
use dynd_vocab::{CpuSet, Pid, Seconds};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How often the clock of the plant is looked at.
const LOOK: Duration = Duration::from_micros(250);

/// Time in microseconds.
type Micros = u64;

/// What was done.
struct Record {
    busy: Vec<(Micros, Micros)>,
    end: Micros,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    let (record, shares) = match arguments[..] {
        ["run", policy] => run(Path::new(policy), &input)?,
        ["replay", board, governor, cpu] => {
            let record = parse(&input)?;
            let shares = replay(&record, Path::new(board), governor, cpu.parse()?)?;
            (record, shares)
        }
        _ => return Err("run POLICY, or replay BOARD GOVERNOR CPU".into()),
    };
    print(&record, &shares)
}

/// Does what `pattern` says, and sees where the clock of `policy` is meanwhile.
fn run(policy: &Path, pattern: &str) -> Outcome<(Record, BTreeMap<u64, f64>)> {
    let mut phases = Vec::new();
    for line in pattern.lines() {
        let numbers: Vec<u64> = line
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let [busy, idle] = numbers[..] else {
            return Err(format!("'{line}' is no phase").into());
        };
        phases.push((Duration::from_micros(busy), Duration::from_micros(idle)));
    }
    let mut done = Vec::new();
    let before = time_in_state(policy)?;
    let start = Instant::now();
    let mut due = Duration::ZERO;
    for (busy, idle) in phases {
        let from = start.elapsed();
        while start.elapsed() < from + busy {}
        let to = start.elapsed();
        // Its CPU is busy as soon as the timer wakes it, which an emulated one takes a while for.
        done.push((micros(due), micros(to)));
        due = to + idle;
        thread::sleep(idle);
    }
    let end = micros(start.elapsed());
    let after = time_in_state(policy)?;
    let spent: BTreeMap<u64, u64> = after
        .into_iter()
        .map(|(khz, ticks)| (khz, ticks - before[&khz]))
        .collect();
    let total: u64 = spent.values().sum();
    let shares = spent
        .into_iter()
        .map(|(khz, ticks)| (khz, ticks as f64 / total as f64))
        .collect();
    Ok((Record { busy: done, end }, shares))
}

/// Ticks by clock in kHz.
fn time_in_state(policy: &Path) -> Outcome<BTreeMap<u64, u64>> {
    let text = fs::read_to_string(policy.join("stats/time_in_state"))?;
    let line = |line: &str| {
        let (khz, ticks) = line.split_once(' ').ok_or("time_in_state has another format")?;
        Ok((khz.parse()?, ticks.parse()?))
    };
    text.lines().map(line).collect()
}

/// Does what was done on CPU `cpu` of the board in the file `board`, under `governor`, and sees where its clock is.
fn replay(record: &Record, board: &Path, governor: &str, cpu: u32) -> Outcome<BTreeMap<u64, f64>> {
    let blueprint = dynd_files::load_board(board).map_err(|error| format!("{error:?}"))?;
    let processor = blueprint
        .clusters
        .iter()
        .position(|cluster| cluster.cpus.contains(cpu))
        .ok_or("the board has no such CPU")?;
    let mut plant = Plant::new(&blueprint, 1);
    plant.govern(processor, "powersave")?;
    plant.govern(processor, governor)?;
    let mut spent = BTreeMap::new();
    let opps = &blueprint.clusters[processor].silicon.opps;
    spent.extend(opps.iter().map(|opp| (opp.clock.as_khz(), Duration::ZERO)));
    let mut now = Duration::ZERO;
    let mut pass = |plant: &mut Plant, until: Duration| {
        while now < until {
            let step = LOOK.min(until - now);
            *spent.entry(plant.clock(processor).as_khz()).or_default() += step;
            plant.step(step);
            now += step;
        }
    };
    for &(start, end) in &record.busy {
        pass(&mut plant, Duration::from_micros(start));
        let stall = Seconds::from(Duration::from_micros(end - start));
        plant.submit(Pid(1), Work::new(stall, 0.0), Place::Cpus(CpuSet::single(cpu)))?;
    }
    let end = Duration::from_micros(record.end);
    pass(&mut plant, end);
    Ok(spent
        .into_iter()
        .map(|(khz, time)| (khz, time.as_secs_f64() / end.as_secs_f64()))
        .collect())
}

fn parse(text: &str) -> Outcome<Record> {
    let mut record = Record {
        busy: Vec::new(),
        end: 0,
    };
    for line in text.lines() {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["busy", start, end] => record.busy.push((start.parse()?, end.parse()?)),
            ["end", end] => record.end = end.parse()?,
            _ => {}
        }
    }
    Ok(record)
}

fn print(record: &Record, shares: &BTreeMap<u64, f64>) -> Outcome<()> {
    let mut text = String::new();
    for (start, end) in &record.busy {
        text += &format!("busy {start} {end}\n");
    }
    text += &format!("end {}\n", record.end);
    for (khz, share) in shares {
        text += &format!("{khz} {share:.4}\n");
    }
    Ok(io::stdout().write_all(text.as_bytes())?)
}

fn micros(time: Duration) -> Micros {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
