//! Admission: past a limit a request is refused before it takes any lock, and told when to come back.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::answer::RequestError;

/// Limits past which writes are refused.
#[derive(Debug, Clone)]
pub struct AdmissionLimits {
    /// Leads that wait for the index.
    pub overlay: usize,
    /// Change sets that wait for the committer.
    pub queue: usize,
    /// How long a commit may take before the engine is not ready.
    pub commit_latency: Duration,
    /// Free disk space in bytes below which writes are refused.
    pub disk_reserve_bytes: u64,
    /// Writes per second over all callers; `None` for no limit.
    pub rate_per_second: Option<u32>,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            overlay: 50_000,
            queue: 50_000,
            commit_latency: Duration::from_secs(10),
            disk_reserve_bytes: 512 * 1024 * 1024,
            rate_per_second: None,
        }
    }
}

/// What is known about the load.
pub(crate) struct Admission {
    limits: AdmissionLimits,
    started: Instant,
    disk_low: AtomicBool,
    draining: AtomicBool,
    held: AtomicBool,
    /// When the commit in progress began, in microseconds since `started`; 0 when none is.
    commit_began: AtomicU64,
    /// When the rate limit lets the next write in, in microseconds since `started`.
    next_write: AtomicU64,
}

impl Admission {
    pub(crate) fn new(limits: AdmissionLimits) -> Self {
        Self {
            limits,
            started: Instant::now(),
            disk_low: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            held: AtomicBool::new(false),
            commit_began: AtomicU64::new(0),
            next_write: AtomicU64::new(0),
        }
    }

    /// Whether a write may begin, given how many leads wait for the index and how many change sets for the committer.
    pub(crate) fn admit(&self, overlay: usize, queue: usize) -> Result<(), RequestError> {
        if self.draining.load(Ordering::Relaxed) {
            return Err(RequestError::Unavailable { what: "the server is draining" });
        }
        if self.held.load(Ordering::Relaxed) {
            return Err(RequestError::Unavailable { what: "the index is being rebuilt" });
        }
        if self.disk_low.load(Ordering::Relaxed) {
            return Err(overloaded("the disk is nearly full", Duration::from_secs(30)));
        }
        if overlay >= self.limits.overlay {
            return Err(overloaded("too many leads wait for the index", Duration::from_millis(250)));
        }
        if queue >= self.limits.queue {
            return Err(overloaded("too many changes wait for the disk", Duration::from_millis(250)));
        }
        self.admit_rate()
    }

    /// Whether so little waits that a stream may be read on: it is slowed down before anything of it has to be refused.
    pub(crate) fn has_room(&self, overlay: usize, queue: usize) -> bool {
        let roomy = |waiting: usize, limit: usize| waiting < limit / 2;
        roomy(overlay, self.limits.overlay) && roomy(queue, self.limits.queue)
    }

    /// A virtual-scheduling rate limit with one second of burst (GCRA, ITU-T I.371).
    fn admit_rate(&self) -> Result<(), RequestError> {
        const BURST_MICROS: u64 = 1_000_000;
        let Some(rate) = self.limits.rate_per_second else { return Ok(()) };
        let interval = 1_000_000 / u64::from(rate.max(1));
        let now = self.micros();
        let admitted = self.next_write.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
            let next = next.max(now);
            (next <= now + BURST_MICROS).then_some(next + interval)
        });
        match admitted {
            Ok(_) => Ok(()),
            Err(next) => Err(RequestError::RateLimited {
                retry_after: Duration::from_micros(next.saturating_sub(now + BURST_MICROS)),
            }),
        }
    }

    pub(crate) fn set_disk_free(&self, free_bytes: u64) {
        self.disk_low.store(free_bytes < self.limits.disk_reserve_bytes, Ordering::Relaxed);
    }

    /// Takes nothing new until it is told otherwise.
    pub(crate) fn hold(&self, hold: bool) {
        self.held.store(hold, Ordering::Relaxed);
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn commit_begins(&self) {
        self.commit_began.store(self.micros().max(1), Ordering::Relaxed);
    }

    pub(crate) fn commit_ends(&self) {
        self.commit_began.store(0, Ordering::Relaxed);
    }

    /// Whether the commit in progress takes longer than it may.
    pub(crate) fn is_commit_slow(&self) -> bool {
        let began = self.commit_began.load(Ordering::Relaxed);
        began != 0 && Duration::from_micros(self.micros().saturating_sub(began)) > self.limits.commit_latency
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

fn overloaded(what: &'static str, retry_after: Duration) -> RequestError {
    RequestError::Overloaded { what, retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_refuses_with_its_reason() {
        let check = |change: &dyn Fn(&Admission), overlay, queue, expected: &str| {
            let admission = Admission::new(AdmissionLimits { overlay: 10, queue: 10, ..AdmissionLimits::default() });
            change(&admission);
            let answer = admission.admit(overlay, queue).map_or_else(|error| error.to_string(), |()| "admitted".into());
            assert!(answer.contains(expected), "{answer}");
        };
        check(&|_| {}, 9, 9, "admitted");
        check(&|_| {}, 10, 0, "wait for the index");
        check(&|_| {}, 0, 10, "wait for the disk");
        check(&|admission| admission.set_disk_free(0), 0, 0, "nearly full");
        check(&Admission::drain, 0, 0, "draining");
    }

    #[test]
    fn the_rate_limit_allows_a_second_of_burst() {
        let limits = AdmissionLimits { rate_per_second: Some(10), ..AdmissionLimits::default() };
        let admission = Admission::new(limits);
        let admitted = (0..100).filter(|_| admission.admit(0, 0).is_ok()).count();
        assert!((10..=12).contains(&admitted), "{admitted}");
    }
}
