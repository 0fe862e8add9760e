//! A flow over a folder in which rotation happens, step by step.

mod copies;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::time::{ManualClock, Timestamp};
use tempfile::TempDir;

use super::Tailer;
use crate::config::Config;
use crate::notices::Notices;
use crate::positions::{Flows, Positions};
use crate::record::Batch;

struct Scene {
    folder: TempDir,
    flow: String,
    clock: Arc<ManualClock>,
    said: Arc<Mutex<Vec<String>>>,
    positions: Arc<Positions>,
    tailer: Tailer,
}

impl Scene {
    /// A flow that reads from the start of files, and a folder with nothing in it.
    fn new(pattern: &str, more: &str) -> Self {
        Self::start(tempfile::tempdir().expect("a folder"), pattern, more, Flows::new())
    }

    fn start(folder: TempDir, pattern: &str, more: &str, flows: Flows) -> Self {
        let flow = format!(
            r#"{{"flows": [{{"filePattern": "{}/{pattern}", "kinesisStream": "s", {more}}}]}}"#,
            folder.path().display()
        );
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
        let said = Arc::new(Mutex::new(Vec::new()));
        let positions = Arc::new(Positions::new(flows));
        let tailer = tailer(&flow, &positions, &clock, &said);
        Self { folder, flow, clock, said, positions, tailer }
    }

    /// What a new start of the agent finds, once what was taken is acknowledged.
    fn restart(&mut self) {
        self.clock.advance(Duration::from_secs(1));
        let flows = self.positions.take_changes(Timestamp::from_millis(0)).expect("there were changes");
        self.positions = Arc::new(Positions::new(flows));
        self.tailer = tailer(&self.flow, &self.positions, &self.clock, &self.said);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).expect("a file");
        file.write_all(text.as_bytes()).expect("written");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("removed");
    }

    /// What is in the records that come when some time passes; all is acknowledged.
    fn take(&mut self, seconds: u64) -> String {
        let batches = self.take_unacknowledged(seconds);
        self.acknowledge(&batches);
        text(&batches)
    }

    fn take_unacknowledged(&mut self, seconds: u64) -> Vec<Batch> {
        let mut batches = Vec::new();
        for _ in 0..seconds * 2 {
            self.clock.advance(Duration::from_millis(500));
            self.tailer.poll(&mut |batch| {
                batches.push(batch);
                Ok(())
            });
        }
        batches
    }

    fn acknowledge(&self, batches: &[Batch]) {
        let flow = &Config::parse(&self.flow).expect("valid").0.flows[0].id;
        for batch in batches {
            self.positions.acknowledge(flow, &batch.ends);
        }
    }

    /// How many files have positions.
    fn files(&self) -> usize {
        self.positions.give_back_changes();
        self.positions.take_changes(Timestamp::from_millis(0)).expect("given back").values().map(Vec::len).sum()
    }

    fn said(&self) -> String {
        self.said.lock().expect("no panic").join("\n")
    }
}

fn tailer(flow: &str, positions: &Arc<Positions>, clock: &Arc<ManualClock>, said: &Arc<Mutex<Vec<String>>>) -> Tailer {
    let (config, warnings) = Config::parse(flow).expect("valid");
    assert_eq!(warnings, Vec::<String>::new());
    let into = Arc::clone(said);
    let notices = Notices::new(Arc::clone(clock) as _, move |text| {
        into.lock().expect("no panic").push(text.to_owned());
    });
    let flow = Arc::new(config.flows[0].clone());
    Tailer::new(flow, Arc::clone(positions), Arc::default(), notices, Arc::clone(clock) as _)
}

fn text(batches: &[Batch]) -> String {
    let records = batches.iter().flat_map(|batch| &batch.records);
    records.map(|record| String::from_utf8(record.data.to_vec()).expect("text")).collect()
}

/// Each line goes as soon as it is read.
const NOW: &str = r#""initialPosition": "START_OF_FILE", "maxBufferSizeRecords": 1"#;

