//! A client over TLS. It runs in a process of its own, because `SSL_CERT_FILE` says whom it trusts.

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ShardIteratorType, StartingPosition};

use crate::sdk::{FIRST_SHARD, connect, make_consumer, make_stream, read};
use crate::{record, server::Server};

/// Puts a record and has it pushed back, over HTTP/2 by ALPN.
pub(crate) async fn client(endpoint: &str) {
    let client = connect(endpoint);
    make_stream(&client, "tls", 1).await;
    let consumer = make_consumer(&client, "tls", "reader").await;
    let put = client.put_record().stream_name("tls").partition_key("k").data(Blob::new("over tls"));
    put.send().await.expect("the record is put");
    assert_eq!(read(&client, "tls", FIRST_SHARD).await[0].data().as_ref(), b"over tls");
    let position = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon).build().expect("a position");
    let answer = client.subscribe_to_shard().consumer_arn(consumer).shard_id(FIRST_SHARD).starting_position(position);
    let mut events = answer.send().await.expect("the subscription begins").event_stream;
    loop {
        let event = events.recv().await.expect("events arrive").expect("the stream has not ended");
        let event = event.as_subscribe_to_shard_event().expect("there is no other type of event");
        if let Some(record) = event.records().first() {
            assert_eq!(record.data().as_ref(), b"over tls");
            break;
        }
    }
    record::save();
}

/// Runs [`client`] in a process that trusts the server's authority, or nobody.
pub(crate) async fn run_client(server: &Server, trusts: bool) -> bool {
    let authority = if trusts { server.authority() } else { "/dev/null".into() };
    let program = std::env::current_exe().expect("a process knows its program");
    let mut command = tokio::process::Command::new(program);
    command.args(["tls-client", &server.tls_endpoint()]).env("SSL_CERT_FILE", authority).env_remove("SSL_CERT_DIR");
    if !trusts {
        command.stderr(std::process::Stdio::null());
    }
    command.status().await.expect("the program starts").success()
}
