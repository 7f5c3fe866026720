//! Runs every target on stable: over its kept corpus, then over as many mutants of it as asked for (default 100,000).
//!
//! The mutants come from a fixed seed, so that a failure comes again. A panic names target and input.

use std::path::Path;
use std::{env, fs, panic};

use leadgate_fuzz::{TARGETS, Target};

/// Pieces that parsers look for; mutants get some of them.
const PIECES: &[&str] = &[
    "@", ".", "+", "00", "mailto:", "<", ">", "xn--", "www.", "https://", "national:", ":", "DE", "ext. ", "x", "#", "Dr. ", "Jr", ", ",
    "GmbH", " & Co. KG", "&", "the ", "MKTG-", "{{", "}}", "n/a", "-", "\u{200B}", "\u{202E}", "\u{0301}", "İ", "ß", "ﬁ", "漢", "٣", "\u{0}", "\n",
];

fn main() {
    let rounds = env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(100_000);
    for target in TARGETS {
        let corpus = corpus(target.0);
        corpus.iter().for_each(|input| check(target, input));
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        for _ in 0..rounds {
            check(target, &random.mutant(&corpus));
        }
        println!("{}: {} kept inputs, {rounds} mutants", target.0, corpus.len());
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(folder).expect("the kept corpus").map(|file| file.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a readable file")).collect()
}

fn check((name, run): &Target, input: &[u8]) {
    if let Err(cause) = panic::catch_unwind(|| run(input)) {
        eprintln!("{name} fails for {input:?}, which is {:?}", String::from_utf8_lossy(input));
        panic::resume_unwind(cause);
    }
}

/// Xorshift: G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound.max(1)
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    fn mutant(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = self.pick(corpus).clone();
        for _ in 0..=self.below(4) {
            self.mutate(&mut bytes, corpus);
        }
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        let end = (at + self.below(4)).min(bytes.len());
        match self.below(5) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, self.pick(PIECES).bytes())),
            2 => drop(bytes.splice(at..end, [self.below(256) as u8])),
            3 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            _ => drop(bytes.splice(at.., self.pick(corpus).clone())),
        }
    }
}
