//! The laboratory: every controller in the same virtual world, seeing only what its interface would give it.
//!
//! ```text
//!  Scenario ─► Stage (works, noise, releases: the same for all) ─► World (plant, apps, loads, events) ─► Frames, Moments
//!                                                                   ▲ begin, set      │ due, ended, arrived, sample
//!                                                                   └──── play ◄──────┤
//!                                          Manager: dynd, Linux, published ones ◄─────┘   News in, Orders out
//!                                          Seer: oracle and clairvoyant, who see the world itself
//! ```
//!
//! - *frame*: one released inference. It is *missed* if it ends after its target, is dropped because a newer one waits,
//!   or is answered below the app's minimum quality.
//! - *stage*: what no controller changes, fixed by scenario and seed: frame n of an app has the same noise for all.
//! - A [`Manager`] hears [`News`] and is asked what to run before each inference. What it cannot see it is not given; a
//!   seer is another type.
//!
//! All costs are charged to all alike: time of a switch and the longer first inference after it, CPU time of a launch.

mod actor;
mod brief;
mod catalogue;
mod contender;
mod contest;
mod cost;
mod frame;
mod happening;
pub mod manager;
mod metrics;
mod noise;
mod plants;
mod play;
mod seer;
mod stage;
mod tuning;
mod variation;
mod workload;
mod world;

pub use brief::{AppBrief, Brief, Spot};
pub use catalogue::{Catalogue, Reach};
pub use contender::{Choice, Contender, Governors, Margin, UnknownContender};
pub use contest::{Contest, Entry, Outcome};
pub use cost::Cost;
pub use frame::{Frame, Moment, Trace};
pub use manager::{Manager, News, Orders};
pub use metrics::{AppMetrics, Metrics};
pub use noise::Noise;
pub use plants::{PlantResult, VARIATION, play_on_random_plant};
pub use play::{PlayError, play};
pub use seer::{Foresight, Seer};
pub use stage::Stage;
pub use variation::varied;
pub use world::{Run, World};
