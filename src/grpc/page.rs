//! Pages of lists: their size, and filters that the engine leaves to us.

use crate::engine::{Page, RequestError};

use super::violation::{Rule, Violations};

/// So often the engine is asked to fill one page; a page may hold less than was asked for.
const MOST_ROUNDS: usize = 20;

/// How many entries to return: the usual number for 0, and never more than the most.
pub(crate) fn page_size(given: i32, usual: usize, most: usize) -> Result<usize, Violations> {
    match usize::try_from(given) {
        Ok(0) => Ok(usual),
        Ok(size) => Ok(size.min(most)),
        Err(_) => Err(Violations::one("page_size", Rule::InvalidValue, "must not be negative")),
    }
}

/// A page of the entries that `keep` keeps.
///
/// Whole pages of the engine go in, so that the cursor behind them is one of the engine's own.
pub(crate) async fn filled<T, F>(
    size: usize,
    mut after: Option<Vec<u8>>,
    fetch: impl Fn(usize, Option<Vec<u8>>) -> F,
    keep: impl Fn(&T) -> bool,
) -> Result<Page<T>, RequestError>
where
    F: Future<Output = Result<Page<T>, RequestError>>,
{
    let mut items = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let Page { items: more, next } = fetch(size - items.len(), after).await?;
        items.extend(more.into_iter().filter(&keep));
        after = next;
        if after.is_none() || items.len() >= size {
            break;
        }
    }
    Ok(Page { items, next: after })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(size: usize, after: Option<Vec<u8>>) -> Page<u8> {
        let start = after.map_or(0, |cursor| cursor[0]);
        let items: Vec<u8> = (start..100).take(size).collect();
        let end = start + u8::try_from(items.len()).expect("few");
        Page { items, next: (end < 100).then(|| vec![end]) }
    }

    async fn check(size: usize, divisor: u8) {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let fetch = |size, after| std::future::ready(Ok(numbers(size, after)));
            let page = filled(size, after, fetch, |number| number % divisor == 0).await.expect("a page");
            assert!(page.items.len() <= size);
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, (0..100).filter(|number| number % divisor == 0).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn filtered_pages_hold_everything_once_and_never_too_much() {
        check(60, 1).await;
        check(1, 1).await;
        check(3, 20).await;
        check(100, 7).await;
    }

    #[test]
    fn page_sizes_have_a_default_and_a_limit() {
        assert_eq!(page_size(0, 50, 500), Ok(50));
        assert_eq!(page_size(7, 50, 500), Ok(7));
        assert_eq!(page_size(i32::MAX, 50, 500), Ok(500));
        assert!(page_size(-1, 50, 500).is_err());
    }
}
