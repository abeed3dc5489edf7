//! One point per app at given modes, made to fit and then to be worth more.

use alloc::vec;
use alloc::vec::Vec;

use super::menu::Menus;
use super::price::Shelf;
use super::problem::{Micro, Offers};
use super::score::{Score, Worth};

/// How often all apps are gone through in search of a better point.
const PASSES: usize = 4;

/// What each app gets at given modes.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(crate) modes: Vec<usize>,
    pub(crate) picks: Vec<Option<usize>>,
    pub(crate) score: Score,
    rooms: Vec<Micro>,
    used: Vec<Micro>,
    /// Items looked at so far.
    pub(crate) looks: usize,
}

impl Selection {
    /// How much of the processor of this index is used.
    pub(crate) fn used(&self, processor: usize) -> Micro {
        self.used[processor]
    }

    /// Nobody gets anything.
    pub(crate) fn nothing<O: Offers>(menus: &Menus<'_, O>, modes: &[usize]) -> Self {
        let rooms = menus.problem.rooms(modes);
        let mut score = Score::zero(menus.tiers.iter().max().map_or(1, |last| last + 1));
        menus
            .tiers
            .iter()
            .for_each(|tier| score.add(*tier, Worth::NOTHING));
        score.charge(menus.problem.cost(modes));
        Self {
            modes: modes.to_vec(),
            picks: vec![None; menus.tiers.len()],
            used: vec![0; rooms.len()],
            rooms,
            score,
            looks: 0,
        }
    }

    /// The same for `picks`, whether they fit or not.
    pub(crate) fn of<O: Offers>(menus: &Menus<'_, O>, modes: &[usize], picks: &[Option<usize>]) -> Self {
        let mut selection = Self::nothing(menus, modes);
        for (app, pick) in picks.iter().enumerate() {
            selection.put(menus, app, *pick);
        }
        selection
    }

    /// Its worth as one number.
    pub(crate) fn value<O: Offers>(&self, menus: &Menus<'_, O>) -> f64 {
        let apps = self.picks.iter().enumerate();
        let values = apps.map(|(app, pick)| menus.value(app, menus.worth(*pick)));
        values.sum::<f64>() - menus.cost_value(menus.problem.cost(&self.modes))
    }

    /// The part of it that is the objective's.
    pub(crate) fn objective_value<O: Offers>(&self, menus: &Menus<'_, O>) -> f64 {
        let met = |pick: &Option<usize>| Worth {
            violation: 0,
            ..menus.worth(*pick)
        };
        let apps = self.picks.iter().enumerate();
        let values = apps.map(|(app, pick)| menus.value(app, met(pick)));
        values.sum::<f64>() - menus.cost_value(menus.problem.cost(&self.modes))
    }

    /// How many apps miss their target or minimum quality.
    pub(crate) fn violating<O: Offers>(&self, menus: &Menus<'_, O>) -> usize {
        self.picks
            .iter()
            .filter(|pick| menus.worth(**pick).violation > 0)
            .count()
    }

    /// Gives `app` another point.
    pub(crate) fn put<O: Offers>(&mut self, menus: &Menus<'_, O>, app: usize, pick: Option<usize>) {
        let tier = menus.tiers[app];
        self.score.remove(tier, menus.worth(self.picks[app]));
        self.score.add(tier, menus.worth(pick));
        if let Some(old) = self.picks[app] {
            let takes = menus.takes(old);
            self.used
                .iter_mut()
                .zip(takes)
                .for_each(|(used, take)| *used -= take);
        }
        if let Some(new) = pick {
            let takes = menus.takes(new);
            self.used
                .iter_mut()
                .zip(takes)
                .for_each(|(used, take)| *used += take);
        }
        self.picks[app] = pick;
    }

    /// True if no room is exceeded.
    pub(crate) fn fits(&self) -> bool {
        self.used.iter().zip(&self.rooms).all(|(used, room)| used <= room)
    }

