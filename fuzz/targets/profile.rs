//! The settings files of AWS's tools, which the client reads.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use client::Profile;

static FILE: LazyLock<PathBuf> = LazyLock::new(|| fuzz::place("profile"));

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    std::fs::write(&*FILE, text).expect("room for a file");
    let variable = |_: &str| Some(FILE.display().to_string());
    for name in [None, Some("default"), Some("p")] {
        if let Ok(profile) = Profile::load(name, variable) {
            assert!(profile.get("region").is_none_or(|value| value == value.trim()));
        }
    }
});
