//! A closed loop: each producer sends the next batch when the last is acknowledged.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::CpuTime;

/// Before the clock starts: buffers grow, keys are derived, files are made.
const WARM_UP: Duration = Duration::from_secs(1);

/// A slow server is given more time, so that its percentiles mean something, up to so many times the time asked for.
const BATCHES_MIN: u64 = 50;
const TIMES_MAX: u32 = 3;
const POLL: Duration = Duration::from_millis(10);

/// What a loop did while the clock ran.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub elapsed: Duration,
    pub cpu: CpuTime,
    /// What the generator itself took.
    pub generator_cpu: CpuTime,
    /// One for each answer, ascending.
    pub latencies: Vec<Duration>,
    /// Batches of the whole loop, warm-up included.
    pub acknowledged: u64,
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

/// One end of a closed loop.
pub(crate) trait Producer: Send {
    /// Sends the next batch and returns when all of it is acknowledged.
    fn send(&mut self) -> Result<(), String>;
}

/// Makes the producer of an index.
pub(crate) type Connect<'a> = dyn Fn(usize) -> Result<Box<dyn Producer>, String> + Sync + 'a;

/// Runs so many producers beside each other for the warm-up and for `time`, longer if the server is slow; `cpu` reads the account of the server.
pub(crate) fn closed_loop(
    producers: usize,
    time: Duration,
    connect: &Connect<'_>,
    cpu: impl Fn() -> CpuTime,
) -> Result<Load, String> {
    let clock = Clock::default();
    let begin = Barrier::new(producers + 1);
    thread::scope(|scope| {
        let work = |i| {
            let producer = connect(i);
            begin.wait();
            produce(producer?.as_mut(), &clock)
        };
        let workers: Vec<_> = (0..producers).map(|i| scope.spawn(move || work(i))).collect();
        begin.wait();
        thread::sleep(WARM_UP);
        let own_cpu = || CpuTime::of(std::process::id());
        let (before, own_before, started) = (cpu(), own_cpu(), Instant::now());
        clock.counting.store(true, Ordering::Relaxed);
        thread::sleep(time);
        while clock.batches.load(Ordering::Relaxed) < BATCHES_MIN && started.elapsed() < time * TIMES_MAX {
            thread::sleep(POLL);
        }
        clock.counting.store(false, Ordering::Relaxed);
        let (elapsed, after, own_after) = (started.elapsed(), cpu(), own_cpu());
        clock.stop.store(true, Ordering::Relaxed);
        let (mut latencies, mut acknowledged) = (Vec::new(), 0);
        for worker in workers {
            let produced = worker.join().map_err(|_| "a producer panicked".to_owned())??;
            latencies.extend(produced.latencies);
            acknowledged += produced.acknowledged;
        }
        latencies.sort_unstable();
        let generator_cpu = own_after.since(own_before);
        Ok(Load { elapsed, cpu: after.since(before), generator_cpu, latencies, acknowledged })
    })
}

#[derive(Debug)]
struct Produced {
    latencies: Vec<Duration>,
    acknowledged: u64,
}

/// What producers and clock tell each other.
#[derive(Debug, Default)]
struct Clock {
    /// Batches count from now on, or no longer.
    counting: AtomicBool,
    stop: AtomicBool,
    /// Acknowledged while counting.
    batches: AtomicU64,
}

fn produce(producer: &mut dyn Producer, clock: &Clock) -> Result<Produced, String> {
    let mut produced = Produced { latencies: Vec::with_capacity(1 << 16), acknowledged: 0 };
    while !clock.stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        producer.send()?;
        produced.acknowledged += 1;
        if clock.counting.load(Ordering::Relaxed) {
            produced.latencies.push(started.elapsed());
            clock.batches.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(produced)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    struct Counting(Arc<AtomicU64>);

    impl Producer for Counting {
        fn send(&mut self) -> Result<(), String> {
            thread::sleep(Duration::from_millis(1));
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0..1_000_000 => Ok(()),
                _ => Err("enough".to_owned()),
            }
        }
    }

    #[test]
    fn a_loop_counts_what_was_acknowledged() {
        let sent = Arc::new(AtomicU64::new(0));
        let connect = |_| Ok(Box::new(Counting(Arc::clone(&sent))) as Box<dyn Producer>);
        let load = closed_loop(2, Duration::from_millis(50), &connect, CpuTime::default).expect("nothing fails");
        assert_eq!(load.acknowledged, sent.load(Ordering::Relaxed));
        assert!((1..load.acknowledged as usize).contains(&load.latencies.len()));
        let refused = |_| Err("nobody listens".to_owned());
        let failed = closed_loop(2, Duration::ZERO, &refused, CpuTime::default);
        assert_eq!(failed.map(|load| load.acknowledged), Err("nobody listens".to_owned()));
    }

    #[test]
    fn percentiles_are_measured_values() {
        let sorted: Vec<Duration> = (1..=101).map(Duration::from_millis).collect();
        assert_eq!(percentile(&sorted, 50.0), Duration::from_millis(51));
        assert_eq!(percentile(&sorted, 99.0), Duration::from_millis(100));
        assert_eq!(percentile(&[], 50.0), Duration::ZERO);
    }
}
