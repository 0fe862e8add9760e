//! Copies, and files that only look like some.

use std::fs::{self, OpenOptions};
use std::time::{Duration, SystemTime};

use super::{NOW, Scene, text};

#[test]
fn a_file_that_begins_like_another_is_a_file_of_its_own_once_it_differs() {
    for (is_original_removed, expected) in [(false, "header\nanother\n"), (true, "another\n")] {
        let mut scene = Scene::new("app.log*", NOW);
        scene.append("app.log", "header\na much longer first file\n");
        assert_eq!(scene.take(1), "header\na much longer first file\n");
        scene.append("app.log.2", "header\n");
        assert_eq!(scene.take(1), "");
        if is_original_removed {
            scene.remove("app.log");
            // So little in common is no reason to leave anything out.
            assert_eq!(scene.take(20), "header\n");
        }
        scene.append("app.log.2", "another\n");
        assert_eq!(scene.take(1), expected, "{is_original_removed}");
    }
}

#[test]
fn a_copy_that_is_still_being_written_is_passed_over() {
    let mut scene = Scene::new("app.log*", NOW);
    let text = "line\n".repeat(100);
    scene.append("app.log", &text);
    assert_eq!(scene.take(1), text);
    scene.append("app.log.1", &text[..300]);
    assert_eq!(scene.take(1), "");
    scene.rename("app.log", "app.log.0");
    scene.append("app.log.1", &text[300..]);
    assert_eq!(scene.take(1), "");
    // The original leaves, and the copy goes on.
    scene.remove("app.log.0");
    assert_eq!(scene.take(20), "");
    scene.append("app.log.1", "d\n");
    assert_eq!(scene.take(1), "d\n");
    fs::copy(scene.path("app.log.1"), scene.path("app.log.1.bak")).expect("copied");
    assert_eq!(scene.take(1), "");
}

#[test]
fn what_was_copied_and_cut_between_two_runs_goes_on_in_the_copy() {
    let head = format!("{}\n", "h".repeat(300));
    for (pattern, is_replaced) in [("app.log*", false), ("app.log", false), ("app.log", true)] {
        let mut scene = Scene::new(pattern, NOW);
        scene.append("app.log", &head);
        assert_eq!(scene.take(1), head);
        scene.append("app.log", "rest\n");
        fs::copy(scene.path("app.log"), scene.path("app.log.1")).expect("copied");
        if is_replaced {
            fs::write(scene.path("new"), "").expect("written");
            scene.rename("new", "app.log");
        }
        fs::write(scene.path("app.log"), "x\n").expect("cut");
        if pattern == "app.log" {
            scene.append("app.log.audit", &"of another\n".repeat(100));
        }
        scene.restart();
        assert_eq!(scene.take(20), "rest\nx\n", "{pattern} {is_replaced}");
        scene.restart();
        scene.append("app.log", "y\n");
        assert_eq!(scene.take(1), "y\n", "{pattern} {is_replaced}");
    }
}

#[test]
fn an_older_copy_is_not_sent_again_when_the_file_is_cut() {
    for (first, more) in [(10, 10), (10, 3000), (3000, 3000)] {
        for pattern in ["app.log*", "app.log"] {
            for is_acknowledged in [true, false] {
                let mut scene = Scene::new(pattern, NOW);
                let first = format!("{}\n", "f".repeat(first));
                scene.append("app.log", &first);
                assert_eq!(scene.take(1), first);
                fs::copy(scene.path("app.log"), scene.path("app.log.bak")).expect("copied");
                let more = format!("{}\n", "m".repeat(more));
                scene.append("app.log", &format!("{more}rest"));
                let batches = scene.take_unacknowledged(1);
                assert_eq!(text(&batches), more);
                if is_acknowledged {
                    scene.acknowledge(&batches);
                }
                fs::write(scene.path("app.log"), "x\n").expect("cut");
                // What was read and is in no file any more is not lost.
                assert_eq!(scene.take(5), "restx\n", "{pattern}");
                if !is_acknowledged {
                    scene.acknowledge(&batches);
                }
                scene.restart();
                scene.append("app.log.bak", "late\n");
                let is_followed = pattern == "app.log*" || first.len() > 1000;
                assert_eq!(scene.take(2), if is_followed { "late\n" } else { "" }, "{pattern}");
                scene.restart();
                assert_eq!(scene.take(2), "", "{pattern}");
            }
        }
    }
}

#[test]
fn an_older_file_with_the_same_header_is_no_copy() {
    let mut scene = Scene::new("app.log", NOW);
    scene.append("app.log.1", "header\nof yesterday\n");
    let yesterday = SystemTime::now() - Duration::from_secs(86_400);
    let file = OpenOptions::new().append(true).open(scene.path("app.log.1")).expect("there");
    file.set_modified(yesterday).expect("set");
    scene.append("app.log", "header\n");
    assert_eq!(scene.take(1), "header\n");
    fs::write(scene.path("app.log"), "x\n").expect("cut");
    assert_eq!(scene.take(5), "x\n");
}

#[test]
fn a_copy_that_is_seen_while_it_is_empty_is_passed_over() {
    let mut scene = Scene::new("app.log*", NOW);
    let line = format!("{}\n", "a".repeat(300));
    scene.append("app.log", &line);
    assert_eq!(scene.take(1), line);
    scene.append("app.log.1", "");
    scene.append("app.log.2", "");
    scene.append("app.log.new", "");
    assert_eq!(scene.take(1), "");
    scene.append("app.log.1", &line);
    scene.append("app.log.new", "new\n");
    assert_eq!(scene.take(1), "new\n");
    scene.remove("app.log");
    assert_eq!(scene.take(20), "");
    scene.append("app.log.2", "of its own\n");
    assert_eq!(scene.take(1), "of its own\n");
}
