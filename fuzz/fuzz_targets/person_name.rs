//! Feeds `leadgate::fuzzed::person_name` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate::fuzzed::person_name(data));
