//! What can go wrong with the index. It holds nothing that the store does not, so no error here means lost data.

use std::io;

use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError};
use thiserror::Error;

/// The index can no longer be read or written: drop it and rebuild it from the store.
#[derive(Debug, Error)]
#[error("the index cannot be read or written")]
pub struct IndexError(#[source] TantivyError);

impl IndexError {
    /// The error of an index that was closed, or lost while it was being rebuilt.
    pub(super) fn closed() -> Self {
        Self(TantivyError::SystemError("the index is closed".into()))
    }

    /// The error of an index whose parts contradict each other.
    pub(super) fn inconsistent() -> Self {
        Self(TantivyError::InternalError("the key and the columns of a document differ".into()))
    }
}

impl From<TantivyError> for IndexError {
    fn from(error: TantivyError) -> Self {
        Self(error)
    }
}

impl From<io::Error> for IndexError {
    fn from(error: io::Error) -> Self {
        Self(error.into())
    }
}

impl From<OpenReadError> for IndexError {
    fn from(error: OpenReadError) -> Self {
        Self(error.into())
    }
}

impl From<OpenDirectoryError> for IndexError {
    fn from(error: OpenDirectoryError) -> Self {
        Self(error.into())
    }
}

/// Why no index could be opened, not even a new one.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Somebody else writes to it.
    #[error("the index folder is in use by another process")]
    InUse,
    /// The folder cannot be made, read or emptied.
    #[error("the index folder cannot be used")]
    Folder(#[source] io::Error),
    /// A new index could not be begun in an empty folder.
    #[error("no index can be begun in its folder")]
    Index(#[source] IndexError),
}

impl From<IndexError> for OpenError {
    fn from(error: IndexError) -> Self {
        match error.0 {
            TantivyError::LockFailure(LockError::LockBusy, _) => Self::InUse,
            other => Self::Index(IndexError(other)),
        }
    }
}

/// Why a text cannot be searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidQuery {
    /// It holds no letter and no digit.
    #[error("the search text holds no letter and no digit")]
    NoWords,
    /// It is longer than [`super::MAX_TEXT_CHARS`].
    #[error("the search text is longer than {} characters", super::MAX_TEXT_CHARS)]
    TooLong,
    /// It has more than [`super::MAX_WORDS`] words, or words of too many parts.
    #[error("the search text has more than {} words", super::MAX_WORDS)]
    TooManyWords,
    /// The page begins behind [`super::MAX_OFFSET`].
    #[error("no page begins behind hit {}; search for more words", super::MAX_OFFSET)]
    OffsetTooLarge,
}

/// Why a search has no answer.
#[derive(Debug, Error)]
pub enum SearchError {
    /// The caller has to ask otherwise.
    #[error(transparent)]
    Invalid(#[from] InvalidQuery),
    /// The index has to be rebuilt.
    #[error(transparent)]
    Index(#[from] IndexError),
}
