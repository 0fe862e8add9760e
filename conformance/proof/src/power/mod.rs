//! Power loss: the server runs under load on a device that can lose power. At many moments an image is taken of what a disk
//! could hold; the server is started on each, and everything that was acknowledged before that moment must be there.
//!
//! One session is one life of a server. It begins on an empty device, or on an image of the session before, so that images
//! are taken of a start and of a recovery too. With `--durability interval` what is younger than the interval may be lost; all
//! else must be as right as ever. With `--durability none` losses must be seen: otherwise the device keeps too much.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use testkit::history::{Mark, Summary};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::Client;
use crate::device::Mounted;
use crate::load::{Load, Plan, Recorder};
use crate::random::Random;
use crate::report::{Options, Report};
use crate::server::{Server, Settings, panicked};

mod shot;

use shot::Shot;

const DEVICE_BYTES: usize = 256 << 20;
const IMAGES_PER_SESSION: u64 = 24;
/// Of them, those that are taken while the server starts.
const IMAGES_OF_START: u64 = 4;
/// Sessions that show that the device loses what is not flushed; the first loss ends a session.
const CONTROL_SESSIONS: u64 = 4;
/// Images that are looked at at the same time.
const JUDGES: usize = 2;
const SHARDS: i32 = 2;
/// With [`Mode::Interval`], records that are older than this are safe: room for a flush that takes its time.
const INTERVAL_LOSS_MAX: Duration = Duration::from_secs(2);
/// A record that has become longer than this is not taken into the next session.
const ATTEMPTS_MAX: usize = 40_000;

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Sync,
    Interval,
    /// Nothing, and everything is asked for.
    Control,
}

impl Mode {
    fn durability(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Interval => "interval=50ms",
            Self::Control => "none",
        }
    }
}

/// What the images of one mode held.
#[derive(Default)]
struct Seen {
    images: u64,
    acknowledged: usize,
    unknown_stored: usize,
}

pub(crate) async fn run(options: &Options) -> Result<Report, String> {
    let lost = run_control(options.seed).await?;
    let (mut sync, mut interval) = (Seen::default(), Seen::default());
    let mut before: Option<Shot> = None;
    let mut done = 0;
    for session in 0.. {
        if done >= options.count {
            break;
        }
        let images = IMAGES_PER_SESSION.min(options.count - done);
        let seed = options.seed + done;
        if session % 4 == 1 {
            run_session(seed, images, None, Mode::Interval, &mut interval).await?;
        } else {
            before = run_session(seed, images, before.take(), Mode::Sync, &mut sync).await?;
        }
        done += images;
        println!("{done} of {} images", options.count);
    }
    let text = format!(
        "0 lost in {} images, {} times an acknowledged record was looked for ({} unanswered ones were stored once); with \
         {} nothing older than {} s was lost and nothing was wrong in {} images; control without flushes: losses in {lost} \
         of {CONTROL_SESSIONS} sessions",
        sync.images,
        sync.acknowledged,
        sync.unknown_stored,
        Mode::Interval.durability(),
        INTERVAL_LOSS_MAX.as_secs(),
        interval.images
    );
    Ok(Report::passed(options.count, text))
}

/// Without flushes records must be missing from images; in how many sessions they were.
async fn run_control(seed: u64) -> Result<u64, String> {
    let mut lost = 0;
    for session in 0..CONTROL_SESSIONS {
        let images = IMAGES_OF_START + 4;
        match run_session(seed + session, images, None, Mode::Control, &mut Seen::default()).await {
            Ok(_) => {}
            Err(message) if message.contains("is gone") => lost += 1,
            Err(message) => return Err(message),
        }
    }
    if lost == 0 { Err("without flushes nothing is lost: the device keeps too much".to_owned()) } else { Ok(lost) }
}

