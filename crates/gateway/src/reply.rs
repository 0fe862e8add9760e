//! Answers, and the headers that all of them carry.

use std::pin::Pin;
use std::task::{Context, Poll};

use base::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

use crate::events::EventBody;
use crate::random;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const EXTENDED_ID: HeaderName = HeaderName::from_static("x-amz-id-2");
/// What a page's script may read of an answer.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date");

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
    pub body: ReplyBody,
    pub operation: Option<&'static str>,
    /// `OK`, or the error's name on the wire.
    pub code: &'static str,
}

impl Reply {
    /// An answer that belongs to no operation.
    pub fn plain(status: u16, code: &'static str, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = ReplyBody::Whole(body.into());
        Self { status, content_type: Some(content_type), body, operation: None, code }
    }

    pub fn body_bytes(&self) -> usize {
        match &self.body {
            ReplyBody::Whole(bytes) => bytes.len(),
            ReplyBody::Events(_) => 0,
        }
    }

    /// `cross_origin` is whether the request had an `Origin`.
    pub fn into_response(self, cross_origin: bool) -> Response<ReplyBody> {
        let mut response = Response::new(self.body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.reserve(8);
        insert_request_id(headers);
        headers.insert(EXTENDED_ID, ascii(&random::extended_id()));
        if let Some(content_type) = self.content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if cross_origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
        response
    }
}

/// The answer to a browser that asks whether a page may send a request; `None` when the request is no such question.
pub fn preflight(method: &Method, asked: &HeaderMap) -> Option<Response<ReplyBody>> {
    if method != Method::OPTIONS || !asked.contains_key(header::ORIGIN) {
        return None;
    }
    let mut response = Response::new(ReplyBody::Whole(Bytes::new()));
    let headers = response.headers_mut();
    insert_request_id(headers);
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    for (question, answer) in [
        (header::ACCESS_CONTROL_REQUEST_HEADERS, header::ACCESS_CONTROL_ALLOW_HEADERS),
        (header::ACCESS_CONTROL_REQUEST_METHOD, header::ACCESS_CONTROL_ALLOW_METHODS),
    ] {
        if let Some(value) = asked.get(question) {
            headers.insert(answer, value.clone());
        }
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("172800"));
    Some(response)
}

fn insert_request_id(headers: &mut HeaderMap) {
    headers.insert(REQUEST_ID, ascii(&random::request_id()));
}

fn ascii(text: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(text).expect("ids are made of letters, digits and punctuation of ASCII")
}
