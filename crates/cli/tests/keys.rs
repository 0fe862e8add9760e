//! `anabranch keys`, and the key of the first start.

use crate::harness::{Server, command, run, wait_for};

/// The variables that `export` lines set.
fn exports(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("export "));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn the_first_key_is_printed_once_and_works() {
    let mut server = Server::start_without_key(&[]);
    let variables = exports(&server.said());
    let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["AWS_ENDPOINT_URL_KINESIS", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
    let list = |server: &Server| {
        let mut command = server.command(&["stream", "list"]);
        let key = variables.iter().filter(|(name, _)| name.contains("ACCESS_KEY"));
        run(command.envs(key.map(|(name, value)| (name, value))))
    };
    let ended = list(&server);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    server.stop_and_restart();
    assert_eq!(exports(&server.said()), []);
    assert_eq!(list(&server).code, Some(0), "the key is kept");
}

#[test]
fn a_running_server_learns_of_keys() {
    let server = Server::start(&[]);
    let data = server.data();
    let data = data.to_str().expect("text");
    let variables = exports(&server.anabranch(&["keys", "create", "--data", data, "--account", "123456789012"]));
    let id = variables[0].1.clone();
    let create = |name: &str| run(server.command(&["stream", "create", name, "--wait"]).envs(variables.clone()));
    let out = wait_for("new key to be known", || Some(create("s")).filter(|ended| ended.code == Some(0))).out;
    assert!(out.contains("arn:aws:kinesis:us-east-1:123456789012:stream/s"), "{out}");
    let listed = server.anabranch_json(&["keys", "list", "--data", data]);
    assert!(listed.as_array().expect("keys").iter().any(|key| key["AccessKeyId"] == id.as_str()), "{listed}");
    assert_eq!(server.anabranch(&["keys", "delete", &id, "--data", data]), format!("Key {id} deleted\n"));
    wait_for("deleted key to be refused", || {
        let ended = run(server.command(&["stream", "list"]).envs(variables.clone()));
        (ended.code == Some(1)).then_some(())
    });
    let ended = server.run(&["keys", "delete", &id, "--data", data]);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
}

#[test]
fn keys_of_no_data_directory() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    for data in [path("nothere"), path("")] {
        for arguments in [&["keys", "list", "--data", &data][..], &["keys", "delete", "AKIAX", "--data", &data]] {
            let ended = run(&mut command(arguments));
            assert_eq!(ended.code, Some(1), "{arguments:?}");
            assert!(ended.err.contains(" is not a data directory; name one with --data"), "{}", ended.err);
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing was made");
    let data = path("new");
    let ended = run(&mut command(&["keys", "create", "--data", &data]));
    assert_eq!((ended.code, exports(&ended.out).len()), (Some(0), 2), "{}", ended.err);
    let ended = run(&mut command(&["keys", "list", "--data", &data]));
    assert_eq!((ended.code, ended.out.lines().count()), (Some(0), 2), "{}", ended.err);
}

#[test]
fn a_profile_gives_keys_and_region() {
    let server = Server::start(&[]);
    let file = |name: &str, text: &str| std::fs::write(server.folder.path().join(".aws").join(name), text);
    std::fs::create_dir(server.folder.path().join(".aws")).expect("made");
    file("credentials", "[mine]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY\n").expect("written");
    file("config", "[profile mine]\nregion = eu-west-1\n").expect("written");
    let mut create = server.command(&["stream", "create", "s", "--profile", "mine"]);
    // The keys of the profile are meant, not those of the environment.
    create.env("AWS_ACCESS_KEY_ID", "AKIAOTHER").env("AWS_SESSION_TOKEN", "x").env("HOME", server.folder.path());
    let ended = run(&mut create);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("arn:aws:kinesis:eu-west-1:000000000000:stream/s"), "{}", ended.out);
}