#[test]
fn whole_lines_are_sent_and_partial_ones_wait() {
    let mut scene = Scene::new("app.log*", NOW);
    scene.append("app.log", "a\nb");
    assert_eq!(scene.take(1), "a\n");
    scene.append("app.log", "c");
    assert_eq!(scene.take(300), "");
    scene.append("app.log", "d\n");
    assert_eq!(scene.take(1), "bcd\n");
}

#[test]
fn a_renamed_file_is_read_to_its_end_before_the_next() {
    for pattern in ["app.log*", "app.log"] {
        let mut scene = Scene::new(pattern, NOW);
        scene.append("app.log", "a\n");
        assert_eq!(scene.take(1), "a\n", "{pattern}");
        scene.append("app.log", "b\nc");
        scene.rename("app.log", "app.log.1");
        scene.append("app.log", "d\n");
        assert_eq!(scene.take(1), "b\nd\n", "{pattern}");
        // Who wrote it may still have it open.
        scene.append("app.log.1", "c\n");
        assert_eq!(scene.take(1), "cc\n", "{pattern}");
        scene.append("app.log.1", "end");
        assert_eq!(scene.take(4), "end", "{pattern}");
        scene.remove("app.log.1");
        assert_eq!(scene.take(20), "", "{pattern}");
        assert_eq!(scene.files(), 1, "{pattern}");
        assert_eq!(scene.said(), "", "{pattern}");
    }
}

#[test]
fn a_renamed_file_is_watched_as_long_as_its_writer_may_have_it() {
    let mut scene = Scene::new("app.log", NOW);
    scene.append("app.log", "a\n");
    assert_eq!(scene.take(1), "a\n");
    scene.rename("app.log", "app.log.1");
    scene.append("app.log", "b\n");
    assert_eq!(scene.take(600), "b\n");
    scene.append("app.log.1", "late\n");
    assert_eq!(scene.take(1), "late\n");
    assert_eq!(scene.files(), 2);
    // Not for ever.
    assert_eq!(scene.take(3700), "");
    assert_eq!(scene.files(), 1);
}

#[test]
fn of_many_renamed_files_the_latest_are_watched() {
    let mut scene = Scene::new("app.log", NOW);
    for i in 0..80 {
        scene.append("app.log", &format!("line of {i}\n"));
        assert_eq!(scene.take(1), format!("line of {i}\n"));
        scene.rename("app.log", &format!("app.log.{i}"));
    }
    scene.take(20);
    assert_eq!(scene.files(), 64);
    scene.append("app.log.79", "late\n");
    assert_eq!(scene.take(1), "late\n");
}

#[test]
fn a_removed_file_is_read_to_its_end() {
    let mut scene = Scene::new("app.log*", NOW);
    scene.append("app.log", "a\n");
    assert_eq!(scene.take(1), "a\n");
    let mut open = OpenOptions::new().append(true).open(scene.path("app.log")).expect("there");
    open.write_all(b"b\n").expect("written");
    scene.remove("app.log");
    open.write_all(b"c\n").expect("written");
    assert_eq!(scene.take(1), "b\nc\n");
    scene.append("app.log", "d\n");
    assert_eq!(scene.take(20), "d\n");
    assert_eq!(scene.files(), 1);
}

#[test]
fn a_copied_and_cut_file_goes_on_in_its_copy() {
    for (pattern, is_seen_before_the_cut) in
        [("app.log*", true), ("app.log*", false), ("app.log", true), ("app.log", false)]
    {
        let mut scene = Scene::new(pattern, NOW);
        scene.append("app.log", "first\n");
        assert_eq!(scene.take(1), "first\n");
        scene.append("app.log", "second\nthi");
        if is_seen_before_the_cut {
            assert_eq!(scene.take(1), "second\n");
        }
        fs::copy(scene.path("app.log"), scene.path("app.log.1")).expect("copied");
        if is_seen_before_the_cut {
            assert_eq!(scene.take(1), "");
        }
        File::create(scene.path("app.log")).expect("cut");
        scene.append("app.log", "x\n");
        let expected = if is_seen_before_the_cut { "x\n" } else { "second\nx\n" };
        assert_eq!(scene.take(1), expected, "{pattern}");
        // The line that was cut through is whole in no file.
        assert_eq!(scene.take(5), "thi", "{pattern}");
        scene.restart();
        scene.append("app.log", "y\n");
        assert_eq!(scene.take(20), "y\n", "{pattern}");
    }
}

