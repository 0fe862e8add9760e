//! The client against a scripted HTTP server.

mod producer;
mod server;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anabranch_client::{
    Builder, Connect, Credentials, CredentialsSource, DynamoDbClient, Endpoint, KinesisClient, Socket,
};
use api::dynamodb::{DynamoDB as _, DynamoDBError, ListTablesInput};
use api::kinesis::{
    DescribeLimitsInput, Kinesis, KinesisError, ListStreamsInput, PutRecordInput, StartingPosition,
    SubscribeToShardEvent, SubscribeToShardInput,
};
use base::BoxFuture;
use base::caller::Caller;
use base::ids::{AccountId, Region};
use futures_util::StreamExt as _;
use tokio::net::TcpStream;
use wire::Protocol;
use wire::event_stream;

use self::server::{Answer, Server};

fn builder(server: &Server) -> Builder {
    let credentials = Credentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: "secret".to_owned(),
        session_token: Some("token".to_owned()),
    };
    let region = Region::new("eu-west-1").expect("a region");
    KinesisClient::builder(server.endpoint(), region, credentials).attempt_timeout(Duration::from_millis(500))
}

fn caller() -> Caller {
    Caller { account: AccountId::zero(), region: Region::new("eu-west-1").expect("a region"), access_key_id: None }
}

async fn list(client: &KinesisClient) -> Result<Vec<String>, KinesisError> {
    let output = client.list_streams(&caller(), ListStreamsInput::default()).await?;
    Ok(output.stream_names.iter().map(ToString::to_string).collect())
}

const STREAMS: &str = r#"{"StreamNames":["a","b"],"HasMoreStreams":false}"#;

#[tokio::test]
async fn requests_are_signed_and_share_a_connection() {
    let server = Server::start(vec![Answer::json(200, STREAMS), Answer::json(200, STREAMS)]).await;
    let client = builder(&server).build().expect("no TLS");
    for _ in 0..2 {
        assert_eq!(list(&client).await, Ok(vec!["a".to_owned(), "b".to_owned()]));
    }
    let seen = server.seen();
    assert_eq!(server.connections(), 1);
    let header = |name: &str| seen[0].headers.get(name).expect(name).to_str().expect("text").to_owned();
    assert_eq!(header("x-amz-target"), "Kinesis_20131202.ListStreams");
    assert_eq!(header("content-type"), "application/x-amz-json-1.1");
    assert_eq!(header("x-amz-security-token"), "token");
    assert_eq!(format!("http://{}", header("host")), server.endpoint().to_string());
    let authorization = header("authorization");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"), "{authorization}");
    assert!(authorization.contains("/eu-west-1/kinesis/aws4_request"), "{authorization}");
    assert_eq!(seen[0].body, "{}");
}

