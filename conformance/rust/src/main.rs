//! Black-box checks of a server by the AWS SDK for Rust: `conformance-rust rust`, and kill -9 under load:
//! `conformance-rust kill`. The server's binary is named by `ANABRANCH_BINARY`.

use std::process::ExitCode;

mod checks;
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
        ["tls-client", endpoint] => {
            tls::client(endpoint).await;
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("usage: conformance-rust rust|kill");
            return ExitCode::FAILURE;
        }
    };
    record::save();
    println!("conformance: {passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
