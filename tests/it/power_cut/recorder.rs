//! Records what a process does to the files of one folder, in order and with the data.
//!
//! Compiled by the test into a shared library that is loaded before the C library (`LD_PRELOAD`); no part of the test binary. Each
//! call that changes a file or a folder is carried out and recorded under one lock, so that the trace is one order of events. The
//! format is read by `trace.rs`.
//!
//! Some libraries rename with a bare system call, which cannot be seen here. Files are therefore known by inode: one that is opened
//! under another name than it was made with has been renamed in between, and that is recorded first.

use std::collections::HashMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_uint, c_void};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn lseek64(fd: c_int, offset: i64, whence: c_int) -> i64;
}

/// The function of that name that would have been called without us.
///
/// # Safety
///
/// `F` is the type of the C library's function of that name.
unsafe fn real<F: Copy>(name: &CStr) -> F {
    const NEXT: *mut c_void = -1_isize as *mut c_void;
    let symbol = unsafe { dlsym(NEXT, name.as_ptr()) };
    assert!(!symbol.is_null(), "the C library has no {name:?}");
    unsafe { std::mem::transmute_copy::<*mut c_void, F>(&symbol) }
}

type Open = unsafe extern "C" fn(*const c_char, c_int, c_uint) -> c_int;
type OpenAt = unsafe extern "C" fn(c_int, *const c_char, c_int, c_uint) -> c_int;
type Write = unsafe extern "C" fn(c_int, *const c_void, usize) -> isize;
type PWrite = unsafe extern "C" fn(c_int, *const c_void, usize, i64) -> isize;
type WriteV = unsafe extern "C" fn(c_int, *const IoVec, c_int) -> isize;
type Truncate = unsafe extern "C" fn(c_int, i64) -> c_int;
type OnFd = unsafe extern "C" fn(c_int) -> c_int;
type OnPath = unsafe extern "C" fn(*const c_char) -> c_int;
type OnPaths = unsafe extern "C" fn(*const c_char, *const c_char) -> c_int;
type MkDir = unsafe extern "C" fn(*const c_char, c_uint) -> c_int;
type UnlinkAt = unsafe extern "C" fn(c_int, *const c_char, c_int) -> c_int;
type CopyRange = unsafe extern "C" fn(c_int, *mut i64, c_int, *mut i64, usize, c_uint) -> isize;
type Map = unsafe extern "C" fn(*mut c_void, usize, c_int, c_int, c_int, i64) -> *mut c_void;

#[repr(C)]
pub struct IoVec {
    base: *const c_void,
    length: usize,
}

const O_CREAT: c_int = 0o100;
const O_TRUNC: c_int = 0o1000;
const AT_FDCWD: c_int = -100;
const AT_REMOVEDIR: c_int = 0x200;
const SEEK_CUR: c_int = 1;
const PROT_WRITE: c_int = 2;
const MAP_SHARED: c_int = 1;

const CREATE: u8 = 1;
const ADOPT: u8 = 2;
const WRITE: u8 = 3;
const TRUNCATE: u8 = 4;
const SYNC: u8 = 5;
const SYNC_FOLDER: u8 = 6;
const RENAME: u8 = 7;
const UNLINK: u8 = 8;
const MAKE_FOLDER: u8 = 9;
const MARK: u8 = 10;
const UNKNOWN: u8 = 11;

type Inode = (u64, u64);

struct Recorder {
    root: PathBuf,
    marks: PathBuf,
    trace: c_int,
    names: HashMap<PathBuf, u64>,
    files: HashMap<Inode, u64>,
    next: u64,
}

static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);

/// The recorder; `None` where nothing is to be recorded.
fn recorder() -> MutexGuard<'static, Option<Recorder>> {
    let mut recorder = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
    if recorder.is_none() {
        *recorder = Recorder::begin();
    }
    recorder
}

