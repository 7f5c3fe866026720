//! Feeds `leadgate_fuzz::policy_file` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate_fuzz::policy_file(data));
