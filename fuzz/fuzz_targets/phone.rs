//! Feeds `leadgate::fuzzed::phone` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate::fuzzed::phone(data));