impl Recorder {
    fn begin() -> Option<Self> {
        let root = PathBuf::from(std::env::var_os("LEADGATE_RECORD_ROOT")?);
        let marks = PathBuf::from(std::env::var_os("LEADGATE_RECORD_MARKS")?);
        let mut path = std::env::var_os("LEADGATE_RECORD_TRACE")?.as_bytes().to_vec();
        path.push(0);
        let trace = unsafe { real::<Open>(c"open64")(path.as_ptr().cast(), 0o2 | O_CREAT | O_TRUNC, 0o644) };
        (trace >= 0).then(|| Self { root, marks, trace, names: HashMap::new(), files: HashMap::new(), next: 1 })
    }

    fn emit(&self, kind: u8, number: u64, offset: u64, parts: [&[u8]; 2]) {
        let mut record = vec![kind];
        record.extend(number.to_le_bytes());
        record.extend(offset.to_le_bytes());
        for part in parts {
            record.extend((part.len() as u64).to_le_bytes());
            record.extend(part);
        }
        let mut rest = record.as_slice();
        while !rest.is_empty() {
            let count = unsafe { real::<Write>(c"write")(self.trace, rest.as_ptr().cast(), rest.len()) };
            assert!(count > 0, "the trace could not be written");
            rest = &rest[count as usize..];
        }
    }

    /// The path inside the folder, where it is one.
    fn inside(&self, path: &Path) -> Option<PathBuf> {
        Some(path.strip_prefix(&self.root).ok()?.to_path_buf())
    }

    fn opened(&mut self, path: &Path, fd: c_int, flags: c_int, existed: bool) {
        let Some(name) = self.inside(path) else { return };
        let Ok(metadata) = std::fs::metadata(format!("/proc/self/fd/{fd}")) else { return };
        if !metadata.is_file() {
            return;
        }
        let inode = (metadata.dev(), metadata.ino());
        if existed {
            self.recognise(&name, inode);
        } else {
            let number = self.begin_file(&name, inode);
            self.emit(CREATE, number, 0, [name.as_os_str().as_bytes(), &[]]);
        }
        if existed && flags & O_TRUNC != 0 {
            self.emit(TRUNCATE, self.names[&name], 0, [&[], &[]]);
        }
    }

    fn begin_file(&mut self, name: &Path, inode: Inode) -> u64 {
        let number = self.next;
        self.next += 1;
        self.names.insert(name.into(), number);
        self.files.insert(inode, number);
        number
    }

    /// A file that was there already: known, renamed unseen, or from before the recording.
    fn recognise(&mut self, name: &Path, inode: Inode) {
        let known = self.files.get(&inode).copied();
        if known.is_some() && self.names.get(name).copied() == known {
            return;
        }
        let old = self.names.iter().find(|(_, number)| Some(**number) == known).map(|(old, _)| old.clone());
        if let Some(old) = old {
            self.renamed(&old, name);
        } else {
            let number = self.begin_file(name, inode);
            self.emit(ADOPT, number, 0, [name.as_os_str().as_bytes(), &[]]);
        }
    }

    fn renamed(&mut self, from: &Path, to: &Path) {
        self.emit(RENAME, 0, 0, [from.as_os_str().as_bytes(), to.as_os_str().as_bytes()]);
        let moved: Vec<_> = self.names.keys().filter(|name| name.starts_with(from)).cloned().collect();
        for old in moved {
            let rest = old.strip_prefix(from).expect("it starts with it");
            let new = if rest.as_os_str().is_empty() { to.to_path_buf() } else { to.join(rest) };
            if let Some(number) = self.names.remove(&old) {
                self.names.insert(new, number);
            }
        }
    }

    /// The file behind a descriptor, where it is one of the folder's.
    fn file(&self, fd: c_int) -> Option<u64> {
        let metadata = std::fs::metadata(format!("/proc/self/fd/{fd}")).ok()?;
        self.files.get(&(metadata.dev(), metadata.ino())).copied().filter(|_| metadata.is_file())
    }

    fn is_marks(&self, fd: c_int) -> bool {
        std::fs::read_link(format!("/proc/self/fd/{fd}")).is_ok_and(|path| path == self.marks)
    }

