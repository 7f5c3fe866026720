//! Feeds `leadgate::fuzzed::import_file` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate::fuzzed::import_file(data));
