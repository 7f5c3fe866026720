//! Walks a settings tree: every key asked for is known, everything else is a mistake, and no mistake ends the walk.

use super::document::{Entry, Node, Value};
use super::mistake::{Mistakes, Place};

/// Why a value does not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What is wrong with it.
    pub(crate) problem: String,
    /// What is allowed.
    pub(crate) allowed: String,
}

impl Problem {
    /// A value that is not what stands in `allowed`.
    pub(crate) fn not(value: &Value, allowed: impl Into<String>) -> Self {
        Self { problem: format!("{} is not allowed", value.shown()), allowed: allowed.into() }
    }

    /// A problem that must not show the value, because it may be personal.
    pub(crate) fn hidden(problem: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { problem: problem.into(), allowed: allowed.into() }
    }
}

/// One map of the tree while it is read.
pub(crate) struct Section<'a> {
    path: String,
    line: u64,
    entries: Vec<&'a Entry>,
    known: Vec<&'static str>,
    mistakes: &'a Mistakes,
}

impl<'a> Section<'a> {
    /// The root of a document; one that is empty has no entries.
    pub(crate) fn root(node: &'a Node, mistakes: &'a Mistakes) -> Self {
        Self::new(String::new(), node, mistakes)
    }

    fn new(path: String, node: &'a Node, mistakes: &'a Mistakes) -> Self {
        let mut section = Self { path, line: node.line, entries: Vec::new(), known: Vec::new(), mistakes };
        match &node.value {
            Value::Map(entries) => section.entries = without_repetition(&section, entries),
            Value::Null => {}
            other => mistakes.add(section.place(node.line, None), format!("{} is not allowed", other.shown()), "a map"),
        }
        section
    }

    /// The value of a key, parsed; `None` when it is absent or wrong, which is noted.
    pub(crate) fn take<T>(&mut self, key: &'static str, parse: impl FnOnce(&Value) -> Result<T, Problem>) -> Option<T> {
        let node = self.node(key)?;
        self.read(key, node, parse)
    }

    /// As [`Self::take`], for a key that must be there.
    pub(crate) fn require<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        parse: impl FnOnce(&Value) -> Result<T, Problem>,
    ) -> Option<T> {
        if self.node(key).is_none() {
            self.mistakes.add(self.place(self.line, Some(key)), "is missing", allowed);
            return None;
        }
        self.take(key, parse)
    }

    /// A map with fixed keys below a key; `None` when it is absent.
    pub(crate) fn section(&mut self, key: &'static str) -> Option<Section<'a>> {
        let node = self.node(key)?;
        Some(Self::new(self.path_of(key), node, self.mistakes))
    }

    /// A map with free keys below a key: each key is parsed, then its value is handed out as a node to read.
    pub(crate) fn map<K>(
        &mut self,
        key: &'static str,
        parse_key: impl Fn(&str) -> Result<K, Problem>,
    ) -> Vec<(K, FreeEntry<'a>)> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let below = Self::new(self.path_of(key), node, self.mistakes);
        let mut found = Vec::new();
        for entry in &below.entries {
            let path = below.path_of(&entry.key);
            match parse_key(&entry.key) {
                Ok(parsed) => found.push((parsed, FreeEntry { path, node: &entry.node, mistakes: self.mistakes })),
                Err(Problem { problem, allowed }) => {
                    self.mistakes.add(below.place(entry.line, Some(&entry.key)), problem, allowed);
                }
            }
        }
        found
    }

    /// A list below a key, each item parsed; wrong ones are noted and left out.
    pub(crate) fn list<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&Value) -> Result<T, Problem>,
    ) -> Option<Vec<T>> {
        let node = self.node(key)?;
        let Value::List(items) = &node.value else {
            self.mistakes.add(
                self.place(node.line, Some(key)),
                format!("{} is not allowed", node.value.shown()),
                "a list",
            );
            return None;
        };
        let read = |(index, item): (usize, &'a Node)| self.read(&format!("{key}[{index}]"), item, &parse);
        Some(items.iter().enumerate().filter_map(read).collect())
    }

    /// Notes every key that was never asked for. To be called when everything was.
    pub(crate) fn finish(self) {
        for entry in &self.entries {
            if !self.known.contains(&entry.key.as_str()) {
                let allowed = self.known.join(", ");
                self.mistakes.add(self.place(entry.line, Some(&entry.key)), "unknown key", allowed);
            }
        }
    }

    /// Whether the key is there at all.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Notes a mistake that concerns a key together with others.
    pub(crate) fn note(&self, key: &str, problem: impl Into<String>, allowed: impl Into<String>) {
        let line = self.entries.iter().find(|entry| entry.key == key).map_or(self.line, |entry| entry.node.line);
        self.mistakes.add(self.place(line, Some(key)), problem, allowed);
    }

    fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    fn read<T>(&self, key: &str, node: &Node, parse: impl FnOnce(&Value) -> Result<T, Problem>) -> Option<T> {
        parse(&node.value)
            .map_err(|Problem { problem, allowed }| {
                self.mistakes.add(self.place(node.line, Some(key)), problem, allowed);
            })
            .ok()
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn place(&self, line: u64, key: Option<&str>) -> Place {
        let path = key.map_or_else(|| self.path.clone(), |key| self.path_of(key));
        Place::File { file: Default::default(), line, path }
    }
}

/// The value of a free key of a map.
pub(crate) struct FreeEntry<'a> {
    path: String,
    node: &'a Node,
    mistakes: &'a Mistakes,
}

impl<'a> FreeEntry<'a> {
    /// The value, parsed; `None` when it is wrong, which is noted.
    pub(crate) fn read<T>(&self, parse: impl FnOnce(&Value) -> Result<T, Problem>) -> Option<T> {
        parse(&self.node.value)
            .map_err(|Problem { problem, allowed }| {
                let place = Place::File { file: Default::default(), line: self.node.line, path: self.path.clone() };
                self.mistakes.add(place, problem, allowed);
            })
            .ok()
    }

    /// The value as a map with fixed keys.
    pub(crate) fn section(&self) -> Section<'a> {
        Section::new(self.path.clone(), self.node, self.mistakes)
    }
}

/// The first entry of each key; later ones are noted.
fn without_repetition<'a>(section: &Section<'a>, entries: &'a [Entry]) -> Vec<&'a Entry> {
    let mut first: Vec<&Entry> = Vec::with_capacity(entries.len());
    for entry in entries {
        match first.iter().find(|known| known.key == entry.key) {
            Some(known) => {
                let problem = format!("is set a second time, first on line {}", known.line);
                section.mistakes.add(section.place(entry.line, Some(&entry.key)), problem, "");
            }
            None => first.push(entry),
        }
    }
    first
}
