//! How one logical value lies in the engine: the sequence of its last change in front, and no physical value above 3 KiB.
//!
//! A larger value is cut into chunk rows of a table of their own, and its head row says how many there are. Heads and chunks of
//! one value are written in one batch and read under one snapshot; each chunk repeats the head's sequence, so that a mixture of two
//! versions could not go unnoticed.

/// No physical value is longer. fjall 3.1 refuses to open after a torn write of a batch with longer ones (DEPENDENCIES.md).
pub(super) const MAX_PHYSICAL_BYTES: usize = 3 * 1024;

const SEQUENCE_BYTES: usize = 8;
const HEAD_BYTES: usize = SEQUENCE_BYTES + 1;
const CHUNK_BYTES: usize = MAX_PHYSICAL_BYTES - SEQUENCE_BYTES;
const WHOLE: u8 = 0;
const CHUNKED: u8 = 1;

/// A logical value as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Physical {
    /// The row under the value's own key.
    pub(super) head: Vec<u8>,
    /// Further rows, in order; empty for nearly all values.
    pub(super) chunks: Vec<Vec<u8>>,
}

/// A head row, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head<'a> {
    /// The value is all here.
    Whole {
        /// The commit sequence of the value's last change.
        sequence: u64,
        /// The value.
        payload: &'a [u8],
    },
    /// The value lies in chunk rows.
    Chunked {
        /// The commit sequence of the value's last change.
        sequence: u64,
        /// The length of the value in bytes.
        length: usize,
        /// How many chunk rows hold it.
        chunks: u16,
    },
}

/// Bytes that are no head or chunk of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the row's frame cannot be read")]
pub(super) struct Malformed;

/// Frames a value of up to 190 MiB.
pub(super) fn frame(sequence: u64, payload: &[u8]) -> Physical {
    if HEAD_BYTES + payload.len() <= MAX_PHYSICAL_BYTES {
        let mut head = Vec::with_capacity(HEAD_BYTES + payload.len());
        head.extend_from_slice(&sequence.to_le_bytes());
        head.push(WHOLE);
        head.extend_from_slice(payload);
        return Physical { head, chunks: Vec::new() };
    }
    let chunks: Vec<_> = payload.chunks(CHUNK_BYTES).map(|part| frame_chunk(sequence, part)).collect();
    let mut head = Vec::with_capacity(HEAD_BYTES + 6);
    head.extend_from_slice(&sequence.to_le_bytes());
    head.push(CHUNKED);
    head.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    head.extend_from_slice(&u16::try_from(chunks.len()).unwrap_or(u16::MAX).to_le_bytes());
    Physical { head, chunks }
}

fn frame_chunk(sequence: u64, part: &[u8]) -> Vec<u8> {
    let mut chunk = Vec::with_capacity(SEQUENCE_BYTES + part.len());
    chunk.extend_from_slice(&sequence.to_le_bytes());
    chunk.extend_from_slice(part);
    chunk
}

/// Reads a head row.
pub(super) fn parse_head(bytes: &[u8]) -> Result<Head<'_>, Malformed> {
    let (sequence, rest) = split_sequence(bytes)?;
    let (form, payload) = rest.split_first().ok_or(Malformed)?;
    match *form {
        WHOLE => Ok(Head::Whole { sequence, payload }),
        CHUNKED => {
            let (length, chunks) = payload.split_first_chunk::<4>().ok_or(Malformed)?;
            let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Malformed)?;
            let chunks = u16::from_le_bytes(chunks.try_into().map_err(|_| Malformed)?);
            Ok(Head::Chunked { sequence, length, chunks })
        }
        _ => Err(Malformed),
    }
}

/// Reads a chunk row: the sequence of the value it belongs to, and its part of it.
pub(super) fn parse_chunk(bytes: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    split_sequence(bytes)
}

fn split_sequence(bytes: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    let (sequence, rest) = bytes.split_first_chunk::<SEQUENCE_BYTES>().ok_or(Malformed)?;
    Ok((u64::from_le_bytes(*sequence), rest))
}

/// The key of a chunk row: the table of the value, its key there, and the chunk's number from 0.
pub(super) fn chunk_key(table: u8, key: &[u8], index: u16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len() + 3);
    bytes.push(table);
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(&index.to_be_bytes());
    bytes
}

/// What a chunk's key names: table, key and number.
pub(super) fn parse_chunk_key(bytes: &[u8]) -> Option<(u8, &[u8], u16)> {
    let (table, rest) = bytes.split_first()?;
    let (key, index) = rest.split_last_chunk::<2>()?;
    Some((*table, key, u16::from_be_bytes(*index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reassemble(physical: &Physical) -> (u64, Vec<u8>) {
        match parse_head(&physical.head).unwrap() {
            Head::Whole { sequence, payload } => (sequence, payload.to_vec()),
            Head::Chunked { sequence, length, chunks } => {
                assert_eq!(usize::from(chunks), physical.chunks.len());
                let mut value = Vec::new();
                for chunk in &physical.chunks {
                    let (own, part) = parse_chunk(chunk).unwrap();
                    assert_eq!(own, sequence);
                    value.extend_from_slice(part);
                }
                assert_eq!(value.len(), length);
                (sequence, value)
            }
        }
    }

    #[test]
    fn a_value_of_any_length_is_read_back_and_no_physical_row_passes_3_kib() {
        for length in [0, 1, 3062, 3063, 3064, 6128, 6129, 100_000, 1_000_000] {
            let payload: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
            let physical = frame(7, &payload);
            assert!(physical.head.len() <= MAX_PHYSICAL_BYTES);
            assert!(physical.chunks.iter().all(|chunk| chunk.len() <= MAX_PHYSICAL_BYTES));
            assert_eq!(physical.chunks.is_empty(), length <= 3063, "{length}");
            assert_eq!(reassemble(&physical), (7, payload));
        }
    }

    #[test]
    fn bytes_that_are_no_head_are_refused() {
        for bytes in [&[][..], &[1; 8], &[0, 0, 0, 0, 0, 0, 0, 0, 2], &[0, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9]] {
            assert_eq!(parse_head(bytes), Err(Malformed), "{bytes:?}");
        }
    }

    #[test]
    fn a_chunk_key_names_its_value() {
        assert_eq!(parse_chunk_key(&chunk_key(3, b"acme\0x", 258)), Some((3, &b"acme\0x"[..], 258)));
        assert_eq!(parse_chunk_key(&[1, 2]), None);
    }
}