#[test]
fn a_file_that_is_cut_without_a_copy_is_read_from_its_start() {
    let mut scene = Scene::new("app.log*", NOW);
    scene.append("app.log", "a long first line\nand part of a second");
    assert_eq!(scene.take(1), "a long first line\n");
    // Longer than before, so that only the first bytes tell.
    fs::write(scene.path("app.log"), "quite another text, which is longer than the one before\n").expect("written");
    assert_eq!(scene.take(1), "and part of a secondquite another text, which is longer than the one before\n");
    fs::write(scene.path("app.log"), "short\n").expect("written");
    assert_eq!(scene.take(1), "short\n");
    assert!(scene.said().contains("app.log: was cut or replaced, reading it from its start"), "{}", scene.said());
    assert_eq!(scene.files(), 1);
}

#[test]
fn copies_that_stay_and_compressed_files_are_passed_over() {
    let mut scene = Scene::new("app.log*", NOW);
    scene.append("app.log", "a\nb\n");
    assert_eq!(scene.take(1), "a\nb\n");
    fs::copy(scene.path("app.log"), scene.path("app.log.bak")).expect("copied");
    scene.append("app.log.2.gz", "compressed\n");
    scene.append("app.log", "c\n");
    assert_eq!(scene.take(3), "c\n");
    // It goes on by itself: no copy.
    scene.append("app.log.bak", "another\n");
    assert_eq!(scene.take(1), "a\nb\nanother\n");
}

#[test]
fn positions_survive_a_restart_whatever_rotation_did_meanwhile() {
    let head = format!("{}\n", "h".repeat(300));
    let mut scene = Scene::new("app.log*", NOW);
    scene.append("app.log", &head);
    assert_eq!(scene.take(1), head);
    scene.append("app.log", "b\n");
    scene.rename("app.log", "app.log.1");
    scene.append("app.log", &"x".repeat(300));
    scene.append("app.log", "\n");
    scene.restart();
    assert_eq!(scene.take(1), format!("b\n{}\n", "x".repeat(300)));
    // Copied and cut.
    scene.append("app.log", "c\n");
    fs::copy(scene.path("app.log"), scene.path("app.log.0")).expect("copied");
    fs::write(scene.path("app.log"), "d\n").expect("cut");
    scene.restart();
    assert_eq!(scene.take(2), "c\nd\n");
    // Put back from somewhere, as other files.
    for name in ["app.log", "app.log.0", "app.log.1"] {
        let text = fs::read(scene.path(name)).expect("there");
        fs::write(scene.path("new"), text).expect("written");
        scene.rename("new", name);
    }
    scene.append("app.log.1", "e\n");
    scene.restart();
    // Two bytes are too few to know a file by.
    assert_eq!(scene.take(2), "e\nd\n");
}

#[test]
fn only_what_is_acknowledged_is_done() {
    let mut scene = Scene::new("app.log*", NOW);
    scene.append("app.log", "a\nb\nc\n");
    let batches = scene.take_unacknowledged(1);
    assert_eq!(batches.len(), 3);
    scene.acknowledge(&batches[..1]);
    scene.restart();
    assert_eq!(scene.take(1), "b\nc\n");
    // Gone without trace while it is not acknowledged: kept in mind.
    scene.append("app.log", "d\n");
    assert_eq!(text(&scene.take_unacknowledged(1)), "d\n");
    scene.remove("app.log");
    scene.take_unacknowledged(30);
    assert_eq!(scene.files(), 1);
}

#[test]
fn the_first_start_begins_at_the_end_and_later_files_at_their_start() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("app.log"), "old\nnot yet who").expect("written");
    fs::write(folder.path().join("app.log.1"), "older\n").expect("written");
    let mut scene = Scene::start(folder, "app.log*", r#""maxBufferSizeRecords": 1"#, Flows::new());
    assert_eq!(scene.take(1), "");
    scene.append("app.log", "le\n");
    scene.append("app.log.new", "new\n");
    assert_eq!(scene.take(1), "not yet whole\nnew\n");
    scene.restart();
    scene.append("app.log.newer", "newer\n");
    assert_eq!(scene.take(1), "newer\n");
}

