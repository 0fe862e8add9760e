//! One operation of any service: encode, sign, send, read the answer, and try again where that helps.

use std::time::Duration;

use api::ServiceModel;
use base::codec::{Decode, Encode, Writer};
use base::time::{Clock as _, SystemClock};
use base::violations::Violations;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;
use wire::Protocol;
use wire::sigv4::{Signer, ToSign};

use crate::credentials::CredentialsSource;
use crate::endpoint::Endpoint;
use crate::failure::ClientError;
use crate::pool::{Connection, Pool};
use crate::retry::Attempts;

/// The answer to a plain GET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainReply {
    pub status: u16,
    pub body: Bytes,
}

/// What the clients of all services share: connections, signature, limits, and the facts of the one service.
pub struct Transport {
    pub(crate) service: &'static ServiceModel,
    /// How bodies are written.
    pub(crate) protocol: Protocol,
    pub(crate) pool: Pool,
    pub(crate) signer: Signer,
    pub(crate) credentials: CredentialsSource,
    pub(crate) attempt_timeout: Duration,
    pub(crate) attempts_max: u32,
    pub(crate) reply_bytes_max: usize,
}

impl Transport {
    pub(crate) fn endpoint(&self) -> &Endpoint {
        self.pool.endpoint()
    }

    /// Gets a path that is not part of the API, without a signature.
    pub(crate) async fn get(&self, path: &str) -> Result<PlainReply, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, self.host());
        let request = Request::get(path).body(Full::default());
        let mut request = request.map_err(|error| ClientError::Unreadable(error.to_string()))?;
        *request.headers_mut() = headers;
        let (status, _, body) = self.exchange(request).await?;
        Ok(PlainReply { status, body })
    }

    pub(crate) async fn call<T: Decode>(
        &self,
        operation: &'static str,
        input: &(dyn Encode + Sync),
    ) -> Result<T, ClientError> {
        let body = self.encode(input);
        let mut attempts = self.attempts();
        let reply = loop {
            match self.attempt(operation, &body).await {
                Ok(reply) => break reply,
                Err(error) => attempts.pause_or_fail(error).await?,
            }
        };
        // Operations without output answer with an empty body.
        let reply = if reply.is_empty() { self.encode(&Nothing) } else { reply };
        self.protocol.decode(reply, &mut Violations::new()).map_err(|error| ClientError::Unreadable(error.to_string()))
    }

    pub(crate) fn encode(&self, input: &(dyn Encode + Sync)) -> Bytes {
        let mut body = Vec::new();
        self.protocol.encode(input, &mut body);
        body.into()
    }

    pub(crate) fn attempts(&self) -> Attempts {
        Attempts::of(self.attempts_max)
    }

    async fn attempt(&self, operation: &str, body: &Bytes) -> Result<Bytes, ClientError> {
        let (status, headers, reply) = self.exchange(self.request(operation, body)?).await?;
        if status == 200 { Ok(reply) } else { Err(ClientError::from_reply(self.protocol, status, &headers, &reply)) }
    }

    /// A signed request.
    pub(crate) fn request(&self, operation: &str, body: &Bytes) -> Result<Request<Full<Bytes>>, ClientError> {
        let target = format!("{}.{operation}", self.service.target_prefix);
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, self.host());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.protocol.content_type()));
        headers.insert("x-amz-target", HeaderValue::try_from(target).expect("names of operations are ASCII"));
        let path = self.pool.endpoint().path();
        let credentials = self.credentials.current();
        self.signer
            .sign(
                ToSign { method: "POST", path, query: "", headers: &mut headers, body },
                credentials.for_signing(),
                SystemClock.now(),
            )
            .map_err(|error| ClientError::Sign(error.to_string()))?;
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path.parse().expect("the path comes from a URI");
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn host(&self) -> HeaderValue {
        HeaderValue::try_from(self.pool.endpoint().authority()).expect("the authority comes from a URI")
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(u16, HeaderMap, Bytes), ClientError> {
        let whole = async {
            let (response, connection) = self.pool.send(request).await?;
            let (head, body) = response.into_parts();
            let body = self.read(body, connection).await?;
            Ok((head.status.as_u16(), head.headers, body))
        };
        timeout(self.attempt_timeout, whole).await.map_err(|_| self.timed_out())?
    }

    /// Reads a body to its end, within the limit; the connection can then serve the next request.
    pub(crate) async fn read(&self, body: Incoming, connection: Connection) -> Result<Bytes, ClientError> {
        match Limited::new(body, self.reply_bytes_max).collect().await {
            Ok(body) => {
                self.pool.keep(connection);
                Ok(body.to_bytes())
            }
            Err(error) if error.is::<LengthLimitError>() => {
                Err(ClientError::TooLarge { bytes_max: self.reply_bytes_max })
            }
            Err(error) => Err(self.pool.broken(&*error)),
        }
    }

    pub(crate) fn timed_out(&self) -> ClientError {
        let endpoint = self.pool.endpoint().to_string();
        ClientError::Timeout { endpoint, seconds: self.attempt_timeout.as_secs() }
    }
}

/// A structure without members.
struct Nothing;

impl Encode for Nothing {
    fn encode(&self, writer: &mut dyn Writer) {
        writer.begin_struct();
        writer.end_struct();
    }
}
