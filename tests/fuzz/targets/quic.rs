//! Fuzz target `quic`: see `fuzz_targets::quic_datagram`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::quic_datagram(octets));