    fn wrote(&self, fd: c_int, offset: u64, data: &[u8]) {
        if let Some(number) = self.file(fd) {
            self.emit(WRITE, number, offset, [data, &[]]);
        } else if self.is_marks(fd) {
            self.emit(MARK, 0, 0, [data, &[]]);
        }
    }

    fn synced(&self, fd: c_int) {
        if let Some(number) = self.file(fd) {
            self.emit(SYNC, number, 0, [&[], &[]]);
        } else if let Ok(path) = std::fs::read_link(format!("/proc/self/fd/{fd}"))
            && let Some(name) = self.inside(&path)
        {
            self.emit(SYNC_FOLDER, 0, 0, [name.as_os_str().as_bytes(), &[]]);
        }
    }

    fn changed_path(&mut self, kind: u8, path: &Path) {
        let Some(name) = self.inside(path) else { return };
        if kind == UNLINK {
            self.names.remove(&name);
        }
        self.emit(kind, 0, 0, [name.as_os_str().as_bytes(), &[]]);
    }

    fn unknown(&self, fd: c_int, what: &str) {
        if self.file(fd).is_some() {
            self.emit(UNKNOWN, 0, 0, [what.as_bytes(), &[]]);
        }
    }
}

unsafe fn path(text: *const c_char) -> PathBuf {
    let path = Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(text) }.to_bytes()));
    if path.is_absolute() { path.into() } else { std::env::current_dir().unwrap_or_default().join(path) }
}

unsafe fn path_at(folder: c_int, text: *const c_char) -> PathBuf {
    let name = Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(text) }.to_bytes()));
    match std::fs::read_link(format!("/proc/self/fd/{folder}")) {
        Ok(folder) if !name.is_absolute() => folder.join(name),
        _ => unsafe { path(text) },
    }
}

