#![no_main]

use tidewire_tests::fuzz;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::tunnel(data));
