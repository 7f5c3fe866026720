//! Feeds `leadgate::fuzzed::search_text` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate::fuzzed::search_text(data));
