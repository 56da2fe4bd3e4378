//! Fuzz target `dns`: see `fuzz_targets::dns_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::dns_message(octets));
