//! Feeds `leadgate_fuzz::stored_row` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate_fuzz::stored_row(data));
