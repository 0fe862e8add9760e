//! This project's own producer and consumer against the server.

mod application;
mod log;
mod rate;
mod session;

pub(crate) use rate::run as rate;

/// Each case on a server of its own.
pub(crate) async fn run() -> (usize, usize) {
    let mut failed = 0;
    for (name, fan_out) in [("polling", false), ("fan-out", true)] {
        match application::run(fan_out).await {
            Ok(summary) => println!("ok {name}: {summary}"),
            Err(message) => {
                println!("FAILED {name}: {message}");
                failed += 1;
            }
        }
    }
    (2 - failed, failed)
}
