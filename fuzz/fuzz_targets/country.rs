//! Feeds `leadgate_fuzz::country` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate_fuzz::country(data));
