//! Parses any bytes as the target of an endpoint, which members and servers that redirect choose.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rollcall::fuzzing::target(data));
