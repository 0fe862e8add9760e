use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::BodyExt as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::http2::{connect, send};
use crate::support::{Wish, post, start};

/// A CA, and a server that it vouches for.
fn certificates() -> (CertificateDer<'static>, Arc<ServerConfig>) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("a CA");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(["localhost".to_owned()]).expect("a name").signed_by(&key, &authority);
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.expect("a certificate").der().clone()], key.into())
        .expect("key and certificate match");
    (authority.der().clone(), Arc::new(config))
}

async fn dial(address: SocketAddr, authority: CertificateDer<'static>, alpn: &[&[u8]]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(authority).expect("a CA");
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let socket = TcpStream::connect(address).await.expect("listening");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.expect("trusted")
}

#[tokio::test]
async fn every_way_of_choosing_a_protocol_works() {
    let (authority, config) = certificates();
    let server = start(Wish { tls: Some(config), ..Wish::default() }).await;
    let address = server.tls_address.expect("a TLS listener");
    let two: &[&[u8]] = &[b"h2"];
    // The last is HTTP/2 that nobody spoke of, as old Java clients do.
    for (alpn, chosen) in [(two, Some(&b"h2"[..])), (&[b"h2", b"http/1.1"], Some(b"h2")), (&[], None)] {
        let stream = dial(address, authority.clone(), alpn).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
        let mut client = connect(stream).await;
        let answer = send(&mut client, "Echo", r#"{"Text":"tls"}"#).await;
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(body, r#"{"Text":"tls"}"#);
    }
    let one: &[&[u8]] = &[b"http/1.1"];
    for (alpn, chosen) in [(one, Some(&b"http/1.1"[..])), (&[], None)] {
        let mut stream = dial(address, authority.clone(), alpn).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
        let request = post("Echo", "{}").replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
}

#[tokio::test]
async fn plaintext_on_the_tls_port_gets_no_service() {
    let (_, config) = certificates();
    let server = start(Wish { tls: Some(config), ..Wish::default() }).await;
    let mut socket = TcpStream::connect(server.tls_address.expect("a TLS listener")).await.expect("listening");
    socket.write_all(post("Echo", "{}").as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}