fn opening(path: &Path, flags: c_int, open: impl FnOnce() -> c_int) -> c_int {
    let mut recorder = recorder();
    let Some(recorder) = recorder.as_mut() else { return open() };
    let existed = flags & O_CREAT == 0 || path.exists();
    let fd = open();
    if fd >= 0 {
        recorder.opened(path, fd, flags, existed);
    }
    fd
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(text: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    opening(&unsafe { path(text) }, flags, || unsafe { real::<Open>(c"open64")(text, flags, mode) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(text: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    opening(&unsafe { path(text) }, flags, || unsafe { real::<Open>(c"open")(text, flags, mode) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat64(folder: c_int, text: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    opening(&unsafe { path_at(folder, text) }, flags, || unsafe { real::<OpenAt>(c"openat64")(folder, text, flags, mode) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, data: *const c_void, length: usize) -> isize {
    let recorder = recorder();
    let count = unsafe { real::<Write>(c"write")(fd, data, length) };
    if let (Some(recorder), Ok(written @ 1..)) = (recorder.as_ref(), usize::try_from(count)) {
        let end = unsafe { lseek64(fd, 0, SEEK_CUR) };
        let data = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), written) };
        recorder.wrote(fd, (end.max(0) as u64).saturating_sub(written as u64), data);
    }
    count
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(fd: c_int, data: *const c_void, length: usize, offset: i64) -> isize {
    let recorder = recorder();
    let count = unsafe { real::<PWrite>(c"pwrite64")(fd, data, length, offset) };
    if let (Some(recorder), Ok(written @ 1..)) = (recorder.as_ref(), usize::try_from(count)) {
        recorder.wrote(fd, offset as u64, unsafe { std::slice::from_raw_parts(data.cast::<u8>(), written) });
    }
    count
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(fd: c_int, vectors: *const IoVec, count: c_int) -> isize {
    let recorder = recorder();
    let total = unsafe { real::<WriteV>(c"writev")(fd, vectors, count) };
    if let (Some(recorder), Ok(written @ 1..)) = (recorder.as_ref(), usize::try_from(total)) {
        let vectors = unsafe { std::slice::from_raw_parts(vectors, count as usize) };
        let data: Vec<u8> = vectors
            .iter()
            .flat_map(|vector| unsafe { std::slice::from_raw_parts(vector.base.cast::<u8>(), vector.length) })
            .copied()
            .take(written)
            .collect();
        let end = unsafe { lseek64(fd, 0, SEEK_CUR) };
        recorder.wrote(fd, (end.max(0) as u64).saturating_sub(written as u64), &data);
    }
    total
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate64(fd: c_int, length: i64) -> c_int {
    let recorder = recorder();
    let result = unsafe { real::<Truncate>(c"ftruncate64")(fd, length) };
    if let Some((recorder, number)) = recorder.as_ref().and_then(|recorder| Some((recorder, recorder.file(fd)?))) {
        recorder.emit(TRUNCATE, number, length as u64, [&[], &[]]);
    }
    result
}

fn syncing(fd: c_int, sync: OnFd) -> c_int {
    let recorder = recorder();
    let result = unsafe { sync(fd) };
    if let (Some(recorder), 0) = (recorder.as_ref(), result) {
        recorder.synced(fd);
    }
    result
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    syncing(fd, unsafe { real(c"fsync") })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    syncing(fd, unsafe { real(c"fdatasync") })
}

fn changing(kind: u8, path: &Path, change: impl FnOnce() -> c_int) -> c_int {
    let mut recorder = recorder();
    let result = change();
    if let (Some(recorder), 0) = (recorder.as_mut(), result) {
        recorder.changed_path(kind, path);
    }
    result
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdir(text: *const c_char, mode: c_uint) -> c_int {
    changing(MAKE_FOLDER, &unsafe { path(text) }, || unsafe { real::<MkDir>(c"mkdir")(text, mode) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(text: *const c_char) -> c_int {
    changing(UNLINK, &unsafe { path(text) }, || unsafe { real::<OnPath>(c"unlink")(text) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmdir(text: *const c_char) -> c_int {
    changing(UNLINK, &unsafe { path(text) }, || unsafe { real::<OnPath>(c"rmdir")(text) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlinkat(folder: c_int, text: *const c_char, flags: c_int) -> c_int {
    debug_assert!(flags == 0 || flags == AT_REMOVEDIR);
    let path = if folder == AT_FDCWD { unsafe { path(text) } } else { unsafe { path_at(folder, text) } };
    changing(UNLINK, &path, || unsafe { real::<UnlinkAt>(c"unlinkat")(folder, text, flags) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    let mut recorder = recorder();
    let result = unsafe { real::<OnPaths>(c"rename")(from, to) };
    if let (Some(recorder), 0) = (recorder.as_mut(), result) {
        let (from, to) = unsafe { (path(from), path(to)) };
        if let (Some(from), Some(to)) = (recorder.inside(&from), recorder.inside(&to)) {
            recorder.renamed(&from, &to);
        }
    }
    result
}

// What could change a file unseen makes the recording worthless, so it is told.

#[unsafe(no_mangle)]
pub unsafe extern "C" fn copy_file_range(
    from: c_int,
    from_offset: *mut i64,
    to: c_int,
    to_offset: *mut i64,
    length: usize,
    flags: c_uint,
) -> isize {
    let recorder = recorder();
    let count = unsafe { real::<CopyRange>(c"copy_file_range")(from, from_offset, to, to_offset, length, flags) };
    recorder.as_ref().inspect(|recorder| recorder.unknown(to, "copy_file_range"));
    count
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap64(
    address: *mut c_void,
    length: usize,
    protection: c_int,
    flags: c_int,
    fd: c_int,
    offset: i64,
) -> *mut c_void {
    if fd >= 0 && protection & PROT_WRITE != 0 && flags & MAP_SHARED != 0 {
        recorder().as_ref().inspect(|recorder| recorder.unknown(fd, "a shared writable mapping"));
    }
    unsafe { real::<Map>(c"mmap64")(address, length, protection, flags, fd, offset) }
}
