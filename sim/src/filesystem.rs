//! A tree as FUSE asks for it.
//!
//! - An open file is read without the page cache, for its text has another length each time; its size is said to be a
//!   page, as in sysfs.
//! - A read from the start makes the text anew and later ones continue it, as in kernfs.
//! - `O_TRUNC` comes as a change of size, which is answered and does nothing.
//! - Modes are enforced by the kernel, but for root; what sysfs refuses root too is refused here.
//! - Processes come and go: their numbers begin beyond all others and follow from theirs, and the kernel may not believe
//!   in them for long. A directory does not list them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    LockOwner, OpenAccMode, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry,
    ReplyOpen, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use dynd_vocab::Pid;

use crate::node::{Node, relative};
use crate::process::ProcessPath;
use crate::refusal::Refusal;
use crate::tree::Tree;

/// What is there stays: for how long the kernel may believe it.
const TTL: Duration = Duration::from_secs(3600);

/// The same of a process.
const PROCESS_TTL: Duration = Duration::ZERO;

/// Numbers of processes begin here: two for each.
const PROCESSES: u64 = 1 << 40;

/// The size of an attribute.
const PAGE: u64 = 4096;

/// A tree in real time.
#[derive(Debug)]
pub(crate) struct Live {
    tree: Tree,
    /// When it was brought up to date.
    at: Instant,
    /// What open files show.
    texts: BTreeMap<u64, String>,
    opened: u64,
}

impl Live {
    pub(crate) fn new(tree: Tree) -> Self {
        Self {
            tree,
            at: Instant::now(),
            texts: BTreeMap::new(),
            opened: 0,
        }
    }

    /// The tree as it is now.
    pub(crate) fn now(&mut self) -> &mut Tree {
        let now = Instant::now();
        self.tree.advance(now - self.at);
        self.at = now;
        &mut self.tree
    }
}

/// `live` for the use of one thread; a thread that panicked has left a tree that is whole.
pub(crate) fn lock(live: &Mutex<Live>) -> MutexGuard<'_, Live> {
    live.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A tree with the numbers by which the kernel knows its files: 1 is the root.
#[derive(Debug)]
pub(crate) struct Served {
    live: Arc<Mutex<Live>>,
    files: Vec<File>,
    numbers: BTreeMap<PathBuf, u64>,
}

#[derive(Clone, Debug)]
struct File {
    path: PathBuf,
    kind: FileType,
    mode: u16,
    /// Where a link leads.
    to: PathBuf,
    readable: bool,
    writable: bool,
    /// Of a directory.
    children: Vec<u64>,
}

impl File {
    fn new(path: &Path, node: &Node) -> Self {
        let (kind, mode, to) = match node {
            Node::Directory(mode) => (FileType::Directory, *mode, PathBuf::new()),
            Node::Link(to) => (FileType::Symlink, 0o777, relative(path, to)),
            Node::Attribute(attribute) => (FileType::RegularFile, attribute.mode(), PathBuf::new()),
        };
        let may = |of: fn(&crate::node::Attribute) -> bool| match node {
            Node::Attribute(attribute) => of(attribute),
            _ => false,
        };
        Self {
            path: path.to_path_buf(),
            kind,
            mode,
            to,
            readable: may(crate::node::Attribute::is_readable),
            writable: may(crate::node::Attribute::is_writable),
            children: Vec::new(),
        }
    }

    fn of_process(path: ProcessPath) -> Self {
        let (kind, mode) = match path {
            ProcessPath::Directory(_) => (FileType::Directory, 0o555),
            ProcessPath::Stat(_) => (FileType::RegularFile, 0o444),
        };
        Self {
            path: path.path(),
            kind,
            mode,
            to: PathBuf::new(),
            readable: true,
            writable: false,
            children: Vec::new(),
        }
    }

    fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }
}

impl Served {
    pub(crate) fn new(live: Arc<Mutex<Live>>) -> Self {
        let mut files: Vec<File> = Vec::new();
        let mut numbers = BTreeMap::new();
        for (path, node) in lock(&live).tree.nodes().iter() {
            files.push(File::new(path, node));
            let number = files.len() as u64;
            // The root comes first, and a directory before what is in it.
            if let Some(parent) = path.parent().and_then(|parent| numbers.get(parent)) {
                files[*parent as usize - 1].children.push(number);
            }
            numbers.insert(path.to_path_buf(), number);
        }
        Self { live, files, numbers }
    }