#[test]
fn batches_that_nobody_takes_wait_and_files_are_not_missed() {
    let mut scene = Scene::new("app.log*", NOW);
    scene.append("app.log", "a\nb\n");
    let refuse = |scene: &mut Scene| {
        scene.clock.advance(Duration::from_secs(1));
        scene.tailer.poll(&mut Err);
    };
    refuse(&mut scene);
    scene.rename("app.log", "app.log.1");
    scene.append("app.log", "c\n");
    refuse(&mut scene);
    // Rotation takes both away.
    scene.remove("app.log.1");
    scene.remove("app.log");
    refuse(&mut scene);
    assert_eq!(scene.take(2), "a\nb\nc\n");
}

#[test]
fn what_was_read_of_a_file_that_is_cut_stays_what_it_was() {
    let mut scene = Scene::new("app.log*", NOW);
    scene.append("app.log", "a\nb\nc\nd");
    scene.clock.advance(Duration::from_secs(1));
    scene.tailer.poll(&mut Err);
    fs::write(scene.path("app.log"), "x\n").expect("cut");
    let batches = scene.take_unacknowledged(1);
    let lines: Vec<String> = batches.iter().map(|batch| text(std::slice::from_ref(batch))).collect();
    assert_eq!(lines, ["a\n", "b\n", "c\n", "d", "x\n"]);
}

#[test]
fn multi_line_records_end_before_the_next_or_when_it_is_quiet() {
    let mut scene = Scene::new("app.log*", &format!(r##"{NOW}, "multiLineStartPattern": "#""##));
    scene.append("app.log", "#1\n a\n");
    assert_eq!(scene.take_unacknowledged(1).len(), 0);
    scene.append("app.log", " b\n#2\n c\n d");
    let batches = scene.take_unacknowledged(1);
    assert_eq!(text(&batches), "#1\n a\n b\n");
    let batches = scene.take_unacknowledged(2);
    assert_eq!(text(&batches), "#2\n c\n");
    scene.append("app.log", "\n#3\n");
    assert_eq!(text(&scene.take_unacknowledged(1)), " d\n");
}

#[test]
fn header_lines_are_left_out_of_each_file() {
    let mut scene = Scene::new("app.log*", &format!(r#"{NOW}, "skipHeaderLines": 2"#));
    scene.append("app.log", "h1\n");
    assert_eq!(scene.take(1), "");
    scene.restart();
    scene.append("app.log", "h2\na\n");
    assert_eq!(scene.take(1), "a\n");
    scene.restart();
    scene.append("app.log", "b\n");
    scene.append("app.log.1", "h1\nh2\nc\n");
    assert_eq!(scene.take(1), "b\nc\n");
}

#[test]
fn a_line_without_end_is_cut_and_its_rest_dropped() {
    let mut scene = Scene::new("app.log*", NOW);
    scene.append("app.log", &"x".repeat(12 << 20));
    scene.append("app.log", "\nnext\n");
    let records: Vec<_> = scene.take_unacknowledged(1).into_iter().flat_map(|batch| batch.records).collect();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].bytes(), 1 << 20);
    assert!(records[0].data.ends_with(b"x\n"));
    assert_eq!(records[1].data, "next\n");
}

#[test]
fn an_unreadable_folder_and_vanished_files_are_told() {
    let mut scene = Scene::new("no/app.log*", NOW);
    assert_eq!(scene.take(2), "");
    assert!(scene.said().contains("cannot be read: No such file"), "{}", scene.said());
    fs::create_dir(scene.path("no")).expect("made");
    scene.append("no/app.log", "a\n");
    assert_eq!(scene.take(1), "a\n");
    assert!(scene.said().ends_with("works again"), "{}", scene.said());
    std::os::unix::fs::symlink(scene.path("nowhere"), scene.path("no/app.log.1")).expect("linked");
    fs::create_dir(scene.path("no/app.log.d")).expect("made");
    assert_eq!(scene.take(1), "");
}
