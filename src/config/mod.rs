//! Settings of the server and the policy file: read from file, environment and flags, checked, and every mistake told at once.
//!
//! [`RawSettings`] are texts with the place they came from; [`Settings`] are checked. Flags win over environment variables, these over
//! the file, and the file over the defaults, with which no file is needed. Nothing here starts or opens anything but the two files.

mod document;
mod mistake;
pub mod policy_file;
mod raw;
mod scalar;
mod section;
mod settings;
mod value;

use std::io::Read;
use std::path::Path;

pub use mistake::{Mistake, Place};
pub use raw::{RawSettings, VARIABLE_PREFIX};
pub use settings::{LogFormat, LogSettings, Settings};

/// Every setting, as the configuration file names it.
pub const SETTING_KEYS: &[&str] = &settings::KEYS;

/// Reads a small text file whole; a mistake tells why it cannot be read.
fn file_text(path: &Path, largest_bytes: u64) -> Result<String, Mistake> {
    let mistake = |problem: String| {
        let place = Place::File { file: path.to_owned(), line: 0, path: String::new() };
        Mistake { place, problem, allowed: String::new() }
    };
    let file = std::fs::File::open(path).map_err(|error| mistake(format!("cannot be read: {error}")))?;
    let mut text = Vec::new();
    file.take(largest_bytes + 1).read_to_end(&mut text).map_err(|error| mistake(format!("cannot be read: {error}")))?;
    if text.len() as u64 > largest_bytes {
        return Err(mistake(format!("is larger than {largest_bytes} bytes")));
    }
    String::from_utf8(text).map_err(|_| mistake("is not UTF-8".into()))
}
