//! Feeds `leadgate_fuzz::phone` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate_fuzz::phone(data));
