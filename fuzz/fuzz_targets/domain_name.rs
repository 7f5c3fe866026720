//! Feeds `leadgate_fuzz::domain_name` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate_fuzz::domain_name(data));
