//! How the HTTP gateway sees a service: operations by name, bodies in and out, nothing of its types.

use std::pin::Pin;

use base::BoxFuture;
use base::caller::Caller;
use base::codec::{Decode, DecodeError, Encode, Reader, Validate};
use base::violations::Violations;
use futures_util::{Stream, StreamExt as _};

/// Names of protocols, as models write them.
pub mod protocol {
    /// awsJson, and its variant in CBOR.
    pub const JSON: &str = "json";
    pub const QUERY: &str = "query";
    pub const RPC_V2_CBOR: &str = "smithy-rpc-v2-cbor";
}

/// The facts of one service that routing and encoding need.
#[derive(Debug)]
pub struct ServiceModel {
    /// The service id without spaces, such as `Kinesis`.
    pub name: &'static str,
    /// What precedes the dot in `X-Amz-Target`; empty for protocols without it.
    pub target_prefix: &'static str,
    /// The version in the content type `application/x-amz-json-<version>`; empty for other protocols.
    pub json_version: &'static str,
    /// The protocols of the model, its first choice first: see [`protocol`].
    pub protocols: &'static [&'static str],
    /// The XML namespace of answers by query, such as `https://sts.amazonaws.com/doc/2011-06-15/`; empty for services
    /// without.
    pub xml_namespace: &'static str,
    /// The service's name in a signature's scope.
    pub signing_name: &'static str,
    /// The date of the API, such as `2013-12-02`.
    pub api_version: &'static str,
    pub operations: &'static [OperationModel],
}

impl ServiceModel {
    /// Whether the service speaks a protocol: see [`protocol`].
    #[must_use]
    pub fn speaks(&self, protocol: &str) -> bool {
        self.protocols.contains(&protocol)
    }

    /// Whether the service has spoken the query protocol before others, so that clients may ask for the codes that its
    /// errors have there.
    #[must_use]
    pub fn is_query_compatible(&self) -> bool {
        self.speaks(protocol::QUERY) && self.protocols.len() > 1
    }

    /// Whether the service speaks awsJson1.0 and nothing else, as DynamoDB does: its clients know absolute names of
    /// errors, and may check every answer against a checksum.
    #[must_use]
    pub fn is_json_1_0_alone(&self) -> bool {
        self.json_version == "1.0" && self.protocols == [protocol::JSON]
    }

    /// The operation of that name.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&'static OperationModel> {
        // Models list operations by name.
        let index = self.operations.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
        Some(&self.operations[index])
    }
}

/// The facts of one operation.
#[derive(Debug, PartialEq, Eq)]
pub struct OperationModel {
    pub name: &'static str,
    /// Its position in [`ServiceModel::operations`].
    pub index: usize,
    pub method: &'static str,
    pub uri: &'static str,
    /// Whether the answer is an event stream.
    pub event_stream: bool,
}

/// A service as the gateway calls it.
pub trait Service: Send + Sync {
    fn model(&self) -> &'static ServiceModel;

    /// Reads and checks the input, all before it returns; then the future runs the operation.
    /// `operation` is one of this service's own [`ServiceModel::operations`].
    fn call<'a>(
        &'a self,
        caller: &'a Caller,
        operation: &'static OperationModel,
        body: &mut dyn Reader,
    ) -> Result<Answer<'a>, CallError>;
}

/// The running operation.
pub type Answer<'a> = BoxFuture<'a, Result<Reply, Failure>>;

/// Why a body never became an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// Not of the input's type: `SerializationException`.
    Malformed(DecodeError),
    /// Breaks constraints of the model: the message of the `ValidationException`.
    Invalid(String),
}

/// What an operation answers.
pub enum Reply {
    Output(Box<dyn Encode + Send>),
    /// The model has no output: an empty body.
    Empty,
    Events(EventStream<Box<dyn Event>, Failure>),
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Output(_) => "Output",
            Self::Empty => "Empty",
            Self::Events(_) => "Events",
        })
    }
}

/// Events until the stream ends or fails.
pub type EventStream<T, E> = Pin<Box<dyn Stream<Item = Result<T, E>> + Send + 'static>>;

/// An error of some service's model.
pub type Failure = Box<dyn ModeledError>;

/// An error that the model of a service names. Encodes to its members.
pub trait ModeledError: Encode + Send + Sync + std::error::Error + 'static {
    /// The error's name on the wire.
    fn code(&self) -> &'static str;
    /// The error's name in the query protocol.
    fn query_code(&self) -> &'static str {
        self.code()
    }
    /// The HTTP status.
    fn status(&self) -> u16;
    fn message(&self) -> Option<&str>;
}

/// One message of an event stream. Encodes to its payload.
pub trait Event: Encode + Send {
    /// The value of the header `:event-type`.
    fn event_type(&self) -> &'static str;
}

/// Reads one whole body as `T` and checks it against the model.
pub fn input<T: Decode + Validate>(body: &mut dyn Reader) -> Result<T, CallError> {
    let mut violations = Violations::new();
    let input = T::decode(body, &mut violations).map_err(CallError::Malformed)?;
    body.finish().map_err(CallError::Malformed)?;
    input.validate(&mut violations);
    violations.message().map_or(Ok(input), |message| Err(CallError::Invalid(message)))
}

/// The answer of an operation with an output.
pub fn output<'a, T, E>(running: BoxFuture<'a, Result<T, E>>) -> Answer<'a>
where
    T: Encode + Send + 'static,
    E: ModeledError,
{
    Box::pin(async move {
        match running.await {
            Ok(output) => Ok(Reply::Output(Box::new(output))),
            Err(error) => Err(fail(error)),
        }
    })
}

/// The answer of an operation whose model has no output.
pub fn empty<'a, T, E>(running: BoxFuture<'a, Result<T, E>>) -> Answer<'a>
where
    T: Send + 'static,
    E: ModeledError,
{
    Box::pin(async move { running.await.map(|_| Reply::Empty).map_err(fail) })
}

/// The answer of an operation with an event stream.
pub fn events<'a, T, E>(running: BoxFuture<'a, Result<EventStream<T, E>, E>>) -> Answer<'a>
where
    T: Event + 'static,
    E: ModeledError,
{
    Box::pin(async move {
        let stream = running.await.map_err(fail)?;
        let stream = stream.map(|event| event.map(|event| Box::new(event) as Box<dyn Event>).map_err(fail));
        Ok(Reply::Events(Box::pin(stream)))
    })
}

fn fail<E: ModeledError>(error: E) -> Failure {
    Box::new(error)
}
