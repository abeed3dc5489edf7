//! Why a kernel refuses.

use nix::errno::Errno;

/// Why a kernel refuses to read or to write an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such file.
    #[error("no such file")]
    Absent,
    /// It is a directory.
    #[error("is a directory")]
    Directory,
    /// The mode of the file forbids it, also to root.
    #[error("permission denied")]
    Denied,
    /// What is written makes no sense, or not now.
    #[error("invalid argument")]
    Invalid,
    /// The sensor does not answer.
    #[error("try again")]
    Again,
}

impl Refusal {
    /// The error that the caller gets.
    pub(crate) const fn errno(self) -> Errno {
        match self {
            Self::Absent => Errno::ENOENT,
            Self::Directory => Errno::EISDIR,
            Self::Denied => Errno::EACCES,
            Self::Invalid => Errno::EINVAL,
            Self::Again => Errno::EAGAIN,
        }
    }
}
