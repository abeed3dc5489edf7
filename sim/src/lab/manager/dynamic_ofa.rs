//! The run-time manager of Dynamic-OFA (Lou, Xun et al., CVPRW 2021, section 4.3 and Fig. 7).
//!
//! Every three seconds it looks at the mean latency of the last ten inferences. Above the target it goes one level down; if the next
//! higher level would still hold, as much longer as it is alone, it goes one up. The authors' trace steps from level 4 to 3
//! 2.5 s and to 2 5.5 s after the other app arrives. How many inferences it looks at is not published: ten, since with
//! all of three seconds the first step would come a look later.
//!
//! Simplified: their switch restarts the process and takes half a second; here it costs what it costs everybody. They
//! leave clocks to the board.

use std::collections::VecDeque;
use std::time::Duration;

use dynd_vocab::{Requirement, Seconds, Timestamp};

use super::{Manager, News, Orders};
use crate::lab::brief::Brief;
use crate::lab::catalogue::{Catalogue, Point};
use crate::lab::world::Run;

/// How often it looks, and when first: 2.5 s after the start of the trace the other app arrives, and at 5.0 s it steps.
const PERIOD: Duration = Duration::from_secs(3);
const FIRST: Duration = Duration::from_secs(2);

/// Inferences that it looks at.
const RECENT: usize = 10;

/// One level up or down at a time.
#[derive(Clone, Debug)]
pub struct DynamicOfaRule {
    apps: Vec<App>,
    next: Timestamp,
}

#[derive(Clone, Debug)]
struct App {
    /// The points at home at the highest clock, from the fastest on.
    levels: Vec<Point>,
    level: Option<usize>,
    requirement: Requirement,
    /// The latest latencies.
    recent: VecDeque<Seconds>,
}

impl DynamicOfaRule {
    /// One rule per app of `brief`.
    pub fn new(brief: &Brief, catalogue: &Catalogue) -> Self {
        let app = |(app, points): (&crate::lab::AppBrief, &Vec<Point>)| {
            let home = app.spots[0].widest(app.threads);
            let highest = points
                .iter()
                .filter(|each| each.place == home)
                .map(|each| each.clock)
                .max();
            let at_home = points
                .iter()
                .filter(|each| each.place == home && Some(each.clock) == highest);
            let mut levels: Vec<Point> = at_home.copied().collect();
            levels
                .retain(|each| app.table.subnetworks[each.subnetwork].quality >= app.requirement.min_quality);
            levels.sort_by(|a, b| a.latency.get().total_cmp(&b.latency.get()));
            App {
                levels,
                level: None,
                requirement: app.requirement,
                recent: VecDeque::new(),
            }
        };
        Self {
            apps: brief.apps.iter().zip(&catalogue.apps).map(app).collect(),
            next: Timestamp::default() + FIRST,
        }
    }
}

impl App {
    /// The largest that holds by its profile.
    fn first(&self) -> usize {
        let holds = |point: &Point| point.latency <= self.requirement.latency;
        self.levels.iter().rposition(holds).unwrap_or(0)
    }

    fn look(&mut self) {
        let (Some(level), false) = (self.level, self.recent.is_empty()) else {
            return;
        };
        let sum = self.recent.iter().fold(Seconds::ZERO, |sum, each| sum + *each);
        let mean = sum * (1.0 / self.recent.len() as f64);
        let target = self.requirement.latency;
        if mean > target {
            self.level = Some(level.saturating_sub(1));
        } else if let Some(higher) = self.levels.get(level + 1) {
            let slowdown = mean / self.levels[level].latency;
            if higher.latency * slowdown <= target {
                self.level = Some(level + 1);
            }
        }
    }
}

impl Manager for DynamicOfaRule {
    fn hear(&mut self, now: Timestamp, news: News<'_>) -> Orders {
        match news {
            News::Arrived(app) => self.apps[app].level = Some(self.apps[app].first()),
            News::Changed(app, requirement) => self.apps[app].requirement = requirement,
            News::Ended(app, report) => {
                let recent = &mut self.apps[app].recent;
                if recent.len() == RECENT {
                    recent.pop_front();
                }
                recent.push_back(report.latency.into());
            }
            News::Tick if now >= self.next => {
                self.apps.iter_mut().for_each(App::look);
                self.next = now + PERIOD;
            }
            _ => {}
        }
        Orders {
            wake_at: Some(self.next),
            ..Orders::default()
        }
    }

    fn choose(&mut self, _: Timestamp, app: usize, _: Timestamp) -> Run {
        let app = &self.apps[app];
        let point = app.levels[app.level.unwrap_or_else(|| app.first())];
        Run {
            subnetwork: point.subnetwork,
            place: point.place,
        }
    }
}
