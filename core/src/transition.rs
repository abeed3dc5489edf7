//! In which order a new plan comes into force.
//!
//! Steps, each as soon as what it waits for has come:
//! 1. *Raise*: every clock is asked for the higher of what is in force and what is planned.
//! 2. *Widen*: an app that comes to CPUs which another leaves waits until that one has acknowledged that it left; if
//!    the kernel confines it, what it is allowed grows by those CPUs.
//! 3. *Tell*: it is told when the board has applied that, and the clock of the processor to which it moves.
//! 4. *Narrow*: when it acknowledges, it is allowed the CPUs that it runs on, and no others.
//! 5. *Lower*: a clock goes down when no app on its processor has anything to be told or to acknowledge.
//!
//! No answer of the board is waited for longer than [`PATIENCE`], and none of an app for longer than its inferences give
//! reason to: an app that does not acknowledge by then is taken to have moved where it was told last, and a board that
//! does not answer to have obeyed. Apps that wait for nothing but each other's CPUs (two that change
//! places) cannot all be served without an overlap: the first of them is told at once, the others then follow in
//! order.
//!
//! ```text
//!            raise              told              acknowledged
//!  clock   ────┐▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔┌────  lower (of the processor it left)
//!  CPUs     old │ old and new ───────────────────────── │ new
//! ```

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use dynd_vocab::{AppId, Assignment, ClockBounds, Confinement, CpuSet, Generation, Pid, Setting, Timestamp};

/// How long the board is waited for, and the least that an app is.
pub(crate) const PATIENCE: Duration = Duration::from_millis(250);

/// Where an app runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    /// Index of the processor; none if the app can be given nothing.
    pub(crate) processor: Option<usize>,
    /// The CPUs.
    pub(crate) cpus: CpuSet,
}

impl Seat {
    /// Of an app that can be given nothing.
    pub(crate) const NOWHERE: Self = Self {
        processor: None,
        cpus: CpuSet::EMPTY,
    };
}

/// What the kernel knows an app by that it is to confine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Confinee {
    pub(crate) pid: Pid,
    pub(crate) unit: Option<String>,
}

/// What can come into force now.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    /// The assignments to publish.
    pub(crate) assignments: Vec<(AppId, Assignment)>,
    /// What to ask of the board, if that is new.
    pub(crate) setting: Option<Setting>,
    /// When to look again if nothing else happens.
    pub(crate) wake_at: Option<Timestamp>,
}

/// The way from what is in force to what is planned.
#[derive(Debug, Default)]
pub(crate) struct Transition {
    movers: BTreeMap<AppId, Mover>,
    /// What is planned, but for the confined apps.
    aim: Setting,
    /// Per processor, how often an operator has released its clock.
    released: Vec<u32>,
    /// What the board was asked last.
    asked: Setting,
    /// What the board has answered last.
    applied: Setting,
}

/// One app on its way.
#[derive(Debug, Default)]
struct Mover {
    /// Where it runs, as it acknowledged or is taken to; nowhere before its first assignment.
    sits: Option<Seat>,
    /// What it was told and has not acknowledged, oldest first.
    told: Vec<Told>,
    next: Option<Next>,
    confinee: Option<Confinee>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    generation: Generation,
    seat: Seat,
    /// How long the acknowledgement is waited for.
    until: Timestamp,
}

/// What it is to be told.
#[derive(Debug)]
struct Next {
    assignment: Assignment,
    seat: Seat,
    /// How long its acknowledgement is to be waited for.
    patience: Duration,
    /// Since when it waits for the board alone.
    clear_since: Option<Timestamp>,
}

impl Mover {
    /// Every CPU that it may run on at present.
    fn occupies(&self) -> CpuSet {
        let told = self.told.iter().map(|told| told.seat);
        let seats = self.sits.into_iter().chain(told);
        seats.fold(CpuSet::EMPTY, |all, seat| all.union(seat.cpus))
    }

    /// The CPUs that it will have left when all is done.
    fn leaves(&self) -> CpuSet {
        let last = self.told.last().map(|told| told.seat).or(self.sits);
        let stays = self.next.as_ref().map(|next| next.seat).or(last);
        self.occupies()
            .difference(stays.map_or(CpuSet::EMPTY, |seat| seat.cpus))
    }

