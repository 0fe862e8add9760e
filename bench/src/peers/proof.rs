//! What is promised of the speed of this server, beside what was measured.

use std::time::Duration;

use super::catalog::Kind;
use super::lane::Lane;
use super::report::{middle, ratio};
use super::{PRODUCERS, SHAPES};
use crate::Options;
use crate::load::percentile;
use crate::rows::put::{self, OneConnection};
use crate::rows::{milliseconds, push, shards, start};

/// One promise.
#[derive(Debug)]
pub(super) struct Proof {
    pub what: String,
    pub wanted: &'static str,
    pub aim: &'static str,
    pub measured: String,
    pub holds: bool,
    pub details: String,
}

/// A promise that is measured by itself, not beside others.
#[derive(Debug)]
pub(super) struct Own {
    pub name: &'static str,
    measure: fn(&Options) -> Result<Vec<Proof>, String>,
}

pub(super) const OWN: &[Own] = &[
    Own { name: "ack", measure: acknowledgement },
    Own { name: "push", measure: pushed },
    Own { name: "shards", measure: many_shards },
    Own { name: "recovery", measure: recovery },
];

/// Promises about the field that was measured, then those that are measured here.
pub(super) fn measure(options: &Options, field: &[Lane], wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Proof>, String> {
    let mut proof = beside_others(field);
    for own in OWN.iter().filter(|own| wanted(own.name)) {
        println!("\n## {}", own.name);
        proof.extend((own.measure)(options).map_err(|message| format!("{}: {message}", own.name))?);
    }
    Ok(proof)
}

/// At saturation with the smaller records, durable.
fn beside_others(field: &[Lane]) -> Vec<Proof> {
    let (shape, producers) = (SHAPES[0], PRODUCERS[1]);
    let cells = |lane: &Lane| lane.cells(shape, producers).into_iter().cloned().collect::<Vec<_>>();
    let Some(own) = field.first().map(cells).filter(|cells| !cells.is_empty()) else { return Vec::new() };
    let own: Vec<_> = own.iter().collect();
    let times = |lane: &Lane| {
        let other = lane.cells(shape, producers);
        (!other.is_empty()).then(|| ratio(&own, &other))
    };
    let named = |name: &str| field.iter().find(|lane| lane.peer.name == name).and_then(times);
    let what = |than: &str| format!("records per server CPU-second, 500 x 100 B, 16 producers, against {than}");
    let mut proof = Vec::new();
    if let Some(share) = named("hyper-durable") {
        let than = what("bare hyper with the same CPU work and the same durable writes");
        proof.push(at_least(than, share, ("0.5x", 0.5), "0.75x", String::new()));
    }
    if let Some(times) = named("redis-always") {
        proof.push(at_least(what("Redis Streams, `appendfsync always`"), times, ("3x", 3.0), "", String::new()));
    }
    let apis = field.iter().filter(|lane| lane.peer.kind == Kind::Api);
    let nearest = apis.filter_map(|lane| Some((times(lane)?, lane.peer.name))).min_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((times, name)) = nearest {
        let than = what("every other server of the same API");
        proof.push(at_least(than, times, ("10x", 10.0), "", format!("nearest: {name}")));
    }
    let seconds = 1e6 / middle(&own, |cell| cell.records_per_cpu_second);
    proof.push(Proof {
        what: "server CPU-seconds per million durable records, 500 x 100 B, 16 producers".to_owned(),
        wanted: "0.55",
        aim: "0.35",
        measured: format!("{seconds:.2}"),
        holds: seconds <= 0.55,
        details: String::new(),
    });
    proof
}

fn at_least(what: String, times: f64, wanted: (&'static str, f64), aim: &'static str, details: String) -> Proof {
    Proof { what, wanted: wanted.0, aim, measured: format!("{times:.2}x"), holds: times >= wanted.1, details }
}

fn acknowledgement(options: &Options) -> Result<Vec<Proof>, String> {
    let run = put::one_batch(options)?;
    let added = run.added();
    let OneConnection { load, bare } = &run;
    Ok(vec![Proof {
        what: "acknowledged p50, 500 x 100 B, one connection, over a bare durable write of 64 KiB".to_owned(),
        wanted: "+0.45 ms",
        aim: "+0.25 ms",
        measured: format!("{:+.3} ms", added * 1000.0),
        holds: added <= 0.000_45,
        details: format!("p50 {}, bare {}", milliseconds(load.percentile(50.0)), milliseconds(*bare)),
    }])
}

fn pushed(options: &Options) -> Result<Vec<Proof>, String> {
    let times = push::times(options)?;
    let row = |percent: f64, wanted, limit_ms: u64, aim| {
        let time = percentile(&times.after_sending, percent);
        Proof {
            what: format!("put sent to event of SubscribeToShard received, p{percent:.0}"),
            wanted,
            aim,
            measured: milliseconds(time),
            holds: time <= Duration::from_millis(limit_ms),
            details: format!(
                "after the acknowledgement {}",
                milliseconds(percentile(&times.after_acknowledgement, percent))
            ),
        }
    };
    Ok(vec![row(50.0, "2 ms", 2, "1 ms"), row(99.0, "10 ms", 10, "4 ms")])
}

fn many_shards(options: &Options) -> Result<Vec<Proof>, String> {
    let rates = shards::rates(options)?;
    let kept = rates.kept();
    let cpu = rates.alone.cpu_per_request().as_secs_f64() / rates.beside_many.cpu_per_request().as_secs_f64().max(1e-9);
    let details = format!("{cpu:.2}x per server CPU-second; spread over the 10,000: {:.2}x", rates.spread());
    let what = "rate of one shard beside 10,000 others against its rate alone".to_owned();
    Ok(vec![at_least(what, kept, ("0.9x", 0.9), "0.98x", details)])
}

fn recovery(options: &Options) -> Result<Vec<Proof>, String> {
    let run = start::restart(options)?;
    let share = run.bare.as_secs_f64() / run.time.as_secs_f64();
    let details = format!(
        "{:.2} s for {} MiB, a bare cold read of as much {:.2} s",
        run.time.as_secs_f64(),
        run.acknowledged >> 20,
        run.bare.as_secs_f64()
    );
    let what = "restart after kill -9 with 1 GiB of journal, as share of cold read bandwidth".to_owned();
    Ok(vec![at_least(what, share, ("0.6x", 0.6), "0.9x", details)])
}
