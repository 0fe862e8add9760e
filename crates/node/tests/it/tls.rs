use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::start;

#[tokio::test]
async fn clients_that_trust_the_local_ca_are_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "tls = \"auto\"").await;
    let address = node.addresses().tls.expect("a TLS listener");
    let ca = node.trust().expect("a local CA").ca_file.clone();
    for name in ["localhost", "127.0.0.1", "::1"] {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&ca).expect("a CA file")).expect("a CA");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let socket = TcpStream::connect(address).await.expect("listening");
        let name = ServerName::try_from(name).expect("a name");
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, socket).await.expect("trusted");
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    node.shutdown().await;
}
