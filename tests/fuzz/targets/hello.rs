//! Fuzz target `hello`: see `fuzz_targets::hello`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::hello(octets));
