//! One request and its answer, in the protocol that they share.

use std::borrow::Cow;

use api::service::{ModeledError, ServiceModel};
use base::Bytes;
use base::codec::{DecodeError, Encode, Reader};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use wire::Protocol;
use wire::error_body::{ErrorBody, ModeledErrorBody, SERIALIZATION_EXCEPTION};
use wire::event_stream::crc32;
use wire::front_door::RPC_V2_CBOR;
use wire::query::{self, FAULT_NAMESPACE, Fault, QueryError, QueryReader, QueryReply};

use crate::body_in::BodyError;
use crate::random::RequestId;
use crate::reply::{Reply, ReplyBody};

const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");
/// Asks for the codes of errors in the query protocol, whatever is spoken.
const QUERY_MODE: HeaderName = HeaderName::from_static("x-amzn-query-mode");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
const CRC32: HeaderName = HeaderName::from_static("x-amz-crc32");

/// AWS's name for an input that breaks the rules of its model, or of its service.
pub const VALIDATION_EXCEPTION: &str = "ValidationException";

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// One value in a body.
    Value(Protocol),
    /// A form, answered in XML.
    Query,
}

impl Language {
    /// Of a request, by its head alone.
    pub fn of(head: &Parts) -> Self {
        let content_type = text(&head.headers, &CONTENT_TYPE).unwrap_or_default();
        if is_rpc_v2(head) {
            Self::Value(Protocol::RpcV2Cbor)
        } else if query::is_form(content_type) {
            Self::Query
        } else {
            Self::Value(Protocol::detect(content_type).unwrap_or(Protocol::Json11))
        }
    }
}

/// What of a request decides about the form of its answer.
#[derive(Debug, Clone, Copy)]
pub struct Exchange {
    pub language: Language,
    /// `None` as long as it is not known.
    service: Option<&'static ServiceModel>,
    request_id: RequestId,
    /// Whether the client wants to know what errors are called in the query protocol.
    query_mode: bool,
}

impl Exchange {
    pub fn new(
        head: &Parts,
        language: Language,
        service: Option<&'static ServiceModel>,
        request_id: RequestId,
    ) -> Self {
        let asked = text(&head.headers, &QUERY_MODE) == Some("true");
        let query_mode = asked && language != Language::Query && service.is_some_and(ServiceModel::is_query_compatible);
        Self { language, service, request_id, query_mode }
    }

    /// Of a request of which no more is known than its head.
    pub fn unknown(head: &Parts, request_id: RequestId) -> Self {
        Self::new(head, Language::of(head), None, request_id)
    }

    /// The same one, when the request names nothing that the service has.
    pub fn without_service(self) -> Self {
        Self { service: None, ..self }
    }

    /// Hands a reader of the input to `work`.
    pub fn read<T>(&self, input: &Bytes, work: impl FnOnce(&mut dyn Reader) -> T) -> Result<T, DecodeError> {
        match self.language {
            Language::Value(protocol) => protocol.read(input.clone(), work),
            Language::Query => Ok(work(&mut QueryReader::new(input)?)),
        }
    }

    /// Fails when the input is not a structure, whatever is in it.
    pub fn require_structure(&self, input: &Bytes) -> Result<(), DecodeError> {
        self.read(input, |reader| {
            reader.begin_struct()?;
            while reader.next_field(&[])?.is_some() {}
            reader.finish()
        })?
        .map_err(|_| DecodeError::malformed())
    }

    /// Appends what an operation answers; `None` when its model has no output.
    pub fn write(&self, operation: &str, output: Option<&dyn Encode>, out: &mut Vec<u8>) {
        match (self.language, output) {
            (Language::Value(protocol), Some(output)) => protocol.encode(output, out),
            (Language::Value(_), None) => {}
            (Language::Query, output) => {
                let (namespace, request_id) = (self.namespace(), self.request_id.as_str());
                QueryReply { operation, namespace, request_id }.encode(output, out);
            }
        }
    }

    pub fn success(&self, body: ReplyBody) -> Reply {
        let mut reply = self.reply(200, "OK", body);
        // In rpcv2Cbor an operation without output answers nothing, of no type.
        if self.language == Language::Value(Protocol::RpcV2Cbor) && reply.body_bytes() == 0 {
            reply.content_type = None;
        }
        reply
    }

    pub fn failure(&self, problem: &Problem<'_>) -> Reply {
        let Problem { status, code, .. } = *problem;
        let body = match self.language {
            Language::Value(protocol) => self.value_error(protocol, problem),
            Language::Query => self.query_error(problem),
        };
        let mut reply = self.reply(status, code, ReplyBody::Whole(body));
        if self.query_mode {
            let value = format!("{};{}", problem.query_code, Fault::of_status(status).as_str());
            reply.headers.push((QUERY_ERROR, HeaderValue::try_from(value).expect("codes are letters")));
        }
        reply
    }

