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
    /// What the generator itself took.
    pub generator_cpu: CpuTime,
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
            let own_cpu = || CpuTime::of(std::process::id());
            let (before, own_before, started) = (cpu(), own_cpu(), Instant::now());
            counting.store(true, Ordering::Relaxed);
            thread::sleep(self.time);
            counting.store(false, Ordering::Relaxed);
            let (elapsed, after, own_after) = (started.elapsed(), cpu(), own_cpu());
            stop.store(true, Ordering::Relaxed);
            let mut latencies = Vec::new();
            for worker in workers {
                latencies.extend(worker.join().map_err(|_| "a connection panicked".to_owned())??);
            }
            latencies.sort_unstable();
            let generator_cpu = own_after.since(own_before);
            Ok(Load { elapsed, cpu: after.since(before), generator_cpu, latencies })
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
        let (mut latencies, mut edges) = (Vec::with_capacity(1 << 16), Edges::default());
        for request in self.requests.iter().cycle().skip(index) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            edges.clear();
            let started = Instant::now();
            let status = connection
                .exchange_with(request, |part| edges.see(part))
                .map_err(|error| format!("a request failed: {error}"))?;
            let latency = started.elapsed();
            if status != 200 || !edges.contain(self.expect) {
                return Err(format!("{status} {}", String::from_utf8_lossy(&edges.head)));
            }
            if counting.load(Ordering::Relaxed) {
                latencies.push(latency);
            }
        }
        Ok(latencies)
    }
}

/// Beginning and end of a body: what is expected stands there, and the rest need not be copied.
#[derive(Debug, Default)]
struct Edges {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Edges {
    const HEAD_BYTES: usize = 500;
    const TAIL_BYTES: usize = 64;

    fn clear(&mut self) {
        self.head.clear();
        self.tail.clear();
    }

    fn see(&mut self, part: &[u8]) {
        let room = Self::HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&part[..part.len().min(room)]);
        self.tail.extend_from_slice(&part[part.len().saturating_sub(Self::TAIL_BYTES)..]);
        self.tail.drain(..self.tail.len().saturating_sub(Self::TAIL_BYTES));
    }

    fn contain(&self, text: &[u8]) -> bool {
        let within = |edge: &[u8]| edge.windows(text.len()).any(|window| window == text);
        text.is_empty() || within(&self.head) || within(&self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_kept_across_parts() {
        let mut edges = Edges::default();
        edges.see(b"begin");
        edges.see(&[b'-'; 1000]);
        edges.see(b"the e");
        edges.see(b"nd");
        assert!(edges.contain(b"begin") && edges.contain(b"the end") && edges.contain(b""));
        assert!(!edges.contain(b"middle"));
        edges.clear();
        assert!(!edges.contain(b"begin"));
    }

    #[test]
    fn percentiles_are_measured_values() {
        let sorted: Vec<Duration> = (1..=101).map(Duration::from_millis).collect();
        assert_eq!(percentile(&sorted, 50.0), Duration::from_millis(51));
        assert_eq!(percentile(&sorted, 99.0), Duration::from_millis(100));
        assert_eq!(percentile(&[], 50.0), Duration::ZERO);
    }
}
