//! Feeds `leadgate::fuzzed::upsert_request` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate::fuzzed::upsert_request(data));
