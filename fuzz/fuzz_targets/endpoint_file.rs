//! Imports any bytes as a file with endpoints.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rollcall::fuzzing::endpoint_file(data));
