//! Lives of a service, each step compared with the reference model of the test kit.
//!
//! The steps are those of the test of `streams`: after a byte for the pace of changes, each is made of a few bytes.

#![no_main]

use std::time::Duration;

#[path = "../../crates/streams/tests/main/model/run.rs"]
mod run;
#[path = "../../crates/streams/tests/main/model/server.rs"]
mod server;
#[path = "../../crates/streams/tests/main/model/steps.rs"]
mod steps;
#[path = "../../crates/streams/tests/main/model/views.rs"]
mod views;

/// Steps of one life.
const STEPS_MAX: usize = 120;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((pace, input)) = input.split_first() else { return };
    // Every other life has changes that take up to three seconds.
    let delay = Duration::from_millis(u64::from(pace % 2) * u64::from(*pace) * 12);
    let steps: Vec<steps::Step> = input.chunks(size_of::<steps::Numbers>()).take(STEPS_MAX).map(step).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        run::Run::start(Box::<server::InMemory>::default(), delay).await.take_all(&steps).await;
    });
});

fn step(bytes: &[u8]) -> steps::Step {
    let mut numbers = steps::Numbers::default();
    for (number, bytes) in numbers.iter_mut().zip(bytes.chunks(2)) {
        *number = bytes.iter().rev().fold(0, |number, byte| number << 8 | u16::from(*byte));
    }
    steps::Step::of(&numbers)
}
