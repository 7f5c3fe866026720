//! Feeds `leadgate::fuzzed::email` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate::fuzzed::email(data));
