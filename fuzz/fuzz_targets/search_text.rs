//! Feeds `leadgate_fuzz::search_text` whatever libFuzzer finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leadgate_fuzz::search_text(data));
