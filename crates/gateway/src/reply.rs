//! Answers, and the headers that all of them carry.

use std::pin::Pin;
use std::task::{Context, Poll};

use base::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};

use crate::events::EventBody;
use crate::origin::{self, Origin};
use crate::random::{self, RequestId};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const EXTENDED_ID: HeaderName = HeaderName::from_static("x-amz-id-2");
/// The body of an answer.
pub enum ReplyBody {
    Whole(Bytes),
    Events(Box<EventBody>),
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Events(events) => events.poll_next(context).map(|next| next.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Events(_) => SizeHint::default(),
        }
    }
}

/// An answer before it gets its headers, and what it is to the monitor.
pub struct Reply {
    pub status: u16,
    pub content_type: Option<&'static str>,
    /// Those that only some answers have.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: ReplyBody,
    pub operation: Option<&'static str>,
    /// `OK`, or the error's name on the wire.
    pub code: &'static str,
    /// Whether the connection is of no use behind this answer, because the request was not read to its end.
    pub close: bool,
}

impl Reply {
    /// An answer that belongs to no operation.
    pub fn plain(status: u16, code: &'static str, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = ReplyBody::Whole(body.into());
        Self {
            status,
            content_type: Some(content_type),
            headers: Vec::new(),
            body,
            operation: None,
            code,
            close: false,
        }
    }

    pub fn body_bytes(&self) -> usize {
        match &self.body {
            ReplyBody::Whole(bytes) => bytes.len(),
            ReplyBody::Events(_) => 0,
        }
    }

    /// The same answer, as the last of its connection.
    #[must_use]
    pub fn closing(self) -> Self {
        Self { close: true, ..self }
    }

    pub fn into_response(self, request_id: &RequestId, origin: Origin, version: Version) -> Response<ReplyBody> {
        let mut response = Response::new(self.body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.reserve(8);
        headers.extend(self.headers);
        insert_request_id(headers, request_id);
        headers.insert(EXTENDED_ID, ascii(&random::extended_id()));
        // HTTP/2 knows no such header; there only the stream is closed.
        if self.close && version < Version::HTTP_2 {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(content_type) = self.content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        origin.allow(headers);
        response
    }
}

/// The answer to a browser that asks whether an allowed page may send a request.
pub fn preflight(asked: &HeaderMap) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::Whole(Bytes::new()));
    insert_request_id(response.headers_mut(), &RequestId::random());
    origin::answer_preflight(asked, response.headers_mut());
    response
}

fn insert_request_id(headers: &mut HeaderMap, request_id: &RequestId) {
    headers.insert(REQUEST_ID, ascii(request_id.as_str().as_bytes()));
}

fn ascii(text: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(text).expect("ids are made of letters, digits and punctuation of ASCII")
}
