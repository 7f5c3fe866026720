//! Every target over its kept corpus and over mutants of it: 2,000 for each target, or as many as `LEADGATE_FUZZ_MUTANTS` says. They
//! come from a fixed seed, so that a failure comes again.

use std::path::Path;
use std::{env, fs, panic};

use super::{TARGETS, Target};

/// Pieces that parsers look for; mutants get some of them.
const PIECES: &[&str] = &[
    "@",
    ".",
    "+",
    "00",
    "mailto:",
    "<",
    ">",
    "xn--",
    "www.",
    "https://",
    "national:",
    ":",
    "DE",
    "ext. ",
    "x",
    "#",
    "Dr. ",
    "Jr",
    ", ",
    "GmbH",
    " & Co. KG",
    "&",
    "the ",
    "MKTG-",
    "{{",
    "}}",
    "n/a",
    "-",
    "\u{200B}",
    "\u{202E}",
    "\u{0301}",
    "İ",
    "ß",
    "ﬁ",
    "漢",
    "٣",
    "\u{0}",
    "\n",
];

#[test]
#[expect(clippy::print_stdout, reason = "how much was tried, for whoever asks with --nocapture")]
fn any_bytes_are_parsed_or_refused() {
    let mutants = env::var("LEADGATE_FUZZ_MUTANTS").map_or(2_000, |count| count.parse().expect("a number"));
    for target in TARGETS {
        let corpus = corpus(target.0);
        corpus.iter().for_each(|input| check(target, input));
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        for _ in 0..mutants {
            check(target, &random.mutant(&corpus));
        }
        println!("{}: {} kept inputs, {mutants} mutants", target.0, corpus.len());
    }
}

#[test]
fn every_target_has_a_fuzzer_and_a_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml knows {name}");
        let fuzzer = fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).expect("a fuzzer");
        assert!(fuzzer.contains(&format!("fuzzed::{name}(data)")), "{fuzzer}");
        assert!(!corpus(name).is_empty());
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the kept corpus").map(|file| file.expect("a file").path()).collect();
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
