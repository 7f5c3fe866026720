//! Feeds `leadgate::fuzzed::domain_name` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate::fuzzed::domain_name(data));
