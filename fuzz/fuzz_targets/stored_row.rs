//! Feeds `leadgate::fuzzed::stored_row` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate::fuzzed::stored_row(data));
