//! Settings as they were written: texts with the place they came from, layer over layer.

use std::collections::BTreeMap;
use std::path::Path;

use super::document::{Node, Value};
use super::mistake::{Mistakes, Place};
use super::settings::KEYS;

/// Environment variables with this prefix are settings.
pub const VARIABLE_PREFIX: &str = "LEADGATE_";

/// Variables with the prefix that are no settings: the file's path, the server that clients call, and its build.
const OTHER_VARIABLES: [&str; 2] = ["CONFIG", "SERVER"];

/// What Kubernetes and Docker set for a service of the name leadgate.
const SERVICE_LINKS: [&str; 4] = ["SERVICE_", "PORT", "ENV_", "NAME"];

/// Largest configuration file.
const LARGEST_FILE_BYTES: u64 = 1 << 20;

/// One setting as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawSetting {
    pub(super) text: String,
    pub(super) place: Place,
}

/// Settings of one layer, or of several laid over each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawSettings(pub(super) BTreeMap<&'static str, RawSetting>);

impl RawSettings {
    /// Flags of the command line, by the key of the setting; the flag's name is the key with hyphens.
    pub fn from_flags<'a>(flags: impl IntoIterator<Item = (&'a str, Option<String>)>) -> Self {
        let mut settings = BTreeMap::new();
        for (key, text) in flags {
            let known = KEYS.into_iter().find(|known| *known == key);
            if let (Some(key), Some(text)) = (known, text) {
                let place = Place::Flag(format!("--{}", key.replace('_', "-")));
                settings.insert(key, RawSetting { text, place });
            }
        }
        Self(settings)
    }

    /// Environment variables. An empty one counts as not set; one with the prefix that is no setting is a mistake.
    pub(super) fn from_variables(variables: impl IntoIterator<Item = (String, String)>, mistakes: &Mistakes) -> Self {
        let mut settings = BTreeMap::new();
        for (variable, text) in variables {
            let Some(name) = variable.strip_prefix(VARIABLE_PREFIX) else { continue };
            match KEYS.into_iter().find(|key| key.to_ascii_uppercase() == name) {
                Some(_) if text.is_empty() => {}
                Some(key) => {
                    settings.insert(key, RawSetting { text, place: Place::Variable(variable) });
                }
                None if is_foreign(name) => {}
                None => mistakes.add(Place::Variable(variable), "unknown setting", known_variables()),
            }
        }
        Self(settings)
    }

    /// A configuration file: a flat map.
    pub(super) fn from_file(path: &Path, mistakes: &Mistakes) -> Self {
        let place = |line, key: &str| Place::File { file: path.to_owned(), line, path: key.to_owned() };
        let text = match super::file_text(path, LARGEST_FILE_BYTES) {
            Ok(text) => text,
            Err(mistake) => {
                mistakes.extend([mistake]);
                return Self::default();
            }
        };
        match Node::parse(&text) {
            Ok(Node { value: Value::Map(entries), .. }) => {
                let mut settings = BTreeMap::new();
                for entry in entries {
                    let place = place(entry.node.line.max(entry.line), &entry.key);
                    match (KEYS.into_iter().find(|key| *key == entry.key), entry.node.scalar()) {
                        (None, _) => mistakes.add(place, "unknown key", KEYS.join(", ")),
                        (Some(key), _) if settings.contains_key(key) => mistakes.add(place, "is set a second time", ""),
                        (Some(_), None) => {
                            mistakes.add(
                                place,
                                format!("{} is not allowed", entry.node.value.shown()),
                                "a single value",
                            );
                        }
                        (Some(key), Some(text)) => {
                            settings.insert(key, RawSetting { text, place });
                        }
                    }
                }
                Self(settings)
            }
            Ok(Node { value: Value::Null, .. }) => Self::default(),
            Ok(node) => {
                mistakes.add(
                    place(node.line, ""),
                    format!("{} is not allowed", node.value.shown()),
                    "a map of settings",
                );
                Self::default()
            }
            Err(error) => {
                mistakes.add(place(error.line, ""), format!("is not YAML: {}", error.message), "");
                Self::default()
            }
        }
    }

    /// These settings, and those of `lower` where these say nothing.
    pub(super) fn over(mut self, lower: Self) -> Self {
        for (key, setting) in lower.0 {
            self.0.entry(key).or_insert(setting);
        }
        self
    }
}

fn is_foreign(name: &str) -> bool {
    OTHER_VARIABLES.contains(&name) || SERVICE_LINKS.iter().any(|prefix| name.starts_with(prefix))
}

fn known_variables() -> String {
    KEYS.map(|key| format!("{VARIABLE_PREFIX}{}", key.to_ascii_uppercase())).join(", ")
}
