//! Fuzz target `plain`: see `fuzz_targets::plain_list`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::plain_list(octets));