#[tokio::test]
async fn inputs_and_outputs_travel_as_json() {
    let server =
        Server::start(vec![Answer::json(200, r#"{"ShardId":"shardId-000000000000","SequenceNumber":"7"}"#)]).await;
    let client = builder(&server).build().expect("no TLS");
    let input = PutRecordInput {
        stream_name: Some("s".into()),
        data: "hello".into(),
        partition_key: "k".into(),
        ..Default::default()
    };
    let output = client.put_record(&caller(), input).await.expect("answered");
    assert_eq!((&*output.shard_id, &*output.sequence_number), ("shardId-000000000000", "7"));
    assert_eq!(server.seen()[0].body, r#"{"StreamName":"s","Data":"aGVsbG8=","PartitionKey":"k"}"#);
}

#[tokio::test]
async fn each_service_has_its_protocol_and_name() {
    let refused = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"no"}"#;
    let server =
        Server::start(vec![Answer::json(200, r#"{"TableNames":["leases"]}"#), Answer::json(400, refused)]).await;
    let region = Region::new("eu-west-1").expect("a region");
    let client = DynamoDbClient::builder(server.endpoint(), region, Credentials::anonymous()).build().expect("no TLS");
    let output = client.list_tables(&caller(), ListTablesInput::default()).await.expect("answered");
    assert_eq!(output.table_names.expect("names"), ["leases"]);
    let error = client.list_tables(&caller(), ListTablesInput::default()).await;
    assert_eq!(error, Err(DynamoDBError::conditional_check_failed("no")));
    let seen = server.seen();
    let header = |name: &str| seen[0].headers.get(name).expect(name).to_str().expect("text").to_owned();
    assert_eq!(header("x-amz-target"), "DynamoDB_20120810.ListTables");
    assert_eq!(header("content-type"), "application/x-amz-json-1.0");
    assert!(header("authorization").contains("/eu-west-1/dynamodb/aws4_request"));
}

#[tokio::test]
async fn bodies_may_be_cbor() {
    // {"StreamNames":["a"],"HasMoreStreams":false}
    let streams = b"\xa2\x6bStreamNames\x81\x61a\x6eHasMoreStreams\xf4";
    let server = Server::start(vec![Answer::Pieces(vec![bytes::Bytes::from_static(streams)])]).await;
    let client = builder(&server).cbor().build().expect("no TLS");
    assert_eq!(list(&client).await, Ok(vec!["a".to_owned()]));
    assert_eq!(server.seen()[0].headers["content-type"], "application/x-amz-cbor-1.1");
}

#[tokio::test]
async fn passing_errors_are_tried_again_and_lasting_ones_are_not() {
    let throttled = r#"{"__type":"ProvisionedThroughputExceededException","message":"slow"}"#;
    let server = Server::start(vec![
        Answer::json(503, "busy"),
        Answer::json(400, throttled),
        Answer::json(200, STREAMS),
        Answer::json(400, r#"{"__type":"LimitExceededException","message":"no"}"#),
        Answer::json(400, r#"{"__type":"LimitExceededException","message":"no"}"#),
        Answer::json(400, r#"{"__type":"LimitExceededException","message":"no"}"#),
        Answer::json(400, r#"{"__type":"InvalidArgumentException","message":"what"}"#),
    ])
    .await;
    let client = builder(&server).build().expect("no TLS");
    assert!(list(&client).await.is_ok());
    assert_eq!(server.seen().len(), 3);
    assert_eq!(list(&client).await, Err(KinesisError::limit_exceeded("no")));
    assert_eq!(server.seen().len(), 6, "three attempts and no more");
    assert_eq!(list(&client).await, Err(KinesisError::invalid_argument("what")));
    assert_eq!(server.seen().len(), 7, "a lasting error is asked for once");
}

#[tokio::test]
async fn an_expired_key_is_asked_for_again() {
    let expired = || Answer::json(400, r#"{"__type":"ExpiredTokenException","message":"old"}"#);
    let server = Server::start(vec![expired(), Answer::json(200, STREAMS), expired(), expired()]).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let source = CredentialsSource::new(move || Credentials {
        access_key_id: format!("KEY{}", asked.fetch_add(1, Ordering::Relaxed)),
        ..Credentials::anonymous()
    });
    let region = Region::new("eu-west-1").expect("a region");
    let client = KinesisClient::builder(server.endpoint(), region, source).attempts_max(10).build().expect("no TLS");
    assert!(list(&client).await.is_ok());
    let error = list(&client).await.expect_err("the key of the second attempt is no younger");
    assert!(error.to_string().contains("ExpiredTokenException: old"), "{error}");
    let seen = server.seen();
    assert_eq!(seen.len(), 4);
    for (number, seen) in seen.iter().enumerate() {
        let authorization = seen.headers["authorization"].to_str().expect("text");
        assert!(authorization.contains(&format!("Credential=KEY{number}/")), "{authorization}");
    }
}

#[tokio::test]
async fn a_closed_connection_is_replaced() {
    let server =
        Server::start(vec![Answer::Hang, Answer::json(200, STREAMS).and_close(), Answer::json(200, STREAMS)]).await;
    let client = builder(&server).build().expect("no TLS");
    assert!(list(&client).await.is_ok(), "after a time-out");
    assert!(list(&client).await.is_ok(), "after the server closed");
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn what_cannot_be_used_says_so() {
    let server = Server::start(vec![
        Answer::json(200, "{"),
        Answer::json(200, STREAMS),
        Answer::json(200, r#"{"ShardLimit":1,"OpenShardCount":"x"}"#),
    ])
    .await;
    let client = builder(&server).reply_bytes_max(16).attempts_max(1).build().expect("no TLS");
    let text = |result: Result<Vec<String>, KinesisError>| result.expect_err("unusable").to_string();
    assert!(text(list(&client).await).contains("the answer cannot be read"));
    assert!(text(list(&client).await).contains("the answer is larger than 16 bytes"));
    let client = builder(&server).build().expect("no TLS");
    assert!(client.describe_limits(&caller(), DescribeLimitsInput::default()).await.is_err());
    drop(server);
}

#[tokio::test]
async fn nobody_there_is_a_connection_that_cannot_be_made() {
    let server = Server::start(Vec::new()).await;
    let endpoint = server.endpoint();
    let builder = builder(&server);
    server.stop().await;
    let client = builder.attempts_max(1).build().expect("no TLS");
    let error = list(&client).await.expect_err("nobody there").to_string();
    assert!(error.contains(&format!("cannot connect to {endpoint}")), "{error}");
}

#[tokio::test]
async fn events_come_one_by_one_until_the_stream_ends() {
    let event = |millis_behind_latest| SubscribeToShardEvent {
        millis_behind_latest,
        continuation_sequence_number: Some("7".into()),
        ..Default::default()
    };
    let mut bytes = Vec::new();
    event_stream::encode_initial_response(&mut bytes, Protocol::Json11);
    for millis in 0..3 {
        event_stream::encode_event(&mut bytes, Protocol::Json11, "SubscribeToShardEvent", &event(millis));
    }
    let whole = bytes.clone();
    event_stream::encode_exception(&mut bytes, Protocol::Json11, "ResourceNotFoundException", "gone");
    let cut = whole[..whole.len() - 3].to_vec();
    // In pieces that respect no message.
    let server = Server::start(vec![
        Answer::Pieces(bytes.chunks(7).map(bytes::Bytes::copy_from_slice).collect()),
        Answer::Pieces(vec![whole.into()]),
        Answer::Pieces(vec![cut.into()]),
        Answer::json(400, r#"{"__type":"ResourceInUseException","message":"taken"}"#),
    ])
    .await;
    let client = builder(&server).build().expect("no TLS");
    let input = SubscribeToShardInput {
        consumer_arn: "c".into(),
        shard_id: "s".into(),
        starting_position: StartingPosition::default(),
        ..Default::default()
    };
    let subscribe = || client.subscribe_to_shard(&CALLER, input.clone());
    static CALLER: std::sync::LazyLock<Caller> = std::sync::LazyLock::new(caller);

    let events: Vec<_> = subscribe().await.expect("subscribed").collect().await;
    assert_eq!(events.len(), 4);
    assert_eq!(events[2], Ok(event(2)));
    assert_eq!(events[3], Err(KinesisError::resource_not_found("gone")));

    let events: Vec<_> = subscribe().await.expect("subscribed").collect().await;
    assert_eq!(events, [Ok(event(0)), Ok(event(1)), Ok(event(2))]);

    let events: Vec<_> = subscribe().await.expect("subscribed").collect().await;
    assert_eq!(events.len(), 3);
    assert!(events[2].as_ref().is_err_and(|error| error.to_string().contains("ends within a message")));

    assert!(matches!(subscribe().await, Err(error) if error == KinesisError::resource_in_use("taken")));
}

#[tokio::test]
async fn calls_wait_for_each_other_and_not_for_subscriptions() {
    let server = Server::start(vec![
        Answer::Hang,
        Answer::json(200, STREAMS),
        Answer::json(200, STREAMS),
        Answer::json(200, STREAMS),
    ])
    .await;
    let client = builder(&server).attempts_max(1).connections_max(1).build().expect("no TLS");
    let input = SubscribeToShardInput { consumer_arn: "c".into(), shard_id: "s".into(), ..Default::default() };
    let caller = caller();
    let subscribing = async {
        assert!(client.subscribe_to_shard(&caller, input).await.is_err(), "it is never answered");
    };
    let calling = async {
        while server.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        let (first, second, third) = tokio::join!(list(&client), list(&client), list(&client));
        assert!(first.is_ok() && second.is_ok() && third.is_ok(), "{first:?} {second:?} {third:?}");
    };
    tokio::join!(subscribing, calling);
    assert_eq!(server.connections(), 2, "one for the subscription");
}

#[tokio::test]
async fn connections_come_from_where_the_caller_says() {
    struct Elsewhere(Endpoint);
    impl Connect for Elsewhere {
        fn connect<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<Box<dyn Socket>>> {
            assert_eq!(endpoint.host(), "nowhere");
            Box::pin(async {
                let stream = TcpStream::connect((self.0.host(), self.0.port())).await?;
                Ok(Box::new(stream) as Box<dyn Socket>)
            })
        }
    }
    let server = Server::start(vec![Answer::json(200, STREAMS)]).await;
    let endpoint = "http://nowhere:1".parse().expect("an endpoint");
    let region = Region::new("eu-west-1").expect("a region");
    let builder = KinesisClient::builder(endpoint, region, Credentials::anonymous());
    let client = builder.connector(Arc::new(Elsewhere(server.endpoint()))).build().expect("no TLS");
    assert_eq!(list(&client).await, Ok(vec!["a".to_owned(), "b".to_owned()]));
}
