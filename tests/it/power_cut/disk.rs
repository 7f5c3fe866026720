//! A disk that forgets: what was synced stays, and of the rest any part may.
//!
//! Stricter than real file systems, which keep the order of operations on names: here any subset of the changes to a folder's names
//! that were not synced may survive, and any subset of a file's writes, each of them torn at 512 bytes.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Component, Path, PathBuf};

use super::chance::Chance;
use super::trace::Event;

const SECTOR: u64 = 512;
const ROOT: u64 = u64::MAX;

/// The folder as it is and as it would be after a power cut.
pub(crate) struct Disk {
    files: HashMap<u64, Content>,
    folders: HashMap<u64, Folder>,
    next_folder: u64,
}

/// A file: what is durable, and what was done to it since.
#[derive(Default, Clone)]
struct Content {
    durable: Sparse,
    pending: Vec<Piece>,
}

/// Bytes of which most may be zero.
#[derive(Default, Clone)]
struct Sparse {
    size: u64,
    sectors: BTreeMap<u64, Box<[u8; SECTOR as usize]>>,
}

/// A change that happens as a whole or not at all.
#[derive(Clone)]
enum Piece {
    Write { offset: u64, data: Vec<u8> },
    Truncate { size: u64 },
}

/// A folder: its names, and what was done to them since they were synced.
#[derive(Default, Clone)]
struct Folder {
    durable: BTreeMap<String, Node>,
    current: BTreeMap<String, Node>,
    pending: Vec<NameChange>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Node {
    File(u64),
    Folder(u64),
}

#[derive(Clone)]
enum NameChange {
    Set(String, Node),
    Remove(String),
    Move { from: String, to: String, node: Node },
}

impl Disk {
    /// A disk that durably holds what a folder holds.
    pub(crate) fn of(path: &Path) -> Self {
        let mut disk = Self { files: HashMap::new(), folders: HashMap::new(), next_folder: ROOT };
        let root = disk.new_folder();
        // The recorder counts from 1; files from before the recording have numbers that it never reaches.
        let mut next_file = u64::MAX / 2;
        disk.load(path, root, &mut next_file);
        disk
    }

    fn load(&mut self, path: &Path, folder: u64, next_file: &mut u64) {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let node = if entry.file_type().unwrap().is_dir() {
                let inner = self.new_folder();
                self.load(&entry.path(), inner, next_file);
                Node::Folder(inner)
            } else {
                *next_file += 1;
                self.files.insert(*next_file, Content { durable: Sparse::read(&entry.path()), pending: Vec::new() });
                Node::File(*next_file)
            };
            let folder = self.folder(folder);
            folder.durable.insert(name.clone(), node);
            folder.current.insert(name, node);
        }
    }

    fn new_folder(&mut self) -> u64 {
        let number = self.next_folder;
        self.next_folder -= 1;
        self.folders.insert(number, Folder::default());
        number
    }

    fn folder(&mut self, number: u64) -> &mut Folder {
        self.folders.get_mut(&number).unwrap()
    }

    /// The folder that a path's last name is in, and that name.
    fn place(&self, path: &Path) -> (u64, String) {
        let parent = self.lookup(path.parent().unwrap());
        let Some(Node::Folder(parent)) = parent else { panic!("{} is in no folder", path.display()) };
        (parent, path.file_name().unwrap().to_str().unwrap().into())
    }

    fn lookup(&self, path: &Path) -> Option<Node> {
        path.components().try_fold(Node::Folder(ROOT), |node, component| match (node, component) {
            (Node::Folder(folder), Component::Normal(name)) => {
                self.folders[&folder].current.get(name.to_str().unwrap()).copied()
            }
            _ => None,
        })
    }

    fn change_names(&mut self, folder: u64, change: NameChange) {
        let folder = self.folder(folder);
        change.apply(&mut folder.current);
        folder.pending.push(change);
    }

