//! The greedy heuristic for the multiple-choice multi-dimensional knapsack that run-time managers of embedded systems use
//! (Ykman-Couvreur, Nollet, Catthoor, Corporaal, "Fast Multi-Dimension Multi-Choice Knapsack Heuristic for MP-SoC
//! Run-Time Management", SoC 2006; improved for heterogeneous cores by many).
//!
//! 1. The configurations of each app that hold its target, as slow as it was of late, are sorted by the share of the
//!    platform that they take: cores, and the part of the time that an accelerator is busy.
//! 2. Every app starts with the one that takes least.
//! 3. The one upgrade of most value per further share is taken, as long as there is one that fits.
//!
//! It decides at every arrival and departure and once a second. The slowdown of an app is the mean of its latencies over
//! the profiled ones, forgotten with weight 0.1; a configuration holds if it does so with a tenth to spare.
//!
//! Simplified: the value of a configuration is the quality, or the power it saves, as everywhere here; its clock is the
//! lowest that holds where energy counts and the highest else; several apps on one processor get the highest clock of theirs.

use std::time::Duration;

use dynd_plant::Place;
use dynd_vocab::{CpuSet, Objective, Requirement, Seconds, Timestamp};

use super::votes::Votes;
use super::{Manager, News, Orders};
use crate::lab::brief::Brief;
use crate::lab::catalogue::{Catalogue, Point};
use crate::lab::world::Run;

const EVERY: Duration = Duration::from_secs(1);
const FORGETS: f64 = 0.1;
const SPARE: f64 = 0.9;

/// One knapsack for all apps.
#[derive(Clone, Debug)]
pub struct GreedyMmkp {
    brief: Brief,
    apps: Vec<App>,
    votes: Votes,
    next: Timestamp,
}

#[derive(Clone, Debug)]
struct App {
    points: Vec<Point>,
    requirement: Requirement,
    is_present: bool,
    slowdown: f64,
    /// What it runs, and on which CPUs.
    present: Option<(Point, Place)>,
}

/// What of the platform a configuration takes: cores of a cluster, or a share of an accelerator's time.
#[derive(Clone, Copy, Debug)]
struct Item {
    point: Point,
    takes: f64,
    value: f64,
}

impl GreedyMmkp {
    /// A manager of the apps of `brief`.
    pub fn new(brief: &Brief, catalogue: &Catalogue) -> Self {
        let app = |(app, points): (&crate::lab::AppBrief, &Vec<Point>)| App {
            points: points.clone(),
            requirement: app.requirement,
            is_present: false,
            slowdown: 1.0,
            present: None,
        };
        Self {
            apps: brief.apps.iter().zip(&catalogue.apps).map(app).collect(),
            votes: Votes::new(brief.apps.len(), &brief.board),
            next: Timestamp::default() + EVERY,
            brief: brief.clone(),
        }
    }

    fn decide(&mut self) {
        let present: Vec<usize> = (0..self.apps.len())
            .filter(|&app| self.apps[app].is_present)
            .collect();
        let items: Vec<Vec<Item>> = present.iter().map(|&app| self.items(app)).collect();
        let mut left: Vec<f64> = self
            .brief
            .board
            .processors
            .iter()
            .map(|processor| f64::from(processor.cpus.len().max(1)))
            .collect();
        let whole = left.clone();
        let mut chosen: Vec<usize> = vec![0; items.len()];
        for list in &items {
            left[list[0].point.processor] -= list[0].takes;
        }
        while let Some((app, item)) = upgrade(&items, &chosen, &left, &whole) {
            let (old, new) = (items[app][chosen[app]], items[app][item]);
            left[old.point.processor] += old.takes;
            left[new.point.processor] -= new.takes;
            chosen[app] = item;
        }
        let mut taken = CpuSet::EMPTY;
        for ((&app, list), &item) in present.iter().zip(&items).zip(&chosen) {
            let point = list[item].point;
            let place = match point.place {
                Place::Cpus(cpus) => {
                    let all = self.brief.board.processors[point.processor].cpus;
                    let free = all.difference(taken).iter().chain(all.iter());
                    let dealt = free.take(cpus.len() as usize).collect::<CpuSet>();
                    taken = taken.union(dealt);
                    Place::Cpus(dealt)
                }
                place @ Place::Accelerator(_) => place,
            };
            self.apps[app].present = Some((point, place));
        }
    }

