//! What a check of the settings finds is what a start finds.

use std::fs;
use std::path::Path;

use node::{Node, preflight};
use rcgen::{CertificateParams, KeyPair};

use crate::client::{settings, start};

/// Both refuse, in the same words.
async fn check(directory: &Path, more: &str, words: &str) {
    let settings = settings(directory, more);
    let checked = preflight(&settings).expect_err(more).to_string();
    assert!(checked.contains(words), "{more}: {checked}");
    let started = Node::start(settings).await.err().expect(more).to_string();
    assert_eq!(started, checked);
}

#[tokio::test]
async fn what_cannot_be_used_is_found_before_anything_is_made() {
    let folder = tempfile::tempdir().expect("a directory");
    let path = |name: &str| folder.path().join(name);
    let data = path("data");
    let files =
        |certificate: &str, key: &str| format!("tls = \"{},{}\"", path(certificate).display(), path(key).display());
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(["a.example".to_owned()]).expect("a name").self_signed(&key);
    fs::write(path("c.pem"), certificate.expect("a certificate").pem()).expect("written");
    fs::write(path("k.pem"), key.serialize_pem()).expect("written");
    fs::write(path("other.pem"), KeyPair::generate().expect("a key").serialize_pem()).expect("written");
    fs::write(path("short.key"), [1; 31]).expect("written");
    let root_key = |name: &str| format!("root-key-file = \"{}\"", path(name).display());
    check(&data, &files("nowhere.pem", "k.pem"), "nowhere.pem cannot be used").await;
    check(&data, &files("c.pem", "nowhere.pem"), "nowhere.pem cannot be used").await;
    check(&data, &files("c.pem", "other.pem"), "it is not the key of the certificate in").await;
    check(&data, &files("k.pem", "k.pem"), "there is no certificate in it").await;
    check(&data, &root_key("nowhere.key"), "nowhere.key cannot be read").await;
    check(&data, &root_key("short.key"), "short.key is not a root key").await;
    check(&path("c.pem"), "", "c.pem is not a directory").await;
    check(&path("c.pem/data"), "", "c.pem is not a directory").await;
    assert!(!data.exists(), "nothing was made");
    preflight(&settings(&data, &files("c.pem", "k.pem"))).expect("can be used");
    start(&data, &files("c.pem", "k.pem")).await.shutdown().await;
    fs::remove_file(data.join("root.key")).expect("removed");
    check(&data, "", "root.key is missing").await;
}
