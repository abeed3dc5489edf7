//! A tree mounted on a directory, in real time.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fuser::{BackgroundSession, Config, MountOption, SessionACL};
use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};

use crate::filesystem::{Live, Served, lock};
use crate::tree::Tree;

const FUSE: &str = "/dev/fuse";

/// A tree that is mounted. Whoever drops it without [unmounting](Self::unmount) does not learn whether that worked.
#[derive(Debug)]
pub struct Mounted {
    live: Arc<Mutex<Live>>,
    session: BackgroundSession,
    dir: PathBuf,
}

/// How a mount ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing is left of it.
    Clean,
    /// Some process still held a file of it open. It is gone from the directory; those files answer no more once this
    /// process ends.
    HeldOpen,
}

/// Why a tree is not mounted, or not unmounted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// The directory cannot be opened.
    #[error("failed to open the directory {}", path.display())]
    OpenDirectory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is something in the directory.
    #[error("failed to mount on {}: the directory is not empty", path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// The kernel's FUSE cannot be opened.
    #[error("failed to open {FUSE}")]
    OpenFuse {
        /// What the system said.
        source: io::Error,
    },
    /// The kernel refuses the mount.
    #[error("failed to mount on {}", path.display())]
    Mount {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The kernel refuses to end it, or it ended badly.
    #[error("failed to unmount {}", path.display())]
    Unmount {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Mounted {
    /// Mounts `tree` on the empty directory `dir`, for all users. Time goes by from now on.
    ///
    /// # Errors
    /// If there is no such directory, it is not empty, or this process may not mount.
    pub fn mount(tree: Tree, dir: &Path) -> Result<Self, MountError> {
        let path = dir.to_path_buf();
        let dir = fs::canonicalize(dir).and_then(|dir| Ok((fs::read_dir(&dir)?.next().is_some(), dir)));
        let (occupied, dir) = dir.map_err(|source| MountError::OpenDirectory { path, source })?;
        if occupied {
            return Err(MountError::Occupied { path: dir });
        }
        // Else fuser would look for the helper program `fusermount` and complain of its absence.
        Self::possible()?;
        let live = Arc::new(Mutex::new(Live::new(tree)));
        let mut config = Config::default();
        // With this the kernel checks modes, so that all users may be let in.
        config.mount_options = vec![
            MountOption::FSName("dynd-board".into()),
            MountOption::DefaultPermissions,
        ];
        config.acl = SessionACL::All;
        let session = fuser::spawn_mount(Served::new(Arc::clone(&live)), &dir, &config);
        match session {
            Ok(session) => Ok(Self { live, session, dir }),
            Err(source) => Err(MountError::Mount { path: dir, source }),
        }
    }

    /// Whether this process can have FUSE.
    ///
    /// # Errors
    /// If it cannot.
    pub fn possible() -> Result<(), MountError> {
        let fuse = OpenOptions::new().read(true).write(true).open(FUSE);
        fuse.map(drop).map_err(|source| MountError::OpenFuse { source })
    }

    /// Does something with the tree as it is now.
    pub fn with<T>(&self, act: impl FnOnce(&mut Tree) -> T) -> T {
        act(lock(&self.live).now())
    }

    /// What is mounted, to keep it going from another thread.
    pub(crate) fn live(&self) -> Arc<Mutex<Live>> {
        Arc::clone(&self.live)
    }

    /// True once somebody else has unmounted it.
    pub fn is_over(&self) -> bool {
        self.session.guard.is_finished()
    }

    /// Ends it.
    ///
    /// # Errors
    /// If the kernel does not let go of it, or serving failed.
    pub fn unmount(self) -> Result<Ending, MountError> {
        let fail = |source| MountError::Unmount {
            path: self.dir.clone(),
            source,
        };
        if !self.is_over() {
            match umount2(&self.dir, MntFlags::empty()) {
                Ok(()) => {}
                Err(Errno::EBUSY) => {
                    umount2(&self.dir, MntFlags::MNT_DETACH).map_err(|error| fail(error.into()))?;
                    return Ok(Ending::HeldOpen);
                }
                // Unmounted by somebody else a moment ago.
                Err(Errno::EINVAL) => {}
                Err(error) => return Err(fail(error.into())),
            }
        }
        let Self { session, dir, .. } = self;
        match session.join() {
            Ok(()) => Ok(Ending::Clean),
            Err(source) => Err(MountError::Unmount { path: dir, source }),
        }
    }
}
