//! Servers that speak the Kinesis API, this one among them, and bare servers that answer PutRecords.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::installed::Program;
use super::running::{Process, Running, Setup, Spawned};
use crate::api::Api;
use crate::floor::{BareServer, Work};
use crate::load::Producer;
use crate::plan::{Plan, Requests};
use crate::request::{ALL_TAKEN, signed_batches};
use crate::server::{Server, free_address};

const STREAM: &str = "bench";
const SHARDS: u32 = 4;
const COUNT_TIME_MAX: Duration = Duration::from_secs(30);

struct ApiServer {
    process: Box<dyn Process>,
    address: SocketAddr,
    requests: Requests,
    /// Whether it stores what it takes.
    stores: bool,
}

impl ApiServer {
    fn ready(process: Box<dyn Process>, address: SocketAddr, setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
        Api { address }.create_stream(STREAM, SHARDS)?;
        let requests = signed_batches(address, STREAM, setup.shape);
        Ok(Box::new(Self { process, address, requests, stores: true }))
    }
}

impl Running for ApiServer {
    fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn producer(&self, index: usize) -> Result<Box<dyn Producer>, String> {
        let time = Duration::ZERO;
        let plan = Plan { address: self.address, requests: &self.requests, connections: 0, time, expect: ALL_TAKEN };
        plan.producer(index)
    }

    fn stored(&self) -> Result<Option<u64>, String> {
        if !self.stores {
            return Ok(None);
        }
        Api { address: self.address }.count_records(STREAM, SHARDS, COUNT_TIME_MAX)
    }
}

pub(super) fn anabranch(setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    let server = Server::start(setup.options, &[])?;
    let address = server.address();
    ApiServer::ready(Box::new(server), address, setup)
}

/// A bare server that does all that a PutRecords asks of a processor.
pub(super) fn hyper(setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    bare(Work::Compute, setup)
}

/// The same, with the frame on the disk before the answer.
pub(super) fn hyper_durable(setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    bare(Work::Store, setup)
}

fn bare(work: Work, setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    let server = BareServer::start(work, setup.folder)?;
    let address = server.address;
    let requests = signed_batches(address, STREAM, setup.shape);
    Ok(Box::new(ApiServer { process: Box::new(server), address, requests, stores: false }))
}

pub(super) fn ferrokinesis(program: &Program, setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    spawned(program, setup, |port| (vec!["--port".into(), port, "--create-stream-ms".into(), "0".into()], vec![]))
}

pub(super) fn ferrokinesis_durable(program: &Program, setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    let state = setup.folder.join("state").display().to_string();
    spawned(program, setup, |port| {
        let arguments = ["--port", &port, "--create-stream-ms", "0", "--state-dir", &state];
        (arguments.map(str::to_owned).to_vec(), vec![])
    })
}

pub(super) fn kinesalite(program: &Program, setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    spawned(program, setup, |port| (vec!["--port".into(), port, "--createStreamMs".into(), "0".into()], vec![]))
}

pub(super) fn kinesis_local(program: &Program, setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    // It opens a port with TLS beside the other, whether it is wanted or not.
    let tls = free_address()?.port().to_string();
    spawned(program, setup, |port| (vec![], vec![("KINESIS_MOCK_PLAIN_PORT", port), ("KINESIS_MOCK_TLS_PORT", tls)]))
}

pub(super) fn moto(program: &Program, setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    spawned(program, setup, |port| (["-H", "127.0.0.1", "-p", &port].map(str::to_owned).to_vec(), vec![]))
}

/// Arguments and environment.
type Place = (Vec<String>, Vec<(&'static str, String)>);

fn spawned(
    program: &Program,
    setup: Setup<'_>,
    place: impl FnOnce(String) -> Place,
) -> Result<Box<dyn Running>, String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_address()?.port()));
    let (arguments, environment) = place(address.port().to_string());
    let process = Spawned::start(program, &arguments, &environment, setup.folder, address)?;
    ApiServer::ready(Box::new(process), address, setup)
}