    /// Does what the process did.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Create { file, path } => {
                self.files.insert(*file, Content::default());
                let (folder, name) = self.place(path);
                self.change_names(folder, NameChange::Set(name, Node::File(*file)));
            }
            Event::Adopt { file, path } => self.adopt(*file, path),
            Event::Write { file, offset, data } => self.file(*file).write(*offset, data),
            Event::Truncate { file, size } => self.file(*file).pending.push(Piece::Truncate { size: *size }),
            Event::Sync { file } => self.file(*file).sync(),
            Event::SyncFolder { path } => {
                let Some(Node::Folder(folder)) = self.lookup(path) else { panic!("{} is no folder", path.display()) };
                let folder = self.folder(folder);
                folder.durable = folder.current.clone();
                folder.pending.clear();
            }
            Event::Rename { from, to } => {
                let node = self.lookup(from).unwrap_or_else(|| panic!("{} is not there", from.display()));
                let ((folder, from), (target, to)) = (self.place(from), self.place(to));
                assert_eq!(folder, target, "a move between folders is not modelled");
                self.change_names(folder, NameChange::Move { from, to, node });
            }
            Event::Unlink { path } => {
                let (folder, name) = self.place(path);
                self.change_names(folder, NameChange::Remove(name));
            }
            Event::MakeFolder { path } => {
                let inner = self.new_folder();
                let (folder, name) = self.place(path);
                self.change_names(folder, NameChange::Set(name, Node::Folder(inner)));
            }
            Event::Mark(_) => {}
        }
    }

    fn adopt(&mut self, file: u64, path: &Path) {
        let Some(Node::File(old)) = self.lookup(path) else { panic!("{} is no file", path.display()) };
        let content = self.files.remove(&old).unwrap();
        self.files.insert(file, content);
        let (folder, name) = self.place(path);
        let folder = self.folder(folder);
        folder.durable.entry(name.clone()).and_modify(|node| *node = Node::File(file));
        folder.current.insert(name, Node::File(file));
    }

    fn file(&mut self, number: u64) -> &mut Content {
        self.files.get_mut(&number).unwrap_or_else(|| panic!("file {number} is unknown"))
    }

    /// Writes into an empty folder what a power cut now might leave.
    pub(crate) fn crash_into(&self, path: &Path, chance: &mut Chance) {
        let odds = Odds::any(chance);
        self.write_folder(ROOT, path, &odds, chance);
    }

    fn write_folder(&self, folder: u64, path: &Path, odds: &Odds, chance: &mut Chance) {
        let folder = &self.folders[&folder];
        let mut names = folder.durable.clone();
        for change in folder.pending.iter().filter(|_| chance.of(odds.names)).collect::<Vec<_>>() {
            change.apply(&mut names);
        }
        for (name, node) in names {
            let path: PathBuf = path.join(name);
            match node {
                Node::Folder(inner) => {
                    fs::create_dir(&path).unwrap();
                    self.write_folder(inner, &path, odds, chance);
                }
                Node::File(file) => self.files[&file].write_crashed(&path, odds, chance),
            }
        }
    }
}

/// How much of what was not synced survives.
struct Odds {
    names: f64,
    pieces: f64,
}

impl Odds {
    fn any(chance: &mut Chance) -> Self {
        const LEVELS: [f64; 8] = [0.0, 0.05, 0.3, 0.5, 0.7, 0.95, 0.99, 1.0];
        Self { names: *chance.pick(&LEVELS), pieces: *chance.pick(&LEVELS) }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, Node>) {
        match self {
            Self::Set(name, node) => drop(names.insert(name.clone(), *node)),
            Self::Remove(name) => drop(names.remove(name)),
            Self::Move { from, to, node } => {
                if names.get(from) == Some(node) {
                    names.remove(from);
                }
                names.insert(to.clone(), *node);
            }
        }
    }
}

impl Content {
    /// Takes a write apart at the borders of sectors.
    fn write(&mut self, offset: u64, data: &[u8]) {
        let mut offset = offset;
        let mut rest = data;
        while !rest.is_empty() {
            let fits = usize::try_from(SECTOR - offset % SECTOR).unwrap().min(rest.len());
            let (piece, tail) = rest.split_at(fits);
            self.pending.push(Piece::Write { offset, data: piece.to_vec() });
            offset += fits as u64;
            rest = tail;
        }
    }

    fn sync(&mut self) {
        for piece in self.pending.drain(..) {
            self.durable.apply(&piece);
        }
    }

    fn write_crashed(&self, path: &Path, odds: &Odds, chance: &mut Chance) {
        if self.pending.is_empty() {
            return self.durable.write(path);
        }
        let mut left = self.durable.clone();
        for piece in self.pending.iter().filter(|_| chance.of(odds.pieces)).collect::<Vec<_>>() {
            left.apply(piece);
        }
        left.write(path);
    }
}

impl Sparse {
    fn read(path: &Path) -> Self {
        let mut file = File::open(path).unwrap();
        let mut sparse = Self { size: file.metadata().unwrap().len(), ..Self::default() };
        let mut buffer = [0; SECTOR as usize];
        for sector in 0..sparse.size.div_ceil(SECTOR) {
            let length = (sparse.size - sector * SECTOR).min(SECTOR) as usize;
            buffer.fill(0);
            file.read_exact(&mut buffer[..length]).unwrap();
            if buffer.iter().any(|byte| *byte != 0) {
                sparse.sectors.insert(sector, Box::new(buffer));
            }
        }
        sparse
    }

    fn apply(&mut self, piece: &Piece) {
        match piece {
            Piece::Write { offset, data } => {
                let sector = self.sectors.entry(offset / SECTOR).or_insert_with(|| Box::new([0; SECTOR as usize]));
                let start = (offset % SECTOR) as usize;
                sector[start..start + data.len()].copy_from_slice(data);
                self.size = self.size.max(offset + data.len() as u64);
            }
            Piece::Truncate { size } => {
                self.size = *size;
                self.sectors.split_off(&size.div_ceil(SECTOR));
                if let Some(last) = self.sectors.get_mut(&(size / SECTOR)) {
                    last[(size % SECTOR) as usize..].fill(0);
                }
            }
        }
    }

    fn write(&self, path: &Path) {
        let file = File::create_new(path).unwrap();
        let mut run: Vec<u8> = Vec::new();
        let mut start = 0;
        for (sector, bytes) in &self.sectors {
            if start + run.len() as u64 != sector * SECTOR {
                file.write_all_at(&run, start).unwrap();
                run.clear();
                start = sector * SECTOR;
            }
            run.extend_from_slice(&**bytes);
        }
        file.write_all_at(&run, start).unwrap();
        file.set_len(self.size).unwrap();
    }
}
