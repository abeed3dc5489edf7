//! The two apps of the demo.

use serde::Serialize;

/// Something that the camera and the reader have each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Cast<T> {
    /// Of the app that is there all the time.
    pub(crate) camera: T,
    /// Of the app that comes and goes.
    pub(crate) reader: T,
}

/// The names of the apps.
pub(crate) const NAMES: Cast<&str> = Cast {
    camera: "camera",
    reader: "reader",
};

impl<T> Cast<T> {
    /// The same by reference.
    pub(crate) const fn as_ref(&self) -> Cast<&T> {
        Cast {
            camera: &self.camera,
            reader: &self.reader,
        }
    }

    /// The same by mutable reference, the camera's first.
    pub(crate) const fn each_mut(&mut self) -> [&mut T; 2] {
        [&mut self.camera, &mut self.reader]
    }

    /// What `f` makes of each.
    pub(crate) fn map<U>(self, mut f: impl FnMut(T) -> U) -> Cast<U> {
        Cast {
            camera: f(self.camera),
            reader: f(self.reader),
        }
    }

    /// What `f` makes of each, unless it fails for one.
    pub(crate) fn try_map<U, E>(self, mut f: impl FnMut(T) -> Result<U, E>) -> Result<Cast<U>, E> {
        Ok(Cast {
            camera: f(self.camera)?,
            reader: f(self.reader)?,
        })
    }

    /// Each beside its counterpart.
    pub(crate) fn zip<U>(self, other: Cast<U>) -> Cast<(T, U)> {
        Cast {
            camera: (self.camera, other.camera),
            reader: (self.reader, other.reader),
        }
    }

    /// The camera's, then the reader's.
    pub(crate) fn each(self) -> [T; 2] {
        [self.camera, self.reader]
    }
}