    /// The configurations of `app` that hold, from the one that takes least on; the fastest alone if none does.
    fn items(&self, app: usize) -> Vec<Item> {
        let brief = &self.brief.apps[app];
        let App {
            points,
            requirement,
            slowdown,
            ..
        } = &self.apps[app];
        let period = requirement.period.unwrap_or(requirement.latency);
        let quality = |point: &Point| brief.table.subnetworks[point.subnetwork].quality;
        let good = |point: &&Point| quality(point) >= requirement.min_quality;
        let holds = |point: &&Point| point.latency * *slowdown <= requirement.latency * SPARE;
        let item = |point: &Point| {
            let busy = (point.latency / period).min(1.0);
            Item {
                point: *point,
                takes: match point.place {
                    Place::Cpus(cpus) => f64::from(cpus.len()),
                    Place::Accelerator(_) => busy,
                },
                value: match self.brief.objective {
                    Objective::MaxQuality | Objective::MaxTimelyQuality => {
                        quality(point).get() - 1e-6 * point.latency.get()
                    }
                    Objective::MinEnergy => -point.power(period),
                    Objective::MinLatency => -point.latency.get(),
                },
            }
        };
        let mut items: Vec<Item> = points.iter().filter(good).filter(holds).map(item).collect();
        if items.is_empty() {
            let fastest = points
                .iter()
                .min_by(|a, b| a.latency.get().total_cmp(&b.latency.get()));
            items.extend(fastest.map(item));
        }
        items.sort_by(|a, b| a.takes.total_cmp(&b.takes).then(b.value.total_cmp(&a.value)));
        items
    }
}

/// Which app should take which other item: the one of most value per further share of the platform.
fn upgrade(items: &[Vec<Item>], chosen: &[usize], left: &[f64], whole: &[f64]) -> Option<(usize, usize)> {
    let mut best: Option<(f64, (usize, usize))> = None;
    for (app, list) in items.iter().enumerate() {
        let old = list[chosen[app]];
        for (index, new) in list.iter().enumerate() {
            let gain = new.value - old.value;
            let back = if new.point.processor == old.point.processor {
                old.takes
            } else {
                0.0
            };
            let room = left[new.point.processor] + back;
            if gain <= 0.0 || new.takes > room + 1e-9 {
                continue;
            }
            let share = |item: &Item| item.takes / whole[item.point.processor];
            let further = (share(new) - share(&old)).max(1e-3);
            if best.is_none_or(|(most, _)| gain / further > most) {
                best = Some((gain / further, (app, index)));
            }
        }
    }
    best.map(|(_, change)| change)
}

impl Manager for GreedyMmkp {
    fn hear(&mut self, now: Timestamp, news: News<'_>) -> Orders {
        match news {
            News::Arrived(app) => {
                self.apps[app].is_present = true;
                self.decide();
            }
            News::Left(app) => {
                self.apps[app].is_present = false;
                self.apps[app].present = None;
                self.decide();
            }
            News::Changed(app, requirement) => {
                self.apps[app].requirement = requirement;
                self.decide();
            }
            News::Ended(app, report) => {
                let app = &mut self.apps[app];
                if let Some((point, _)) = app.present {
                    let measured = Seconds::from(report.service) / point.latency;
                    app.slowdown += FORGETS * (measured - app.slowdown);
                }
            }
            News::Tick if now >= self.next => {
                self.next = now + EVERY;
                self.decide();
            }
            _ => {}
        }
        for (index, app) in self.apps.iter().enumerate() {
            let clock = app.present.map(|(point, _)| (point.processor, point.clock));
            self.votes.want(index, clock);
        }
        Orders {
            setting: self.votes.setting(),
            wake_at: Some(self.next),
            ..Orders::default()
        }
    }

    fn choose(&mut self, _: Timestamp, app: usize, _: Timestamp) -> Run {
        let brief = &self.brief.apps[app];
        match self.apps[app].present {
            Some((point, place)) => Run {
                subnetwork: point.subnetwork,
                place,
            },
            None => Run {
                subnetwork: 0,
                place: brief.spots[0].widest(brief.threads),
            },
        }
    }
}
