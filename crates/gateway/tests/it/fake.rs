//! A service of six operations.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use api::service::{Answer, CallError, Event, Failure, ModeledError, OperationModel, Reply, Service, ServiceModel};
use base::ByteString;
use base::caller::Caller;
use base::codec::{DecodeError, Encode, Reader, Writer};
use tokio::sync::Semaphore;

const fn operation(name: &'static str, index: usize) -> OperationModel {
    OperationModel { name, index, method: "POST", uri: "/", event_stream: false }
}

static OPERATIONS: [OperationModel; 6] = [
    operation("Echo", 0),
    operation("Events", 1),
    operation("Fail", 2),
    operation("Panic", 3),
    operation("Wait", 4),
    operation("WhoAmI", 5),
];

static MODEL: ServiceModel = ServiceModel {
    name: "Fake",
    target_prefix: "Fake_1",
    json_version: "1.1",
    protocols: &["json", "smithy-rpc-v2-cbor", "query"],
    xml_namespace: "urn:fake",
    signing_name: "fake",
    api_version: "2026-01-01",
    operations: &OPERATIONS,
};

static OLDER_MODEL: ServiceModel = ServiceModel {
    name: "Older",
    target_prefix: "Older_1",
    json_version: "1.0",
    protocols: &["json"],
    xml_namespace: "",
    ..MODEL
};

/// Counts what has run, and lets waiting operations go.
#[derive(Debug)]
pub struct Fake {
    pub go: Semaphore,
    pub waiting: AtomicUsize,
    pub waited: AtomicUsize,
}

impl Fake {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { go: Semaphore::new(0), waiting: AtomicUsize::new(0), waited: AtomicUsize::new(0) })
    }
}

impl Service for Fake {
    fn model(&self) -> &'static ServiceModel {
        &MODEL
    }

    fn call<'a>(
        &'a self,
        caller: &'a Caller,
        operation: &'static OperationModel,
        body: &mut dyn Reader,
    ) -> Result<Answer<'a>, CallError> {
        let text = read(body).map_err(CallError::Malformed)?;
        if text == "bad" {
            return Err(CallError::Invalid("1 validation error detected".to_owned()));
        }
        Ok(Box::pin(async move {
            match operation.name {
                "Echo" => Ok(output(text)),
                "Events" => Ok(events(&text)),
                "Fail" => Err(Box::new(Nope) as Failure),
                "Wait" => {
                    self.waiting.fetch_add(1, Ordering::SeqCst);
                    let _ = self.go.acquire().await;
                    self.waited.fetch_add(1, Ordering::SeqCst);
                    Ok(Reply::Empty)
                }
                "WhoAmI" => {
                    let key = caller.access_key_id.as_deref().unwrap_or("-");
                    Ok(output(format!("{} {} {key}", caller.account, caller.region).into()))
                }
                _ => panic!("this operation panics"),
            }
        }))
    }
}

/// The same service in awsJson1.0 alone.
pub struct Older(pub Arc<Fake>);

impl Service for Older {
    fn model(&self) -> &'static ServiceModel {
        &OLDER_MODEL
    }

    fn call<'a>(
        &'a self,
        caller: &'a Caller,
        operation: &'static OperationModel,
        body: &mut dyn Reader,
    ) -> Result<Answer<'a>, CallError> {
        self.0.call(caller, operation, body)
    }
}

fn read(body: &mut dyn Reader) -> Result<ByteString, DecodeError> {
    let mut text = ByteString::new();
    body.begin_struct()?;
    while body.next_field(&["Text"])?.is_some() {
        text = body.string()?;
    }
    body.finish()?;
    Ok(text)
}

struct Text(ByteString);

impl Encode for Text {
    fn encode(&self, writer: &mut dyn Writer) {
        writer.begin_struct();
        writer.field("Text");
        writer.string(&self.0);
        writer.end_struct();
    }
}

impl Event for Text {
    fn event_type(&self) -> &'static str {
        "TextEvent"
    }
}

fn output(text: ByteString) -> Reply {
    Reply::Output(Box::new(Text(text)))
}

/// `end`: two events; `fail`: one and an error; `panic`: one and a panic; anything else: events for ever.
fn events(kind: &str) -> Reply {
    let kind = kind.to_owned();
    let stream = futures_util::stream::unfold(0, move |n: u32| {
        let kind = kind.clone();
        async move {
            match (kind.as_str(), n) {
                ("end", 2) => return None,
                ("fail", 1) => return Some((Err(Box::new(Nope) as Failure), n + 1)),
                ("panic", 1) => panic!("this event panics"),
                (_, 0) => {}
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
            Some((Ok(Box::new(Text(n.to_string().into())) as Box<dyn Event>), n + 1))
        }
    });
    Reply::Events(Box::pin(stream))
}

#[derive(Debug)]
struct Nope;

impl fmt::Display for Nope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nope")
    }
}

impl std::error::Error for Nope {}

impl Encode for Nope {
    fn encode(&self, writer: &mut dyn Writer) {
        writer.begin_struct();
        writer.field("message");
        writer.string("it is not to be");
        writer.field("Reasons");
        writer.begin_list(1);
        writer.string("none");
        writer.end_list();
        writer.end_struct();
    }
}

impl ModeledError for Nope {
    fn code(&self) -> &'static str {
        "NopeException"
    }
    fn query_code(&self) -> &'static str {
        "Nope"
    }
    fn status(&self) -> u16 {
        400
    }
    fn message(&self) -> Option<&str> {
        Some("it is not to be")
    }
}
