//! Reads any bytes as settings.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rollcall::fuzzing::settings(data));
