//! Feeds `leadgate_fuzz::person_name` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate_fuzz::person_name(data));
