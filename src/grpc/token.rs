//! Page and resume tokens: opaque to callers, good only for the request that they were given for.

use prost::Message;

use crate::domain::TenantId;

use super::violation::{Rule, Violations};

/// Bytes of a token that say whose it is.
const SEAL_BYTES: usize = 8;

/// Longest token that is looked at, in characters.
const MOST_CHARS: usize = 4096;

/// Seals cursors for one request: method, tenant and filters.
#[derive(Debug, Clone)]
pub(crate) struct Sealer {
    scope: blake3::Hash,
}

impl Sealer {
    /// A sealer for a method and its filters; `filter` is the request without page size and token.
    pub(crate) fn new(method: &str, tenant: &TenantId, filter: &impl Message) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in [method.as_bytes(), tenant.as_str().as_bytes(), &filter.encode_to_vec()] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        Self { scope: hasher.finalize() }
    }

    /// The token that stands for a cursor.
    pub(crate) fn seal(&self, cursor: &[u8]) -> String {
        let mut token = String::with_capacity(2 * (SEAL_BYTES + cursor.len()));
        for byte in self.seal_of(cursor).iter().chain(cursor) {
            for digit in [byte >> 4, byte & 15] {
                token.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
        token
    }

    /// The cursor that a token stands for; none for an empty token.
    pub(crate) fn open(&self, token: &str, field: &'static str) -> Result<Option<Vec<u8>>, Violations> {
        if token.is_empty() {
            return Ok(None);
        }
        let cursor = bytes_of(token).and_then(|bytes| {
            let (seal, cursor) = bytes.split_at_checked(SEAL_BYTES)?;
            (*seal == self.seal_of(cursor)).then(|| cursor.to_vec())
        });
        let foreign = || Violations::one(field, Rule::InvalidValue, "not a token that this request was given before");
        cursor.map(Some).ok_or_else(foreign)
    }

    fn seal_of(&self, cursor: &[u8]) -> [u8; SEAL_BYTES] {
        let digest = *blake3::keyed_hash(self.scope.as_bytes(), cursor).as_bytes();
        std::array::from_fn(|index| digest[index])
    }
}

fn bytes_of(token: &str) -> Option<Vec<u8>> {
    if token.len() > MOST_CHARS || !token.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    token.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::proto::ListReviewsRequest;

    fn sealer(method: &str, lead_id: &str) -> Sealer {
        let filter = ListReviewsRequest { lead_id: lead_id.to_owned(), ..ListReviewsRequest::default() };
        Sealer::new(method, &TenantId::default(), &filter)
    }

    #[test]
    fn a_token_opens_for_its_own_request_only() {
        let own = sealer("ListReviews", "a");
        let token = own.seal(b"\x00\xffcursor");
        assert_eq!(own.open(&token, "page_token"), Ok(Some(b"\x00\xffcursor".to_vec())));
        assert_eq!(own.open("", "page_token"), Ok(None));
        for foreign in [sealer("ListReviews", "b"), sealer("ListDecisions", "a")] {
            assert!(foreign.open(&token, "page_token").is_err());
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let sealer = sealer("ListReviews", "");
        let token = sealer.seal(b"cursor");
        let changed = format!("{}0", &token[..token.len() - 1]);
        let long = "ab".repeat(MOST_CHARS);
        for text in ["zz", "a", "üü", "00", &token[2..], &token.to_uppercase(), &changed, &long] {
            assert!(text == token || sealer.open(text, "page_token").is_err(), "{text}");
        }
    }
}
