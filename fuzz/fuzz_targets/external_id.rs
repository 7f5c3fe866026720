//! Feeds `leadgate::fuzzed::external_id` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate::fuzzed::external_id(data));
