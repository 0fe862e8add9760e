//! Black-box checks of a server by the AWS SDK for Rust: `conformance-rust rust`, kill -9 under load:
//! `conformance-rust kill`, and this project's own producer and consumer: `conformance-rust client`, beside workers of KCL:
//! `conformance-rust client-kcl`. The server's binary is named by `ANABRANCH_BINARY`.

use std::process::ExitCode;

mod checks;
mod client;
mod kill;
mod record;
mod sdk;
mod server;
mod tls;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (passed, failed) = match arguments[..] {
        ["rust"] => checks::run().await,
        ["kill"] => kill::run().await,
        ["client"] => client::run().await,
        ["client-kcl"] => client::run_mixed().await,
        ["tls-client", endpoint] => {
            tls::client(endpoint).await;
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("usage: conformance-rust rust|kill|client|client-kcl");
            return ExitCode::FAILURE;
        }
    };
    record::save();
    println!("conformance: {passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