    pub fn malformed(&self, error: &DecodeError) -> Reply {
        self.failure(&Problem::new(400, SERIALIZATION_EXCEPTION, error.message.as_deref()))
    }

    /// The answer to a request whose body never became whole.
    pub fn without_body(&self, error: BodyError) -> Reply {
        let (status, code, message) = match error {
            BodyError::TooLarge { bytes_max } => {
                (413, "RequestEntityTooLargeException", format!("The body is larger than {bytes_max} bytes."))
            }
            BodyError::Slow => (408, "RequestTimeout", "The body did not arrive in time.".to_owned()),
            BodyError::Broken => (400, SERIALIZATION_EXCEPTION, "The body ended before its announced end.".to_owned()),
            BodyError::NoMemory => {
                (503, "SlowDown", "There is no memory for the request now. Send it again later.".to_owned())
            }
            BodyError::NotGzip => {
                (400, SERIALIZATION_EXCEPTION, "The body is not gzip, as its Content-Encoding says.".to_owned())
            }
        };
        self.failure(&Problem::new(status, code, Some(&message)))
    }

    fn reply(&self, status: u16, code: &'static str, body: ReplyBody) -> Reply {
        let mut headers = Vec::new();
        let content_type = match self.language {
            Language::Value(protocol) => protocol.content_type(),
            Language::Query => query::CONTENT_TYPE,
        };
        if self.language == Language::Value(Protocol::RpcV2Cbor) {
            headers.push((SMITHY_PROTOCOL, HeaderValue::from_static(RPC_V2_CBOR)));
        }
        if let ReplyBody::Whole(body) = &body
            && self.service.is_some_and(ServiceModel::is_json_1_0_alone)
        {
            headers.push((CRC32, crc32(body).into()));
        }
        Reply { status, content_type: Some(content_type), headers, body, operation: None, code, close: false }
    }

    fn value_error(&self, protocol: Protocol, problem: &Problem<'_>) -> Bytes {
        let Problem { code, message, members, .. } = *problem;
        let name = self.type_name(protocol, code, members.is_some());
        match members {
            None => ErrorBody { code: &name, message }.to_bytes(protocol),
            Some(members) => ModeledErrorBody { code: &name, members }.to_bytes(protocol),
        }
    }

    /// What an error is called in `__type`. `of_model`: whether the service's model names it.
    fn type_name(&self, protocol: Protocol, code: &'static str, of_model: bool) -> Cow<'static, str> {
        let Some(service) = self.service else { return code.into() };
        let name = service.name.to_ascii_lowercase();
        match protocol {
            // Names of shapes are absolute there.
            Protocol::RpcV2Cbor if of_model => format!("com.amazonaws.{name}#{code}").into(),
            Protocol::Json10 if service.is_json_1_0_alone() => match code {
                VALIDATION_EXCEPTION => format!("com.amazon.coral.validate#{code}").into(),
                _ if of_model => {
                    let version = service.api_version.replace('-', "");
                    format!("com.amazonaws.{name}.v{version}#{code}").into()
                }
                _ => format!("com.amazon.coral.service#{code}").into(),
            },
            _ => code.into(),
        }
    }

    fn query_error(&self, problem: &Problem<'_>) -> Bytes {
        let Problem { status, query_code: code, message, .. } = *problem;
        let (namespace, request_id) = (self.namespace(), self.request_id.as_str());
        QueryError { namespace, fault: Fault::of_status(status), code, message, request_id }.to_bytes()
    }

    fn namespace(&self) -> &'static str {
        self.service.map_or(FAULT_NAMESPACE, |service| service.xml_namespace)
    }
}

/// An error on its way to the client.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    pub status: u16,
    pub code: &'static str,
    pub query_code: &'static str,
    pub message: Option<&'a str>,
    /// All that the service's model says of it, if it does.
    members: Option<&'a dyn Encode>,
}

impl<'a> Problem<'a> {
    /// One that any service may have.
    pub fn new(status: u16, code: &'static str, message: Option<&'a str>) -> Self {
        Self { status, code, query_code: query::error_code(code), message, members: None }
    }

    pub fn of(error: &'a dyn ModeledError) -> Self {
        let (status, code, query_code, message) = (error.status(), error.code(), error.query_code(), error.message());
        Self { status, code, query_code, message, members: Some(error) }
    }
}

/// Whether a request says that it speaks rpcv2Cbor.
pub fn is_rpc_v2(head: &Parts) -> bool {
    text(&head.headers, &SMITHY_PROTOCOL) == Some(RPC_V2_CBOR)
}

/// The text of a header; `None` when it is absent or not ASCII.
pub fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
