//! Plays the script, once per way.

use std::time::Duration;

use anyhow::bail;

use super::cast::Cast;
use super::frames::Frame;
use super::progress::Progress;
use super::scene::Scene;
use super::script::Script;
use super::stage::Stage;
use super::way::Way;

/// Time from the start of the apps to their first frame, at first.
const LEAD: Duration = Duration::from_secs(2);

/// Apps that take longer than this to load are not waited for.
const LONGEST_LEAD: Duration = Duration::from_secs(60);

/// Plays the script, as often as asked to.
pub(crate) struct Player<'a> {
    /// With what.
    pub(crate) stage: &'a Stage,
    /// What.
    pub(crate) script: &'a Script,
    /// Whom to tell.
    pub(crate) progress: &'a Progress,
    /// Time from the start of the apps to their first frame: doubled when it proves too short.
    lead: Duration,
    /// How often the script was begun.
    begun: u32,
}

impl<'a> Player<'a> {
    /// A player of `script` on `stage` that tells `progress` how far it is.
    pub(crate) const fn new(stage: &'a Stage, script: &'a Script, progress: &'a Progress) -> Self {
        Self {
            stage,
            script,
            progress,
            lead: LEAD,
            begun: 0,
        }
    }

    /// Plays the script in one way.
    ///
    /// # Errors
    /// If a process cannot be started, fails, or leaves no log that makes sense.
    pub(crate) async fn play(&mut self, way: Way) -> anyhow::Result<Cast<Vec<Frame>>> {
        self.progress.begin(&self.name(way));
        while self.lead <= LONGEST_LEAD {
            self.begun += 1;
            let directory = self.stage.directory.path().join(self.begun.to_string());
            let mut scene = Scene::open(self, way, &directory, self.lead).await?;
            if scene.ready().await? {
                scene.run().await?;
                return scene.close().await;
            }
            drop(scene);
            self.lead *= 2;
        }
        let longest = LONGEST_LEAD.as_secs();
        bail!("failed to start the apps: they take longer than {longest} s to load");
    }

    fn name(&self, way: Way) -> String {
        match way {
            Way::Managed => "managed".into(),
            Way::Fixed(pair) => {
                let names = self.stage.parts.as_ref().zip(pair);
                let names = names.map(|(part, index)| part.subnetwork(index));
                format!("fixed {} + {}", names.camera, names.reader)
            }
        }
    }
}
