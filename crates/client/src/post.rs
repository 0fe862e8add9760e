//! One JSON body to a URL of anybody's: for notifications.

use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Request, Uri, header};
use http_body_util::Full;

use crate::endpoint::Endpoint;
use crate::failure::ClientError;
use crate::pool::Pool;
use crate::tls;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Posts a JSON body on a connection of its own, without a signature, and answers the status. Follows no redirection,
/// reads no body, and trusts the system's authorities. Waits for the answer as long as the caller does.
///
/// # Errors
/// When the text is no URL, or no answer came.
pub async fn post_json(url: &str, body: Bytes) -> Result<u16, ClientError> {
    let invalid = |reason: String| ClientError::Connect { endpoint: url.chars().take(256).collect(), reason };
    let uri: Uri = url.parse().map_err(|error: http::uri::InvalidUri| invalid(error.to_string()))?;
    let (scheme, authority) = (uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |of| of.as_str()));
    let endpoint: Endpoint = format!("{scheme}://{authority}")
        .parse()
        .map_err(|error: crate::endpoint::EndpointError| invalid(error.to_string()))?;
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let request = Request::post(path)
        .header(header::HOST, endpoint.authority())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .map_err(|error| invalid(error.to_string()))?;
    let tls = if endpoint.is_tls() { Some(tls::connector(None)?) } else { None };
    let (response, _connection) = Pool::new(endpoint, tls, None, CONNECT_TIMEOUT, 1).send(request).await?;
    Ok(response.status().as_u16())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_body_is_posted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook?token=a", listener.local_addr().expect("an address"));
        let server = async {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let mut request = Vec::new();
            while !request.ends_with(b"{}") {
                socket.read_buf(&mut request).await.expect("a request");
            }
            socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("an answer");
            String::from_utf8(request).expect("text")
        };
        let (status, request) = tokio::join!(post_json(&url, Bytes::from_static(b"{}")), server);
        assert_eq!(status, Ok(204));
        assert!(request.starts_with("POST /hook?token=a HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("content-type: application/json\r\n"), "{request}");
    }

    #[tokio::test]
    async fn what_is_no_url_is_refused() {
        for url in ["", "http://", "ftp://a/", "http://a b/", "http://user@a/", "/x"] {
            assert!(post_json(url, Bytes::new()).await.is_err(), "{url}");
        }
    }
}
