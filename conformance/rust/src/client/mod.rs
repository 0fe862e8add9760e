//! This project's own producer and consumer against the server.

mod application;
mod log;
mod mixed;
mod session;

/// Each case on a server of its own.
pub(crate) async fn run() -> (usize, usize) {
    let polling = told("polling", application::run(false).await);
    let fan_out = told("fan-out", application::run(true).await);
    let passed = usize::from(polling) + usize::from(fan_out);
    (passed, 2 - passed)
}

/// Beside workers of KCL.
pub(crate) async fn run_mixed() -> (usize, usize) {
    let passed = usize::from(told("beside KCL", mixed::run().await));
    (passed, 1 - passed)
}

fn told(name: &str, outcome: Result<String, String>) -> bool {
    match &outcome {
        Ok(summary) => println!("ok {name}: {summary}"),
        Err(message) => println!("FAILED {name}: {message}"),
    }
    outcome.is_ok()
}
