//! Every call of the file system fails once: scripts are run again and again, and each time another call fails, the first to
//! the last, with EIO, ENOSPC, EINTR or by writing less. The server stays alive or ends with an error; after a start on
//! the healthy disk nothing that was acknowledged is missing.

use std::fmt::Write as _;

use tokio::task::{JoinSet, spawn_blocking};

use crate::client::Client;
use crate::faulty::{Failure, Fault, Faulty};
use crate::judge::judge;
use crate::load::Recorder;
use crate::random::Random;
use crate::report::{Options, Report};
use crate::server::{Server, Settings};

mod script;

use script::{SCRIPTS, Script};

const TRIALS_AT_ONCE: usize = 4;
/// Threads make the number of calls differ a little from run to run: a script is through when so many trials in a row
/// have ended before their call came.
const UNSTRUCK_MAX: u64 = 6;
/// Failures that a run collects before it gives up.
const FAILURES_MAX: usize = 20;

/// Counts of one script and one way to fail.
#[derive(Default)]
struct Tally {
    struck: u64,
    unstruck: u64,
    failures: Vec<String>,
}

pub(crate) async fn run(options: &Options) -> Result<Report, String> {
    let scripts = SCRIPTS.len().min(usize::try_from(options.count).unwrap_or(usize::MAX));
    let (mut struck, mut failures, mut text) = (0, Vec::new(), String::new());
    for script in &SCRIPTS[..scripts] {
        for failure in Failure::ALL {
            let tally = run_all(*script, failure, options.seed).await;
            println!("{script:?}, {failure:?}: {} calls, {} failures", tally.struck, tally.failures.len());
            let _ = write!(text, "{}{script:?} {failure:?} {}", if text.is_empty() { "" } else { ", " }, tally.struck);
            struck += tally.struck;
            failures.extend(tally.failures);
            if failures.len() >= FAILURES_MAX {
                break;
            }
        }
    }
    if failures.is_empty() {
        return Ok(Report::passed(struck, format!("0 lost, 0 crashes, 0 hangs; calls that failed once: {text}")));
    }
    Err(format!("{} of {struck} trials failed: {text}", failures.len()))
}

/// One trial for each call of the script, until there are no more.
async fn run_all(script: Script, failure: Failure, seed: u64) -> Tally {
    let mut tally = Tally::default();
    let mut running = JoinSet::new();
    for nth in 1.. {
        if tally.unstruck >= UNSTRUCK_MAX || tally.failures.len() >= FAILURES_MAX {
            break;
        }
        if running.len() >= TRIALS_AT_ONCE {
            collect(&mut running, &mut tally).await;
        }
        running.spawn(run_trial(script, Fault { failure, nth, call: None, ending: "" }, seed));
    }
    while !running.is_empty() {
        collect(&mut running, &mut tally).await;
    }
    tally
}

async fn collect(running: &mut JoinSet<Result<bool, String>>, tally: &mut Tally) {
    let Some(outcome) = running.join_next().await else { return };
    match outcome.expect("no trial panics") {
        Ok(true) => {
            tally.struck += 1;
            tally.unstruck = 0;
        }
        Ok(false) => tally.unstruck += 1,
        Err(message) => {
            println!("FAILED {message}");
            tally.struck += 1;
            tally.failures.push(message);
        }
    }
}

/// Runs the script with the fault, then looks at what is there; whether the call came.
async fn run_trial(script: Script, fault: Fault, seed: u64) -> Result<bool, String> {
    let faulty = spawn_blocking(Faulty::mount).await.expect("mounting does not panic");
    let faulty = faulty.map_err(|error| format!("the folder cannot be mounted: {error}"))?;
    let recorder = Recorder::new();
    faulty.set(Some(fault));
    let done = script::run(script, &faulty.path().join("data"), &recorder, seed).await;
    let struck = faulty.struck();
    faulty.set(None);
    let outcome = match done {
        Ok(()) => look(&faulty, &recorder, seed).await,
        Err(message) => Err(message),
    };
    spawn_blocking(move || drop(faulty)).await.expect("unmounting does not panic");
    let where_ = struck.as_ref().map(|(call, path)| format!("{call:?} of {}", path.display())).unwrap_or_default();
    let named = |message| format!("{script:?}, {:?} at call {} ({where_}): {message}", fault.failure, fault.nth);
    outcome.map(|()| struck.is_some()).map_err(named)
}

/// Starts the server on the healthy disk and compares what it serves with what was acknowledged.
async fn look(faulty: &Faulty, recorder: &Recorder, seed: u64) -> Result<(), String> {
    let server = Server::start(&Settings::new(faulty.below().join("data"))).await;
    let server = server.map_err(|error| format!("on the healthy disk: {error}"))?;
    let mut record = recorder.lock().clone();
    let judged = judge(&Client::connect(&server), &mut record, script::now(recorder), &mut Random::new(seed)).await;
    let said = server.kill().await;
    judged.map(drop).map_err(|message| format!("{message}\nThe server said:\n{}", crate::server::last_lines(&said)))
}