/// One life of a server; answers the image that the next session may begin with.
async fn run_session(
    seed: u64,
    images: u64,
    begin: Option<Shot>,
    mode: Mode,
    seen: &mut Seen,
) -> Result<Option<Shot>, String> {
    let mut random = Random::new(seed);
    let (mounted, recorder) = match begin.map(Shot::begin) {
        Some((content, recorder)) => (Mounted::open(content).await?, recorder),
        None => (Mounted::format(DEVICE_BYTES).await?, Recorder::new()),
    };
    let mut settings = Settings::new(mounted.path().join("data"));
    settings.durability = mode.durability();
    let mut session = Session { recorder, mounted, mode, marks: VecDeque::new(), judges: JoinSet::new(), seen };
    let starting = tokio::spawn(async move { Server::start(&settings).await });
    for image in 0..images.min(IMAGES_OF_START) {
        sleep(Duration::from_millis(random.between(1, 25))).await;
        session.shoot(seed + image).await?;
    }
    let server = starting.await.expect("a start does not panic").map_err(|error| format!("seed {seed}: {error}"))?;
    let client = Client::connect(&server);
    session.recorder.create(&client, SHARDS).await.map_err(|error| error.to_string())?;
    let record_bytes_max = if random.chance(30) { 60_000 } else { 2_000 };
    let plan = Plan { writers: 4, readers: 1, changes: true, pause: Duration::from_millis(8), record_bytes_max };
    let load = Load::start(&client, &session.recorder, plan, random.next());
    let shot = session.follow(seed, IMAGES_OF_START..images, &mut random).await;
    let said = server.kill().await;
    load.stop().await;
    if panicked(&said) {
        return Err(format!("seed {seed}: the server panicked:\n{said}"));
    }
    let judged = session.finish().await;
    let last = shot?;
    judged?;
    Ok(Some(last).filter(|last| random.chance(60) && last.is_small(ATTEMPTS_MAX)))
}

struct Session<'a> {
    recorder: Recorder,
    mounted: Mounted,
    mode: Mode,
    /// Moments of the last seconds, oldest first.
    marks: VecDeque<(Instant, Mark)>,
    judges: JoinSet<Result<Summary, String>>,
    seen: &'a mut Seen,
}

impl Session<'_> {
    /// Takes an image now and then, and one in the end for the next session.
    async fn follow(&mut self, seed: u64, images: std::ops::Range<u64>, random: &mut Random) -> Result<Shot, String> {
        let last = images.end;
        for image in images {
            self.marks.push_back((Instant::now(), self.recorder.lock().history.mark()));
            sleep(Duration::from_millis(random.between(5, 120))).await;
            self.shoot(seed + image).await?;
        }
        Ok(self.take(seed + last))
    }

    /// Takes an image and has it looked at.
    async fn shoot(&mut self, seed: u64) -> Result<(), String> {
        while self.judges.len() >= JUDGES {
            self.collect().await?;
        }
        let shot = self.take(seed);
        self.judges.spawn(shot.judge());
        Ok(())
    }

    fn take(&mut self, seed: u64) -> Shot {
        // Before the image is taken: what is acknowledged by now is in it.
        let mark = self.promised();
        Shot::take(&self.mounted, &self.recorder, mark, self.mode, seed)
    }

    /// Everything that was acknowledged until then must survive.
    fn promised(&mut self) -> Mark {
        if self.mode != Mode::Interval {
            return self.recorder.lock().history.mark();
        }
        let is_old = |(time, _): &(Instant, Mark)| time.elapsed() > INTERVAL_LOSS_MAX;
        while self.marks.get(1).is_some_and(is_old) {
            self.marks.pop_front();
        }
        self.marks.front().filter(|first| is_old(first)).map_or_else(Mark::default, |(_, mark)| *mark)
    }

    async fn collect(&mut self) -> Result<(), String> {
        let Some(judged) = self.judges.join_next().await else { return Ok(()) };
        let summary = judged.expect("no judge panics")?;
        self.seen.images += 1;
        self.seen.acknowledged += summary.acknowledged;
        self.seen.unknown_stored += summary.unknown_stored;
        Ok(())
    }

    /// Waits for all judges, and unmounts the device.
    async fn finish(mut self) -> Result<(), String> {
        let mut outcome = Ok(());
        while !self.judges.is_empty() {
            outcome = outcome.and(self.collect().await);
        }
        self.mounted.close().await;
        outcome
    }
}
