use std::os::unix::fs::PermissionsExt as _;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{RootCertStore, SignatureScheme};

use super::*;

/// Whether a client that trusts `ca` believes the certificate to be `name`'s.
fn is_trusted(certificates: &Certificates, ca: &Path, name: &str) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("a CA file")).expect("a CA");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().expect("roots");
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let current = certificates.current.read().expect("no panic");
    verifier.verify_server_cert(&current.cert[0], &current.cert[1..], &name, &[], UnixTime::now()).is_ok()
}

#[test]
fn the_local_ca_vouches_for_this_machine_only() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = Certificates::from_authority(directory.path()).expect("made");
    let ca = first.ca_file().expect("a local CA");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&ca), mode(&directory.path().join(CA_KEY))), (0o644, 0o600));
    for name in NAMES {
        assert!(is_trusted(&first, &ca, name), "{name}");
    }
    assert!(!is_trusted(&first, &ca, "example.com"));
    assert!(!is_trusted(&first, &ca, "10.0.0.1"));
    let text = std::fs::read(&ca).expect("a CA file");
    let second = Certificates::from_authority(directory.path()).expect("read");
    assert_eq!(std::fs::read(&ca).expect("a CA file"), text, "the CA is kept");
    assert!(is_trusted(&second, &ca, "localhost"));
    assert!(second.server_config().is_ok());
}

#[test]
fn the_ca_is_named_by_its_whole_path() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    let name = Path::new(directory.path().file_name().expect("a name"));
    let ca = Certificates::from_authority(name).expect("made").ca_file().expect("a local CA");
    assert!(ca.is_absolute() && ca.ends_with(name.join(CA_CERTIFICATE)), "{}", ca.display());
}

#[test]
fn files_are_read_and_followed() {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |names: &[&str]| {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = CertificateParams::new(names).expect("names").self_signed(&key).expect("a certificate");
        std::fs::write(directory.path().join("c.pem"), certificate.pem()).expect("written");
        std::fs::write(directory.path().join("k.pem"), key.serialize_pem()).expect("written");
    };
    let paths = || (directory.path().join("c.pem"), directory.path().join("k.pem"));
    let load = || Certificates::from_files(paths().0, paths().1);
    assert!(matches!(load(), Err(TlsError::File { .. })), "no files");
    write(&["a.example"]);
    let certificates = load().expect("read");
    assert_eq!(certificates.ca_file(), None);
    let schemes =
        certificates.current.read().expect("no panic").key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]);
    assert!(schemes.is_some());
    let before = certificates.source.stamp();
    write(&["a.example", "b.example"]);
    assert_ne!(certificates.source.stamp(), before);
    std::fs::write(paths().1, KeyPair::generate().expect("a key").serialize_pem()).expect("written");
    let reason = load().expect_err("another certificate's key").to_string();
    assert!(reason.contains("k.pem cannot be used: it is not the key of the certificate in"), "{reason}");
    std::fs::write(paths().0, "").expect("written");
    let reason = load().expect_err("no certificate").to_string();
    assert!(reason.contains("c.pem cannot be used: there is no certificate in it"), "{reason}");
}
