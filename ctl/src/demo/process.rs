//! A process of the demo. It ends with the value that stands for it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a process may take to end when asked to.
const GRACE: Duration = Duration::from_secs(1);

/// How often to look whether a process has ended.
const LOOK: Duration = Duration::from_millis(20);

/// How many of the last lines on its standard error are shown of a process that failed.
const LAST_WORDS: usize = 8;

/// A process that ends when this value is dropped: asked first, then killed.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    stderr: PathBuf,
}

impl Process {
    /// Starts `command`, in the session of this process, so that the scheduler treats both alike. What it
    /// says on standard error goes to the file `stderr`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn start(name: &'static str, mut command: Command, stderr: &Path) -> anyhow::Result<Self> {
        let log = File::create(stderr).with_context(|| format!("failed to create {}", stderr.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("failed to execute {}", Path::new(command.get_program()).display()))?;
        Ok(Self {
            name,
            child,
            stderr: stderr.to_path_buf(),
        })
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The lines that it prints, as they come.
    pub(crate) fn lines(&mut self) -> Receiver<String> {
        let (sender, receiver) = mpsc::channel();
        if let Some(stdout) = self.child.stdout.take() {
            thread::spawn(move || {
                let lines = BufReader::new(stdout).lines().map_while(Result::ok);
                for line in lines {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        receiver
    }

    /// Waits until it ends, and writes what it printed to `file`.
    ///
    /// # Errors
    /// If it fails or takes longer than `limit`.
    pub(crate) async fn output(mut self, file: &Path, limit: Duration) -> anyhow::Result<()> {
        let lines = self.lines();
        self.finish(limit).await?;
        // The other end of the pipe is closed: this ends.
        let text: Vec<String> = lines.iter().collect();
        fs::write(file, text.join("\n")).with_context(|| format!("failed to write {}", file.display()))
    }

    /// Waits until it ends.
    ///
    /// # Errors
    /// If it fails or takes longer than `limit`.
    pub(crate) async fn finish(&mut self, limit: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            match self.ended()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("{}", self.obituary(status)),
                None if Instant::now() > deadline => {
                    bail!("{} did not end within {} s", self.name, limit.as_secs());
                }
                None => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Makes sure that it still runs, or ended well when its time had come; `due` says whether it has.
    ///
    /// # Errors
    /// If it failed, or ended before its time.
    pub(crate) fn check(&mut self, due: impl FnOnce() -> bool) -> anyhow::Result<()> {
        match self.ended()? {
            // Asked after the process was seen ended: one that ends in time is never taken for early.
            Some(status) if !(status.success() && due()) => bail!("{}", self.obituary(status)),
            _ => Ok(()),
        }
    }

    fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        let name = self.name;
        self.child
            .try_wait()
            .with_context(|| format!("failed to wait for {name}"))
    }

    fn obituary(&self, status: ExitStatus) -> String {
        let words = fs::read_to_string(&self.stderr).unwrap_or_default();
        let lines: Vec<_> = words.lines().collect();
        let last = lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n  ");
        let said = if last.is_empty() {
            String::new()
        } else {
            format!(":\n  {last}")
        };
        format!("{} ended unexpectedly ({status}){said}", self.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let running = |child: &mut Child| matches!(child.try_wait(), Ok(None));
        if !running(&mut self.child) {
            return;
        }
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // It is our child and not waited for yet, so the number is still its own.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let deadline = Instant::now() + GRACE;
        while running(&mut self.child) && Instant::now() < deadline {
            thread::sleep(LOOK);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, directory: &Path) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start("shell", command, &directory.join("stderr")).unwrap()
    }

    #[tokio::test]
    async fn what_it_printed_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("stdout");
        let process = shell("echo one; echo two", directory.path());
        process.output(&file, Duration::from_secs(10)).await.unwrap();
        assert_eq!(fs::read_to_string(file).unwrap(), "one\ntwo");
    }

    #[tokio::test]
    async fn its_last_words_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let mut process = shell("echo no such model >&2; exit 2", directory.path());
        let error = process.finish(Duration::from_secs(10)).await.unwrap_err();
        assert!(error.to_string().ends_with("no such model"), "{error}");
    }

    #[tokio::test]
    async fn it_may_not_take_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let mut process = shell("sleep 60", directory.path());
        let error = process.finish(Duration::ZERO).await.unwrap_err();
        assert_eq!(error.to_string(), "shell did not end within 0 s");
    }

    #[test]
    fn it_ends_with_its_value_even_if_deaf() {
        let directory = tempfile::tempdir().unwrap();
        let mut process = shell(
            "trap '' TERM; echo ready; while :; do sleep 1; done",
            directory.path(),
        );
        assert_eq!(process.lines().recv().unwrap(), "ready");
        let pid = Pid::from_raw(i32::try_from(process.child.id()).unwrap());
        drop(process);
        assert!(kill(pid, None).is_err());
    }
}