    /// Takes from whom it costs least, per room won back, until everything fits: of the items on
    /// the shelf, or everything. Nothing that fits ceases to.
    pub(crate) fn repair<O: Offers>(&mut self, menus: &Menus<'_, O>, shelf: &Shelf) {
        while !self.fits() {
            let mut cheapest: Option<(f64, usize, Option<usize>)> = None;
            for app in 0..self.picks.len() {
                let Some(current) = self.picks[app] else { continue };
                let have = menus.item(current).value;
                self.looks += shelf.of(app).len();
                let others = shelf.of(app).iter().copied().map(Some).chain([None]);
                for other in others {
                    let won = self.won(menus, current, other);
                    if won <= 0.0 {
                        continue;
                    }
                    let value =
                        other.map_or_else(|| menus.value(app, Worth::NOTHING), |o| menus.item(o).value);
                    let rate = (have - value) / won;
                    if cheapest.is_none_or(|(known, ..)| rate < known) {
                        cheapest = Some((rate, app, other));
                    }
                }
            }
            // To take everything from everybody fits whenever the idle board does.
            let Some((_, app, other)) = cheapest else { return };
            self.put(menus, app, other);
        }
    }

    /// Gives each app the best that fits beside the others, until nobody gains.
    pub(crate) fn improve<O: Offers>(&mut self, menus: &Menus<'_, O>) {
        for _ in 0..PASSES {
            let mut changed = false;
            for app in 0..self.picks.len() {
                let mut best = (menus.worth(self.picks[app]), self.picks[app]);
                for index in menus.of(app, &self.modes) {
                    let worth = menus.item(index).point.worth;
                    if worth > best.0 && self.fits_with(menus, app, Some(index)) {
                        best = (worth, Some(index));
                    }
                }
                if best.1 != self.picks[app] {
                    self.put(menus, app, best.1);
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// Lets pairs of apps change points together, of those in `lists`, while that gains: one takes what another
    /// leaves.
    pub(crate) fn exchange<O: Offers>(&mut self, menus: &Menus<'_, O>, lists: &[Vec<Option<usize>>]) {
        for taker in 0..lists.len() {
            for wish in &lists[taker] {
                if menus.worth(*wish) <= menus.worth(self.picks[taker]) {
                    continue;
                }
                let (before, had) = (self.score.clone(), self.picks[taker]);
                self.put(menus, taker, *wish);
                if self.fits() || self.someone_gives(menus, lists, taker, &before) {
                    continue;
                }
                self.put(menus, taker, had);
            }
        }
    }

    /// Finds an app other than `taker` whose change makes all fit and leaves more than `before`, and changes it.
    fn someone_gives<O: Offers>(
        &mut self,
        menus: &Menus<'_, O>,
        lists: &[Vec<Option<usize>>],
        taker: usize,
        before: &Score,
    ) -> bool {
        for giver in (0..lists.len()).filter(|giver| *giver != taker) {
            let had = self.picks[giver];
            self.looks += lists[giver].len();
            for less in &lists[giver] {
                if !self.fits_with(menus, giver, *less) {
                    continue;
                }
                self.put(menus, giver, *less);
                if self.score > *before {
                    return true;
                }
                self.put(menus, giver, had);
            }
        }
        false
    }

    /// True if everything fits once `app` has this item, or nothing, in place of its own.
    fn fits_with<O: Offers>(&self, menus: &Menus<'_, O>, app: usize, pick: Option<usize>) -> bool {
        let takes = |pick: Option<usize>| pick.map(|index| menus.takes(index));
        let (less, more) = (takes(self.picks[app]), takes(pick));
        let amount = |takes: Option<&[Micro]>, resource: usize| takes.map_or(0, |takes| takes[resource]);
        let mut all = self.used.iter().zip(&self.rooms).enumerate();
        all.all(|(at, (used, room))| used - amount(less, at) + amount(more, at) <= *room)
    }

    /// The share of exceeded rooms that is won back if an app exchanges one item for another (or nothing); 0 if
    /// another room would be exceeded.
    fn won<O: Offers>(&self, menus: &Menus<'_, O>, current: usize, other: Option<usize>) -> f64 {
        let (current, other) = (menus.takes(current), other.map(|other| menus.takes(other)));
        let mut won = 0.0;
        for (resource, (used, room)) in self.used.iter().zip(&self.rooms).enumerate() {
            let less = current[resource] - other.map_or(0, |other| other[resource]);
            let over = used - room;
            if over > 0 {
                if less < 0 {
                    return 0.0;
                }
                won += less.min(over) as f64 / (*room).max(1) as f64;
            } else if over - less > 0 {
                return 0.0;
            }
        }
        won
    }
}
