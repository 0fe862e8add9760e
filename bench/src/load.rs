//! A closed loop: each connection sends the next request when the answer to the last has come.

use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::process::CpuTime;

/// Before the clock starts: buffers grow, keys are derived, files are made.
const WARM_UP: Duration = Duration::from_secs(1);

/// What a loop did while the clock ran.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub elapsed: Duration,
    pub cpu: CpuTime,
    /// One for each answer, ascending.
    pub latencies: Vec<Duration>,
}

impl Load {
    pub(crate) fn requests(&self) -> f64 {
        self.latencies.len() as f64
    }

    /// Server CPU time for one request.
    pub(crate) fn cpu_per_request(&self) -> Duration {
        self.cpu.used.div_f64(self.requests().max(1.0))
    }

    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        percentile(&self.latencies, percent)
    }
}

/// Of ascending values; zero when there are none.
pub(crate) fn percentile(sorted: &[Duration], percent: f64) -> Duration {
    let last = sorted.len().saturating_sub(1) as f64;
    sorted.get((last * percent / 100.0).round() as usize).copied().unwrap_or_default()
}

/// Who is asked, with what, for how long.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub address: SocketAddr,
    /// Connection `i` begins with request `i` and takes them in turn.
    pub requests: &'a [Vec<u8>],
    pub connections: usize,
    pub time: Duration,
    /// Must be in the body of every answer; empty to look at the status only.
    pub expect: &'static [u8],
}

impl Plan<'_> {
    /// Runs the loop; `cpu` reads the account of the server.
    pub(crate) fn run(&self, cpu: impl Fn() -> CpuTime) -> Result<Load, String> {
        let (counting, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        let begin = Barrier::new(self.connections + 1);
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.connections)
                .map(|i| {
                    scope.spawn({
                        let (begin, counting, stop) = (&begin, &counting, &stop);
                        move || self.work(i, begin, counting, stop)
                    })
                })
                .collect();
            begin.wait();
            thread::sleep(WARM_UP);
            let (before, started) = (cpu(), Instant::now());
            counting.store(true, Ordering::Relaxed);
            thread::sleep(self.time);
            counting.store(false, Ordering::Relaxed);
            let (elapsed, after) = (started.elapsed(), cpu());
            stop.store(true, Ordering::Relaxed);
            let mut latencies = Vec::new();
            for worker in workers {
                latencies.extend(worker.join().map_err(|_| "a connection panicked".to_owned())??);
            }
            latencies.sort_unstable();
            Ok(Load { elapsed, cpu: after.since(before), latencies })
        })
    }

    fn work(
        &self,
        index: usize,
        begin: &Barrier,
        counting: &AtomicBool,
        stop: &AtomicBool,
    ) -> Result<Vec<Duration>, String> {
        let connection = Connection::open(self.address);
        begin.wait();
        let mut connection = connection.map_err(|error| format!("cannot connect: {error}"))?;
        let (mut latencies, mut body) = (Vec::with_capacity(1 << 16), Vec::new());
        for request in self.requests.iter().cycle().skip(index) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            body.clear();
            let started = Instant::now();
            let status = connection
                .exchange_with(request, |part| {
                    if !self.expect.is_empty() {
                        body.extend_from_slice(part)
                    }
                })
                .map_err(|error| format!("a request failed: {error}"))?;
            let latency = started.elapsed();
            // What is expected stands at the beginning or the end of an answer.
            let (head, tail) = (&body[..body.len().min(64)], &body[body.len().saturating_sub(64)..]);
            if status != 200 || !(contains(head, self.expect) || contains(tail, self.expect)) {
                return Err(format!("{status} {}", String::from_utf8_lossy(&body[..body.len().min(500)])));
            }
            if counting.load(Ordering::Relaxed) {
                latencies.push(latency);
            }
        }
        Ok(latencies)
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}