    /// The CPUs that it comes to with its next assignment.
    fn comes_to(&self) -> CpuSet {
        let next = self.next.as_ref().map_or(CpuSet::EMPTY, |next| next.seat.cpus);
        next.difference(self.occupies())
    }

    /// True if it may run on this processor at present, and is to be told or to acknowledge something.
    fn moves_on(&self, processor: usize) -> bool {
        let told = self.told.iter().map(|told| told.seat);
        let is_there = |seat: Seat| seat.processor == Some(processor);
        (self.next.is_some() || !self.told.is_empty()) && self.sits.into_iter().chain(told).any(is_there)
    }

    fn told_until(&self) -> Option<Timestamp> {
        self.told.first().map(|told| told.until)
    }

    /// Whoever kept silent for so long is taken to have moved.
    fn presume(&mut self, now: Timestamp) {
        if self.told_until().is_some_and(|until| until <= now) {
            self.sits = self.told.last().map(|told| told.seat);
            self.told.clear();
        }
    }
}

impl Transition {
    /// An app arrived; `sits` is where it still runs by the word of an earlier daemon.
    pub(crate) fn arrived(&mut self, app: AppId, sits: Option<Seat>) {
        let mover = Mover {
            sits,
            ..Mover::default()
        };
        self.movers.insert(app, mover);
    }

    /// An app is gone: what it had is free.
    pub(crate) fn left(&mut self, app: AppId) {
        self.movers.remove(&app);
    }

    /// From now on an app is confined as this, or no more.
    pub(crate) fn confine(&mut self, app: AppId, confinee: Option<Confinee>) {
        if let Some(mover) = self.movers.get_mut(&app) {
            mover.confinee = confinee;
        }
    }

    /// A new plan for the board; what it says of apps and releases is not looked at.
    pub(crate) fn aim(&mut self, setting: Setting) {
        self.aim = setting;
    }

    /// An operator releases the contested clock of a processor.
    pub(crate) fn release(&mut self, processor: usize) {
        let count = self.released.len().max(processor + 1);
        self.released.resize(count, 0);
        self.released[processor] += 1;
    }

    /// A new plan for an app, whose acknowledgement is waited for as long as `patience`.
    pub(crate) fn assign(&mut self, app: AppId, assignment: Assignment, seat: Seat, patience: Duration) {
        if let Some(mover) = self.movers.get_mut(&app) {
            // Plans that follow each other do not begin the wait for the board anew.
            let clear_since = mover.next.take().and_then(|next| next.clear_since);
            mover.next = Some(Next {
                assignment,
                seat,
                patience: patience.max(PATIENCE),
                clear_since,
            });
        }
    }

    /// An app runs what it was told in this generation, and nothing that it was told before.
    pub(crate) fn acked(&mut self, app: AppId, generation: Generation) {
        let Some(mover) = self.movers.get_mut(&app) else {
            return;
        };
        let mut told = mover.told.iter();
        if let Some(index) = told.position(|told| told.generation == generation) {
            mover.sits = Some(mover.told[index].seat);
            mover.told.drain(..=index);
        }
    }

    /// The board has applied a setting, as far as it could.
    pub(crate) fn applied(&mut self, setting: Setting) {
        self.applied = setting;
    }

    /// What can be done by `now`.
    pub(crate) fn advance(&mut self, now: Timestamp) -> Stage {
        let mut stage = Stage::default();
        for mover in self.movers.values_mut() {
            mover.presume(now);
        }
        let clear = self.clear();
        let setting = self.setting(&clear);
        if setting != self.asked {
            self.asked = setting.clone();
            stage.setting = Some(setting);
        }
        for app in clear {
            stage.assignments.extend(self.tell(app, now));
        }
        stage.wake_at = self.wake_at(now);
        stage
    }

