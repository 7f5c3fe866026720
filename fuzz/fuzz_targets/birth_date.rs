//! Feeds `leadgate::fuzzed::birth_date` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate::fuzzed::birth_date(data));
