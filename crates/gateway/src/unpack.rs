//! Bodies that their senders have compressed, as SDKs do with long calls of PutMetricData. Signatures are over the
//! bytes as they were sent, so only bodies of known senders are decompressed.

use http::header::CONTENT_ENCODING;
use http::request::Parts;
use wire::gzip::{Gzip, GzipError};

use crate::body_in::{BodyError, Held};
use crate::exchange::text;
use crate::router::Context;

/// Whether the body is gzip; other codings are names without a meaning, such as `amz-1.0`.
pub fn is_packed(head: &Parts) -> bool {
    let codings = text(&head.headers, &CONTENT_ENCODING).unwrap_or_default();
    codings.rsplit(',').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("gzip"))
}

/// The body as it was before it was compressed, if it was. It needs memory anew.
pub async fn unpack(context: &Context, head: &Parts, body: Held) -> Result<Held, BodyError> {
    if !is_packed(head) || body.bytes.is_empty() {
        return Ok(body);
    }
    let limits = &context.settings.limits;
    let gzip = Gzip::new(&body.bytes, limits.body_bytes_max)?;
    let permit = context.budget.take(gzip.len(), head.version, limits.body_memory_wait).await;
    let permit = permit.ok_or(BodyError::NoMemory)?;
    Ok(Held { bytes: gzip.inflate()?, _permit: Some(permit) })
}

impl From<GzipError> for BodyError {
    fn from(error: GzipError) -> Self {
        match error {
            GzipError::Malformed => Self::NotGzip,
            GzipError::TooLarge { bytes_max } => Self::TooLarge { bytes_max },
        }
    }
}
