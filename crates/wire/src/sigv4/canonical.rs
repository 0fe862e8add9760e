//! The form of a request that is signed, and the string to sign that is made of it.

use std::borrow::Cow;

use http::HeaderMap;

use super::{ALGORITHM, TERMINATOR};
use crate::hex;

/// The query parameter that is not part of what it signs.
const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// A request as it arrived, or is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    pub method: &'a str,
    /// As on the wire, without the query.
    pub path: &'a str,
    /// As on the wire, without its question mark; empty when there is none.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    /// HTTP/2's `:authority`, which stands for `host` there and can be signed under its own name.
    pub authority: Option<&'a str>,
    pub body: &'a [u8],
}

impl SignedRequest<'_> {
    /// The text of a header; `None` when it is absent or not ASCII.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What a signature is valid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope<'a> {
    /// `YYYYMMDD`.
    pub date: Cow<'a, str>,
    pub region: Cow<'a, str>,
    pub service: Cow<'a, str>,
}

impl Scope<'_> {
    pub fn to_text(&self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.date, self.region, self.service)
    }
}

/// `signed_headers` is the list as the signature has it, separated by semicolons. A header of the list that the
/// request lacks counts as empty.
pub(super) fn canonical_request(request: &SignedRequest<'_>, signed_headers: &str, payload_hash: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024 + request.path.len() + request.query.len());
    out.extend_from_slice(request.method.as_bytes());
    out.push(b'\n');
    push_path(&mut out, request.path);
    out.push(b'\n');
    push_query(&mut out, request.query);
    out.push(b'\n');
    for name in signed_headers.split(';') {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        push_header(&mut out, request, name);
        out.push(b'\n');
    }
    out.push(b'\n');
    out.extend_from_slice(signed_headers.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(payload_hash.as_bytes());
    out
}

pub(super) fn string_to_sign(time: &str, scope: &Scope<'_>, canonical_request: &[u8]) -> Vec<u8> {
    let digest = hex::encode(sha256(canonical_request).as_ref());
    let mut out = Vec::with_capacity(192);
    for part in [ALGORITHM, "\n", time, "\n", &scope.date, "/", &scope.region, "/", &scope.service, "/", TERMINATOR] {
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'\n');
    out.extend_from_slice(&digest);
    out
}

pub(super) fn sha256(bytes: &[u8]) -> aws_lc_rs::digest::Digest {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes)
}

/// Segments are encoded once more than on the wire; `.`, `..` and empty segments are resolved.
fn push_path(out: &mut Vec<u8>, path: &str) {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    for segment in &segments {
        out.push(b'/');
        push_encoded(out, segment.as_bytes());
    }
    if segments.is_empty() || path.ends_with('/') {
        out.push(b'/');
    }
}

fn push_query(out: &mut Vec<u8>, query: &str) {
    if query.is_empty() {
        return;
    }
    let mut parameters: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| *name != SIGNATURE_PARAMETER)
        .map(|(name, value)| (reencoded(name), reencoded(value)))
        .collect();
    parameters.sort_unstable();
    for (i, (name, value)) in parameters.iter().enumerate() {
        if i > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

fn reencoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    push_encoded(&mut out, &percent_decoded(text));
    out
}

/// Decodes `%XX`; a plus sign stays one, and what is not an escape stays as it is.
pub(super) fn percent_decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('%') {
        return Cow::Borrowed(text.as_bytes());
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digit = |i: usize| bytes.get(i).and_then(|b| char::from(*b).to_digit(16));
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    Cow::Owned(out)
}

/// Percent-encodes everything but `A-Za-z0-9-_.~`.
pub(super) fn push_encoded(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(*byte);
        } else {
            out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]]);
        }
    }
}

/// A header's values, joined by commas; white space at their ends is dropped and runs of spaces within are folded.
fn push_header(out: &mut Vec<u8>, request: &SignedRequest<'_>, name: &str) {
    let host = || request.headers.get(http::header::HOST).map(http::HeaderValue::as_bytes);
    let authority = || request.authority.map(str::as_bytes);
    match name {
        ":authority" => push_folded(out, authority().or_else(host).unwrap_or_default()),
        "host" => push_folded(out, host().or_else(authority).unwrap_or_default()),
        _ => {
            for (i, value) in request.headers.get_all(name).iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                push_folded(out, value.as_bytes());
            }
        }
    }
}

fn push_folded(out: &mut Vec<u8>, value: &[u8]) {
    let value = value.trim_ascii();
    if memchr::memmem::find(value, b"  ").is_none() {
        out.extend_from_slice(value);
        return;
    }
    let mut previous = 0;
    for byte in value {
        if *byte != b' ' || previous != b' ' {
            out.push(*byte);
        }
        previous = *byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("//", "/"),
            ("/a/./b/../c", "/a/c"),
            ("/a//b/", "/a/b/"),
            ("/..", "/"),
            ("/x%3Ay z", "/x%253Ay%20z"),
        ] {
            let mut out = Vec::new();
            push_path(&mut out, path);
            assert_eq!(String::from_utf8_lossy(&out), canonical, "{path}");
        }
    }

    #[test]
    fn queries() {
        for (query, canonical) in [
            ("", ""),
            ("b=2&a=1&a=0", "a=0&a=1&b=2"),
            ("a", "a="),
            ("a=%2f+&&X-Amz-Signature=abc", "a=%2F%2B"),
            ("a=%zz%", "a=%25zz%25"),
            ("a-b=1&a=2", "a=2&a-b=1"),
        ] {
            let mut out = Vec::new();
            push_query(&mut out, query);
            assert_eq!(String::from_utf8_lossy(&out), canonical, "{query}");
        }
    }

    #[test]
    fn repeated_headers_are_joined_and_spaces_folded() {
        let mut headers = HeaderMap::new();
        headers.append("x-a", "  one   two ".parse().expect("header value"));
        headers.append("x-a", "three".parse().expect("header value"));
        let request =
            SignedRequest { method: "GET", path: "/", query: "", headers: &headers, authority: Some("h"), body: b"" };
        let mut out = Vec::new();
        push_header(&mut out, &request, "x-a");
        assert_eq!(String::from_utf8_lossy(&out), "one two,three");
        out.clear();
        push_header(&mut out, &request, "host");
        assert_eq!(out, b"h");
    }
}
