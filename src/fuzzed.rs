//! Doors to parsers that only the crate itself uses, for the targets of `fuzz/` (`--cfg fuzzing`). Each takes any bytes, and panics
//! where something does not hold that must.

use std::path::Path;

use jiff::Timestamp;

use crate::decision::policy::Policy;
use crate::decision::rows::RowClass;
use crate::store::codec;

/// A policy file is a policy, or a list of mistakes that each say something.
pub fn policy_file(text: &str) {
    if let Err(mistakes) = crate::config::policy_file::parse(text) {
        assert!(!mistakes.is_empty() && mistakes.iter().all(|mistake| !mistake.to_string().is_empty()));
    }
}

/// A stored value that can be read is written so that it is read again as the same. The first byte chooses the class; the one behind
/// the last class is the feed.
pub fn stored_row(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    match RowClass::STORED.get(usize::from(*choice) % (RowClass::STORED.len() + 1)) {
        Some(class) => {
            let Ok(row) = codec::decode_row(*class, bytes) else { return };
            assert_eq!(codec::decode_row(*class, &codec::encode_row(&row)).as_ref(), Ok(&row));
        }
        None => {
            let Ok(event) = codec::decode_event(bytes) else { return };
            assert_eq!(codec::decode_event(&codec::encode_event(&event)).as_ref(), Ok(&event));
        }
    }
}

/// A request is a command, or a refusal that names the caller's mistake; what is kept of it is a request that says the same.
pub fn upsert_request(data: &[u8]) {
    crate::grpc::read_any_request(data, &Policy::default(), Timestamp::UNIX_EPOCH);
}

/// A search text is a search, or is refused.
pub fn search_text(text: &str) {
    crate::index::read_any_search(text);
}

/// A file is rows that each say where they end, or is refused.
pub fn import_file(path: &Path) {
    crate::cli::read_any_file(path);
}