    fn file(&self, number: INodeNo) -> Result<Cow<'_, File>, Errno> {
        if let Some(path) = process_of(number.0) {
            let there = path.exists(lock(&self.live).tree.machine());
            let file = there.then(|| Cow::Owned(File::of_process(path)));
            return file.ok_or_else(|| errno(Refusal::Absent));
        }
        let index = number
            .0
            .checked_sub(1)
            .and_then(|index| usize::try_from(index).ok());
        let file = index.and_then(|index| self.files.get(index)).map(Cow::Borrowed);
        file.ok_or_else(|| errno(Refusal::Absent))
    }

    fn attr(&self, number: INodeNo) -> Result<FileAttr, Errno> {
        let file = self.file(number)?;
        let size = match file.kind {
            FileType::RegularFile => PAGE,
            _ => file.to.as_os_str().len() as u64,
        };
        Ok(FileAttr {
            ino: number,
            size,
            blocks: 0,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: file.kind,
            perm: file.mode,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: PAGE as u32,
            flags: 0,
        })
    }

    fn child(&self, parent: INodeNo, name: &OsStr) -> Result<FileAttr, Errno> {
        let path = self.file(parent)?.path.join(name);
        let process = || ProcessPath::parse(&path).map(number_of);
        let number = self.numbers.get(&path).copied().or_else(process);
        self.attr(INodeNo(number.ok_or_else(|| errno(Refusal::Absent))?))
    }

    fn open(&self, number: INodeNo, flags: OpenFlags) -> Result<FileHandle, Errno> {
        let file = self.file(number)?;
        let allowed = match flags.acc_mode() {
            OpenAccMode::O_RDONLY => file.readable,
            OpenAccMode::O_WRONLY => file.writable,
            OpenAccMode::O_RDWR => file.readable && file.writable,
        };
        if !allowed {
            return Err(errno(Refusal::Denied));
        }
        let mut live = lock(&self.live);
        live.opened += 1;
        Ok(FileHandle(live.opened))
    }

    fn read(&self, number: INodeNo, handle: FileHandle, offset: u64, size: u32) -> Result<Vec<u8>, Errno> {
        let path = &self.file(number)?.path;
        let mut live = lock(&self.live);
        if offset == 0 {
            let text = live.now().read(path).map_err(errno)?;
            live.texts.insert(handle.0, text);
        }
        let text = live.texts.get(&handle.0).map_or(&[][..], |text| text.as_bytes());
        let start = usize::try_from(offset).map_or(text.len(), |offset| offset.min(text.len()));
        let end = text.len().min(start + size as usize);
        Ok(text[start..end].to_vec())
    }

    fn write(&self, number: INodeNo, text: &[u8]) -> Result<(), Errno> {
        let path = &self.file(number)?.path;
        lock(&self.live).now().write(path, text).map_err(errno)
    }
}

/// The number of a path that belongs to a process.
fn number_of(path: ProcessPath) -> u64 {
    let (pid, file) = match path {
        ProcessPath::Directory(pid) => (pid, 0),
        ProcessPath::Stat(pid) => (pid, 1),
    };
    PROCESSES + 2 * u64::from(pid.0) + file
}

/// The path of that number, if it belongs to a process.
fn process_of(number: u64) -> Option<ProcessPath> {
    let number = number.checked_sub(PROCESSES)?;
    let pid = Pid(u32::try_from(number / 2).ok()?);
    Some(match number % 2 {
        0 => ProcessPath::Directory(pid),
        _ => ProcessPath::Stat(pid),
    })
}

/// For how long the kernel may believe in the file of this number.
fn ttl(number: u64) -> Duration {
    process_of(number).map_or(TTL, |_| PROCESS_TTL)
}

fn errno(refusal: Refusal) -> Errno {
    Errno::from_i32(refusal.errno() as i32)
}

impl Filesystem for Served {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.child(parent, name) {
            Ok(attr) => reply.entry(&ttl(attr.ino.0), &attr, Generation(0)),
            Err(errno) => reply.error(errno),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attr(ino) {
            Ok(attr) => reply.attr(&ttl(attr.ino.0), &attr),
            Err(errno) => reply.error(errno),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        _size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        match self.attr(ino) {
            Ok(attr) => reply.attr(&ttl(attr.ino.0), &attr),
            Err(errno) => reply.error(errno),
        }
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        match self.file(ino) {
            Ok(file) => reply.data(file.to.as_os_str().as_encoded_bytes()),
            Err(errno) => reply.error(errno),
        }
    }

    fn open(&self, _: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        match self.open(ino, flags) {
            Ok(handle) => reply.opened(handle, FopenFlags::FOPEN_DIRECT_IO),
            Err(errno) => reply.error(errno),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.read(ino, fh, offset, size) {
            Ok(text) => reply.data(&text),
            Err(errno) => reply.error(errno),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        _offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.write(ino, data) {
            Ok(()) => reply.written(data.len() as u32),
            Err(errno) => reply.error(errno),
        }
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        lock(&self.live).texts.remove(&fh.0);
        reply.ok();
    }

    fn readdir(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let directory = match self.file(ino) {
            Ok(file) => file,
            Err(errno) => return reply.error(errno),
        };
        let children = (1..).zip(&directory.children).skip(offset as usize);
        for (next, &number) in children {
            if let Ok(file) = self.file(INodeNo(number))
                && reply.add(INodeNo(number), next, file.kind, file.name())
            {
                break;
            }
        }
        reply.ok();
    }
}
