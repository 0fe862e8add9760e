//! The agent as a whole, against services that come and go.

mod fake;

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use agent::{Agent, CheckpointError, Config, Notices, Services, StopReport};
use base::caller::Caller;
use base::ids::{AccountId, Region};
use base::time::SystemClock;
use fake::{Fake, Mode};
use tempfile::TempDir;

const TIME_MAX: Duration = Duration::from_secs(60);
const ALL_DONE: StopReport = StopReport { is_all_sent: true, is_saved: true };

struct Scene {
    folder: TempDir,
    fake: Fake,
    said: Arc<Mutex<Vec<String>>>,
    /// Of the flow.
    destination: &'static str,
    shutdown_timeout_millis: u64,
}

impl Scene {
    fn new(destination: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("state")).expect("made");
        fs::create_dir(folder.path().join("log")).expect("made");
        Self { folder, fake: Fake::default(), said: Arc::default(), destination, shutdown_timeout_millis: 20_000 }
    }

    fn try_start(&self) -> Result<Agent, CheckpointError> {
        let folder = self.folder.path().display();
        let config = format!(
            r#"{{
              "checkpointFile": "{folder}/state/checkpoint", "shutdownTimeoutMillis": {},
              "flows": [{{
                "filePattern": "{folder}/log/app.log*", {}, "initialPosition": "START_OF_FILE",
                "maxBufferSizeRecords": 7, "maxBufferAgeMillis": 1000, "minTimeBetweenFilePollsMillis": 5,
                "retryInitialBackoffMillis": 1, "retryMaxBackoffMillis": 20, "partitionKeyOption": "DETERMINISTIC"
              }}]
            }}"#,
            self.shutdown_timeout_millis, self.destination
        );
        let (config, warnings) = Config::parse(&config).expect("valid");
        assert_eq!(warnings, Vec::<String>::new());
        let region = Region::new("us-east-1".to_owned()).expect("valid");
        let caller = Caller { account: AccountId::zero(), region, access_key_id: None };
        let fake = Arc::new(self.fake.clone());
        let services = Services { kinesis: Arc::clone(&fake) as _, firehose: fake, caller };
        let into = Arc::clone(&self.said);
        let clock = Arc::new(SystemClock);
        let notices = Notices::new(Arc::clone(&clock) as _, move |text| {
            into.lock().expect("no panic").push(text.to_owned());
        });
        Agent::start(config, &services, notices, clock)
    }

    /// Starts once the agent before has let go of what it held: that takes a moment after a crash.
    async fn start_after_crash(&self) -> Agent {
        let started = Instant::now();
        loop {
            match self.try_start() {
                Ok(agent) => return agent,
                Err(error) => assert!(started.elapsed() < TIME_MAX, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn start(&self) -> Agent {
        self.try_start().expect("it starts")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, lines: std::ops::Range<usize>) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path("log/app.log")).expect("a file");
        for line in lines {
            writeln!(file, "line {line}").expect("written");
        }
    }

    fn rotate(&self) {
        for i in (0..9).rev() {
            let from = if i == 0 { "log/app.log".to_owned() } else { format!("log/app.log.{i}") };
            // Most of them are not there.
            drop(fs::rename(self.path(&from), self.path(&format!("log/app.log.{}", i + 1))));
        }
    }

    async fn wait_for(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !is_so(self) {
            assert!(started.elapsed() < TIME_MAX, "not {what}; said: {}", self.said());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn wait_for_records(&self, count: usize) {
        self.wait_for("enough records", |scene| scene.fake.state().taken.len() >= count).await;
    }

    fn said(&self) -> String {
        self.said.lock().expect("no panic").join("\n")
    }

    /// Each line was taken; once each, if nothing more than that was.
    fn check_all_taken(&self, lines: usize) {
        let state = self.fake.state();
        let taken: BTreeSet<&str> = state.taken.iter().map(String::as_str).collect();
        let expected: Vec<String> = (0..lines).map(|line| format!("line {line}\n")).collect();
        assert_eq!(taken, expected.iter().map(String::as_str).collect());
    }

    fn check_each_taken_once(&self, lines: usize) {
        self.check_all_taken(lines);
        assert_eq!(self.fake.state().taken.len(), lines);
    }
}

const STREAM: &str = r#""kinesisStream": "s""#;
const DELIVERY_STREAM: &str = r#""deliveryStream": "d""#;

#[tokio::test(flavor = "multi_thread")]
async fn rotation_and_orderly_restarts_lose_nothing_and_repeat_nothing() {
    for destination in [STREAM, DELIVERY_STREAM] {
        let scene = Scene::new(destination);
        let mut line = 0;
        for round in 0..6 {
            let agent = scene.start();
            scene.append(line..line + 100);
            scene.rotate();
            scene.append(line + 100..line + 150);
            scene.wait_for_records(line + 20 * round).await;
            assert_eq!(agent.stop().await, ALL_DONE);
            // While nobody watches.
            scene.append(line + 150..line + 200);
            if round % 2 == 0 {
                scene.rotate();
            }
            line += 200;
        }
        let agent = scene.start();
        scene.wait_for_records(line).await;
        assert_eq!(agent.stop().await, ALL_DONE);
        scene.check_each_taken_once(line);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_repeats_what_was_under_way_and_loses_nothing() {
    let scene = Scene::new(STREAM);
    let mut line = 0;
    for _ in 0..5 {
        scene.append(line..line + 100);
        line += 100;
        let agent = scene.start_after_crash().await;
        scene.wait_for_records(line - 50).await;
        scene.rotate();
        drop(agent);
    }
    let agent = scene.start_after_crash().await;
    scene.wait_for("complete", |scene| scene.fake.state().taken.contains(&format!("line {}\n", line - 1))).await;
    assert_eq!(agent.stop().await, ALL_DONE);
    scene.check_all_taken(line);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_away_everything_waits_and_rotation_goes_on() {
    for destination in [STREAM, DELIVERY_STREAM] {
        let scene = Scene::new(destination);
        scene.fake.state().mode = Mode::Away;
        let agent = scene.start();
        for i in 0..5 {
            scene.append(i * 100..(i + 1) * 100);
            // Each file is seen before rotation takes it away.
            let requests = scene.fake.state().requests;
            scene.wait_for("trying", |scene| scene.fake.state().requests > requests + 10).await;
            scene.rotate();
        }
        fs::remove_file(scene.path("log/app.log.5")).expect("there");
        let said = scene.said();
        assert!(said.contains("away; trying again until it is taken"), "{said}");
        assert_eq!(said.matches("away").count(), 1, "{said}");
        scene.fake.state().mode = Mode::Busy;
        scene.wait_for_records(200).await;
        scene.fake.state().mode = Mode::Up;
        scene.wait_for_records(500).await;
        assert_eq!(agent.stop().await, ALL_DONE);
        scene.check_each_taken_once(500);
        assert!(scene.said().contains("works again"), "{}", scene.said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_stops_while_the_server_is_away_goes_on_later() {
    let mut scene = Scene::new(STREAM);
    scene.shutdown_timeout_millis = 50;
    scene.append(0..100);
    let agent = scene.start();
    scene.wait_for_records(100).await;
    // What is taken without an answer is sent again: at least once.
    scene.fake.state().mode = Mode::Mute;
    scene.append(100..110);
    scene.wait_for_records(107).await;
    scene.fake.state().mode = Mode::Away;
    scene.append(110..300);
    assert_eq!(agent.stop().await, StopReport { is_all_sent: false, is_saved: true });
    scene.fake.state().mode = Mode::Up;
    scene.fake.state().taken.clear();
    let agent = scene.start();
    scene.wait_for_records(200).await;
    assert!(agent.stop().await.is_saved);
    let state = scene.fake.state();
    let mut again = state.taken.clone();
    again.sort_by_key(|text| text[5..].trim().parse::<usize>().expect("a number"));
    assert_eq!(again, (100..300).map(|line| format!("line {line}\n")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_folder_that_cannot_be_written_is_told_and_tried_again() {
    let scene = Scene::new(STREAM);
    let agent = scene.start();
    scene.append(0..10);
    scene.wait_for_records(10).await;
    // A file where the folder was.
    fs::rename(scene.path("state"), scene.path("away")).expect("renamed");
    fs::write(scene.path("state"), "").expect("written");
    scene.append(10..20);
    scene.wait_for_records(20).await;
    scene.wait_for("told", |scene| scene.said().contains("checkpoint: cannot be written")).await;
    fs::remove_file(scene.path("state")).expect("there");
    fs::rename(scene.path("away"), scene.path("state")).expect("renamed");
    scene.wait_for("over", |scene| scene.said().contains("checkpoint: works again")).await;
    scene.append(20..30);
    assert!(matches!(scene.try_start(), Err(CheckpointError::InUse(_))));
    scene.wait_for_records(30).await;
    assert_eq!(agent.stop().await, ALL_DONE);
    let agent = scene.start();
    scene.append(30..31);
    scene.wait_for_records(31).await;
    assert_eq!(agent.stop().await, ALL_DONE);
    scene.check_each_taken_once(31);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_cannot_note_how_far_it_came_says_so() {
    let scene = Scene::new(STREAM);
    let agent = scene.start();
    fs::rename(scene.path("state"), scene.path("away")).expect("renamed");
    fs::write(scene.path("state"), "").expect("written");
    scene.append(0..10);
    scene.wait_for_records(10).await;
    assert_eq!(agent.stop().await, StopReport { is_all_sent: true, is_saved: false });
    assert!(scene.said().contains("stopped: 10 records parsed"), "{}", scene.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_same_data_are_the_same() {
    let scene = Scene::new(STREAM);
    let agent = scene.start();
    scene.append(0..1);
    scene.append(0..1);
    scene.wait_for_records(2).await;
    assert_eq!(agent.stop().await, ALL_DONE);
    let state = scene.fake.state();
    assert_eq!(state.keys[0], state.keys[1]);
    assert_eq!(state.keys[0].len(), 32);
}
