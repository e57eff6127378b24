//! Lets a check read any bytes as the response of an endpoint.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rollcall::fuzzing::response(data));
