//! Sends any bytes as a request to the HTTP interface.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rollcall::fuzzing::request(data));
