//! Feeds `leadgate::fuzzed::policy_file` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate::fuzzed::policy_file(data));
