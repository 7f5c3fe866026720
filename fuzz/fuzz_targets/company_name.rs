//! Feeds `leadgate::fuzzed::company_name` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate::fuzzed::company_name(data));
