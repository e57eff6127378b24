//! Parses any bytes as the custom id of a button, which a client can forge.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rollcall::fuzzing::custom_id(data));