    /// The apps whose next CPUs nobody has still to leave; if nobody else is on the way, the first one that waits.
    fn clear(&self) -> BTreeSet<AppId> {
        let waiting = || self.movers.iter().filter(|(_, mover)| mover.next.is_some());
        let is_clear = |app: AppId, mover: &Mover| {
            let mut others = self.movers.iter().filter(|(other, _)| **other != app);
            others.all(|(_, other)| other.leaves().intersection(mover.comes_to()).is_empty())
        };
        let clear = waiting().filter(|(app, mover)| is_clear(**app, mover));
        let mut clear: BTreeSet<AppId> = clear.map(|(app, _)| *app).collect();
        if clear.is_empty() && self.movers.values().all(|mover| mover.told.is_empty()) {
            clear.extend(waiting().map(|(app, _)| *app).next());
        }
        clear
    }

    /// What may be asked of the board, with apps that are `clear` about to be told.
    fn setting(&self, clear: &BTreeSet<AppId>) -> Setting {
        let count = self.aim.clocks.len().max(self.asked.clocks.len());
        let mut clocks: Vec<ClockBounds> = (0..count).map(|processor| self.clock(processor)).collect();
        if clocks.iter().all(|bounds| bounds.is_none()) {
            clocks.clear();
        }
        let confined = self.movers.iter().filter_map(|(app, mover)| {
            let Confinee { pid, unit } = mover.confinee.clone()?;
            // Before it sits anywhere it may run everywhere.
            mover.sits?;
            let next = mover.next.as_ref().filter(|_| clear.contains(app));
            let cpus = mover
                .occupies()
                .union(next.map_or(CpuSet::EMPTY, |next| next.seat.cpus));
            (!cpus.is_empty()).then_some(Confinement {
                app: *app,
                pid,
                unit,
                cpus,
            })
        });
        Setting {
            clocks,
            released: self.released.clone(),
            apps: confined.collect(),
            restore: self.aim.restore,
        }
    }

    /// The bounds that a clock may have by now.
    fn clock(&self, processor: usize) -> ClockBounds {
        let goal = self.aim.of(processor);
        if self.movers.values().any(|mover| mover.moves_on(processor)) {
            higher(self.asked.of(processor), goal)
        } else {
            goal
        }
    }

    /// Tells an app what is next for it, once the board is ready or has been given its time.
    fn tell(&mut self, app: AppId, now: Timestamp) -> Option<(AppId, Assignment)> {
        let mover = self.movers.get(&app)?;
        let next = mover.next.as_ref()?;
        let is_ready = self.is_allowed(app) && self.is_raised(mover, next);
        let mover = self.movers.get_mut(&app)?;
        let next = mover.next.as_mut()?;
        let since = *next.clear_since.get_or_insert(now);
        if !is_ready && now < since + PATIENCE {
            return None;
        }
        let Next {
            assignment,
            seat,
            patience,
            ..
        } = mover.next.take()?;
        mover.told.push(Told {
            generation: assignment.generation,
            seat,
            until: now + patience,
        });
        Some((app, assignment))
    }

    /// True if the board has widened what an app is allowed as far as it was asked to, or never narrowed it.
    fn is_allowed(&self, app: AppId) -> bool {
        let allows = |setting: &Setting| setting.apps.iter().find(|one| one.app == app).cloned();
        allows(&self.asked) == allows(&self.applied)
    }

    /// True if an app does not come to another processor, or to one whose clock is as high as planned.
    fn is_raised(&self, mover: &Mover, next: &Next) -> bool {
        let stays = mover
            .sits
            .is_some_and(|seat| seat.processor == next.seat.processor);
        stays
            || next.seat.processor.is_none_or(|processor| {
                let now = self.applied.of(processor);
                higher(now, self.aim.of(processor)) == now
            })
    }

    fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        let acks = self.movers.values().filter_map(Mover::told_until);
        let boards = self
            .movers
            .values()
            .filter_map(|mover| mover.next.as_ref()?.clear_since);
        acks.chain(boards.map(|since| since + PATIENCE))
            .filter(|at| *at > now)
            .min()
    }
}

/// The higher of both bounds at either end; an absent one is the end of the range.
fn higher(one: ClockBounds, other: ClockBounds) -> ClockBounds {
    ClockBounds {
        min: one.min.max(other.min),
        max: one.max.zip(other.max).map(|(one, other)| one.max(other)),
    }
}

#[cfg(test)]
mod tests;
