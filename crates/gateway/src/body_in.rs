//! Bodies of requests: read whole, into one buffer, under a limit each and a budget together.

use base::Bytes;
use bytes::BytesMut;
use http::request::Parts;
use http::{HeaderMap, Uri};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Duration, Instant, timeout_at};

use crate::activity::Running;
use crate::router::Context;

/// What a refused body may still send before the connection is closed on it, so that its sender reads the answer.
const REFUSED_BYTES_MAX: usize = 64 * 1024 * 1024;
const REFUSED_TIME: Duration = Duration::from_secs(2);

/// A body, and the memory that it takes of the budget.
#[derive(Debug)]
pub struct Held {
    pub bytes: Bytes,
    pub _permit: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// What stands behind the question mark of a URL, which the buffers of the connection hold already.
    pub fn of_url(url: &Uri) -> Self {
        Self { bytes: Bytes::copy_from_slice(url.query().unwrap_or_default().as_bytes()), _permit: None }
    }
}

/// Why there is no body to read an input from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    TooLarge {
        /// What it may have.
        bytes_max: usize,
    },
    /// The client was too slow.
    Slow,
    /// The client has gone, or does not speak HTTP.
    Broken,
    /// Other bodies hold all memory.
    NoMemory,
    /// The body is not of the coding that the head names.
    NotGzip,
}

/// Reads the body of a request.
pub async fn read(context: &Context, head: &Parts, mut body: Incoming, running: &Running) -> Result<Held, BodyError> {
    let limits = &context.settings.limits;
    let limit = limits.body_bytes_max;
    let refuse = |body| refuse(body, &head.headers, running);
    if context.unread.is_full() {
        refuse(body);
        return Err(BodyError::NoMemory);
    }
    if body.is_end_stream() {
        return Ok(Held { bytes: Bytes::new(), _permit: None });
    }
    let declared = body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if declared.is_some_and(|bytes| bytes > limit) {
        refuse(body);
        return Err(BodyError::TooLarge { bytes_max: limit });
    }
    // Whoever does not say how long the body is needs room for the longest.
    let Some(permit) = context.budget.take(declared.unwrap_or(limit), head.version, limits.body_memory_wait).await
    else {
        refuse(body);
        return Err(BodyError::NoMemory);
    };
    let deadline = Instant::now() + limits.body_whole;
    let mut read = BytesMut::new();
    loop {
        let wait = deadline.min(Instant::now() + limits.body_idle);
        let frame = match timeout_at(wait, body.frame()).await {
            Err(_) => return Err(BodyError::Slow),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(BodyError::Broken),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        if read.len() + data.len() > limit {
            refuse(body);
            return Err(BodyError::TooLarge { bytes_max: limit });
        }
        if read.is_empty() {
            if declared == Some(data.len()) {
                return Ok(Held { bytes: data, _permit: Some(permit) });
            }
            read.reserve(declared.unwrap_or(data.len()));
        }
        read.extend_from_slice(&data);
    }
    if declared.is_some_and(|bytes| bytes != read.len()) {
        return Err(BodyError::Broken);
    }
    Ok(Held { bytes: read.freeze(), _permit: Some(permit) })
}

/// Lets the sender of a refused body go on for a while: were its connection closed with bytes unread, the
/// system would reset it, and the answer could be lost. Who waits for permission to send gets none.
fn refuse(mut body: Incoming, headers: &HeaderMap, running: &Running) {
    if headers.contains_key(http::header::EXPECT) {
        return;
    }
    let remainder = running.remainder();
    tokio::spawn(async move {
        let deadline = Instant::now() + REFUSED_TIME;
        let mut bytes = 0;
        while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > REFUSED_BYTES_MAX {
                break;
            }
        }
        drop((body, remainder));
    });
}
