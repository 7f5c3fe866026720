//! One decision halts under its key: whoever needs that key waits, and nobody else notices.
//!
//! `LEADGATE_HALT_SECONDS` sets how long each of the ten rounds takes (0.2 by default). The ratio of the percentiles is printed and not
//! asserted: a machine that runs other tests beside this one has no percentiles.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use leadgate::decision::command::UpsertCommand;
use leadgate::engine::{Engine, EngineSettings};
use leadgate::store::EmbeddedStore;
use tempfile::TempDir;

use super::payloads::payload;
use super::size;
use super::wire::{email_of, now_micros};

/// Callers of other keys.
const CALLERS: u64 = 16;
/// Keys of each caller.
const KEYS: u64 = 50;
/// Callers of the key under which a decision halts.
const STUCK: usize = 200;
/// Pairs of a round without and a round with the halt.
const PAIRS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halted_decision_holds_up_nobody_but_its_key() {
    let place = TempDir::new().expect("a folder");
    let settings = EngineSettings::new(place.path());
    let opening = tokio::task::spawn_blocking(|| Engine::open(settings));
    let engine = opening.await.expect("no panic").expect("an engine");
    let length = Duration::from_secs_f64(size("LEADGATE_HALT_SECONDS", 0.2));
    round(&engine, length).await;
    let mut ratios = Vec::new();
    for _ in 0..PAIRS {
        let free = round(&engine, length).await;
        let halted = halted_round(&engine, length).await;
        println!("free: {free}; halted: {halted}");
        ratios.push(halted.p99.as_secs_f64() / free.p99.as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "p99 of other keys while one is halted, against p99 without: {:.2} (median of {PAIRS})",
        ratios[PAIRS / 2]
    );
    engine.drain().await;
}

fn halted_key() -> UpsertCommand {
    payload(&format!("web: email={} title=any", email_of(CALLERS * KEYS)))
}

/// A round while a decision about one key neither goes on nor ends, and many callers wait for that key.
async fn halted_round(engine: &Arc<Engine<EmbeddedStore>>, length: Duration) -> Figures {
    let halted = engine.halt(&halted_key()).await.expect("a short queue");
    let answered = Arc::new(AtomicBool::new(false));
    let mut stuck = Vec::new();
    for _ in 0..STUCK {
        let (engine, answered) = (Arc::clone(engine), Arc::clone(&answered));
        stuck.push(tokio::spawn(async move {
            engine.upsert(halted_key()).await.expect("an answer, however late");
            answered.store(true, Ordering::Relaxed);
        }));
    }
    let figures = round(engine, length).await;
    assert!(!answered.load(Ordering::Relaxed), "nobody passes a halted decision on its key");
    assert!(figures.upserts > CALLERS, "other keys go on: {figures}");
    drop(halted);
    for stuck in stuck {
        stuck.await.expect("an answer");
    }
    figures
}

/// What callers of other keys saw.
struct Figures {
    upserts: u64,
    p50: Duration,
    p99: Duration,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { upserts, p50, p99 } = self;
        write!(formatter, "{upserts} upserts, p50 {p50:.2?}, p99 {p99:.2?}")
    }
}

async fn round(engine: &Arc<Engine<EmbeddedStore>>, length: Duration) -> Figures {
    let until = Instant::now() + length;
    let callers: Vec<_> =
        (0..CALLERS).map(|caller| tokio::spawn(call_until(Arc::clone(engine), caller, until))).collect();
    let mut micros = Histogram::<u64>::new(3).expect("three digits");
    for caller in callers {
        micros.add(caller.await.expect("answers")).expect("the same digits");
    }
    let percentile = |share| Duration::from_micros(micros.value_at_quantile(share));
    Figures { upserts: micros.len(), p50: percentile(0.50), p99: percentile(0.99) }
}

async fn call_until(engine: Arc<Engine<EmbeddedStore>>, caller: u64, until: Instant) -> Histogram<u64> {
    let mut micros = Histogram::new(3).expect("three digits");
    let mut call = 0;
    while Instant::now() < until {
        call += 1;
        let began = Instant::now();
        let title = now_micros();
        let text = format!("web: email={} title=t{title}", email_of(caller * KEYS + call % KEYS));
        engine.upsert(payload(&text)).await.expect("an answer");
        let elapsed = u64::try_from(began.elapsed().as_micros()).expect("a short call");
        micros.record(elapsed).expect("a histogram that grows");
    }
    micros
}
