//! Manifest, journals and segments of a data directory.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| fuzz::place("directory"));

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::directory::check(&DIRECTORY, input));
