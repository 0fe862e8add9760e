use std::time::Duration;

use base::time::{Clock as _, SystemClock};
use http::HeaderMap;
use wire::sigv4::{Presign, Signer, SigningCredentials, ToSign};

use crate::support::{Answer, KEY, SECRET, Server, Wish, exchange, request, start};

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
const FAKE: &str = "urn:fake";
const NO_SERVICE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";
const CREDENTIALS: SigningCredentials<'_> =
    SigningCredentials { access_key_id: KEY, secret_access_key: SECRET, session_token: None };

async fn post(server: &Server, form: &str) -> Answer {
    exchange(server.address, &request("POST", "/", &[("content-type", FORM)], form)).await
}

/// The answer is this XML, in which `ID` stands for the request's name in the headers.
#[track_caller]
fn check(answer: &Answer, status: u16, xml: &str) {
    let id = answer.header("x-amzn-requestid").expect("every answer has an id");
    assert_eq!((answer.status, answer.body.as_str()), (status, xml.replace("ID", id).as_str()));
    assert_eq!(answer.header("content-type"), Some("text/xml"));
}

#[track_caller]
fn check_error(answer: &Answer, status: u16, namespace: &str, code: &str, message: Option<&str>) {
    let kind = if status < 500 { "Sender" } else { "Receiver" };
    let message = message.map_or(String::new(), |message| format!("    <Message>{message}</Message>\n"));
    check(
        answer,
        status,
        &format!(
            "<ErrorResponse xmlns=\"{namespace}\">\n  <Error>\n    <Type>{kind}</Type>\n    <Code>{code}</Code>\n\
             {message}  </Error>\n  <RequestId>ID</RequestId>\n</ErrorResponse>\n"
        ),
    );
}

#[tokio::test]
async fn forms_are_answered_in_xml() {
    let server = start(Wish::default()).await;
    check(
        &post(&server, "Action=Echo&Version=2026-01-01&Text=a+%3C%20b").await,
        200,
        "<EchoResponse xmlns=\"urn:fake\">\n  <EchoResult>\n    <Text>a &lt; b</Text>\n  </EchoResult>\n  \
         <ResponseMetadata>\n    <RequestId>ID</RequestId>\n  </ResponseMetadata>\n</EchoResponse>\n",
    );
    server.fake.go.add_permits(1);
    check(
        &post(&server, "Version=2026-01-01&Action=Wait&Action=Echo").await,
        200,
        "<WaitResponse xmlns=\"urn:fake\">\n  <ResponseMetadata>\n    <RequestId>ID</RequestId>\n  \
         </ResponseMetadata>\n</WaitResponse>\n",
    );
    assert_eq!(server.seen.finished.lock().expect("no panic")[0], (Some("Echo"), "OK", 200));
}

#[tokio::test]
async fn errors_have_the_names_of_the_query_protocol() {
    let server = start(Wish::default()).await;
    let version = "Version=2026-01-01";
    let answer = post(&server, &format!("Action=Fail&{version}")).await;
    check_error(&answer, 400, FAKE, "Nope", Some("it is not to be"));
    let answer = post(&server, &format!("Action=Echo&{version}&Text=bad")).await;
    check_error(&answer, 400, FAKE, "ValidationError", Some("1 validation error detected"));
    let answer = post(&server, &format!("Action=Echo&{version}&Text.member.1=x")).await;
    let text = "Start of structure or map found where not expected.";
    check_error(&answer, 400, FAKE, "MalformedInput", Some(text));
    let answer = post(&server, &format!("Action=Echo&{version}&Text=%zz")).await;
    check_error(&answer, 400, FAKE, "MalformedInput", None);
    let answer = post(&server, &format!("Action=Panic&{version}")).await;
    check_error(&answer, 500, NO_SERVICE, "InternalFailure", None);
    let answer = post(&server, &format!("Action=Events&{version}&Text=end")).await;
    check_error(&answer, 400, FAKE, "InvalidAction", None);
    assert_eq!(server.seen.finished.lock().expect("no panic")[0], (Some("Fail"), "NopeException", 400));
}

#[tokio::test]
async fn what_names_no_operation_is_refused_in_the_words_of_aws() {
    let server = start(Wish { auth: true, ..Wish::default() }).await;
    for (form, action, version) in [
        ("Action=Nope&Version=2026-01-01", "Nope", "2026-01-01"),
        ("Action=Echo&Version=2000-01-01", "Echo", "2000-01-01"),
        ("Action=Echo&Version=", "Echo", ""),
        ("Action=Echo", "Echo", "NO_VERSION_SPECIFIED"),
        ("Action=&Version=2026-01-01", "", "2026-01-01"),
    ] {
        let message = format!("Could not find operation {action} for version {version}");
        check_error(&signed(&server, form).await, 400, NO_SERVICE, "InvalidAction", Some(&message));
    }
    let message = "The request is missing an action or a required parameter.";
    check_error(&signed(&server, "Version=2026-01-01").await, 400, FAKE, "MissingAction", Some(message));
    // Nothing tells which service is meant.
    for form in ["Action=Echo", "Action=Echo&Version=2000-01-01", "x"] {
        assert_eq!(post(&server, form).await.status, 403, "{form}");
    }
}

/// Signs a form for the service, and sends it.
async fn signed(server: &Server, form: &str) -> Answer {
    send_signed(server, "fake", SECRET, form).await
}

async fn send_signed(server: &Server, service: &str, secret: &str, form: &str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert("host", "localhost".parse().expect("a header value"));
    headers.insert("content-type", FORM.parse().expect("a header value"));
    let credentials = SigningCredentials { secret_access_key: secret, ..CREDENTIALS };
    let what = ToSign { method: "POST", path: "/", query: "", headers: &mut headers, body: form.as_bytes() };
    Signer::new("eu-west-1", service).sign(what, credentials, SystemClock.now()).expect("signed");
    headers.remove("host");
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII"))).collect();
    exchange(server.address, &request("POST", "/", &headers, form)).await
}

#[tokio::test]
async fn senders_must_prove_who_they_are() {
    let server = start(Wish { auth: true, ..Wish::default() }).await;
    let form = "Action=WhoAmI&Version=2026-01-01";
    let answer = signed(&server, form).await;
    assert!(answer.body.contains(&format!("<Text>123456789012 eu-west-1 {KEY}</Text>")), "{answer:?}");
    let text = "Request is missing Authentication Token";
    check_error(&post(&server, form).await, 403, FAKE, "MissingAuthenticationToken", Some(text));
    let text = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                Access Key and signing method. Consult the service documentation for details.";
    let answer = send_signed(&server, "fake", "wrong", form).await;
    check_error(&answer, 403, FAKE, "SignatureDoesNotMatch", Some(text));
    let answer = send_signed(&server, "other", SECRET, form).await;
    let text = "Credential should be scoped to correct service: 'fake'. ";
    check_error(&answer, 403, FAKE, "SignatureDoesNotMatch", Some(text));
    // Who is not known learns nothing about the form.
    let answer = send_signed(&server, "fake", "wrong", "Action=Nope&%").await;
    assert!(answer.body.contains("SignatureDoesNotMatch"), "{answer:?}");
}

#[tokio::test]
async fn urls_name_operations_where_signatures_are_needed() {
    let presigned = |query: &str| {
        let what = Presign { method: "GET", host: "localhost", path: "/", query, life: Duration::from_secs(60) };
        Signer::new("eu-west-1", "fake").presign(&what, CREDENTIALS, SystemClock.now()).expect("signed")
    };
    let query = presigned("Action=Echo&Version=2026-01-01&Text=a+b");
    let get = |query: &str| request("GET", &format!("/?{query}"), &[], "");
    let server = start(Wish { auth: true, ..Wish::default() }).await;
    let answer = exchange(server.address, &get(&query)).await;
    assert!(answer.body.contains("<Text>a b</Text>"), "{answer:?}");
    let answer = exchange(server.address, &get(&query.replace("a+b", "c"))).await;
    assert!(answer.status == 403 && answer.body.contains("SignatureDoesNotMatch"), "{answer:?}");
    let open = start(Wish::default()).await;
    let answer = exchange(open.address, &get(&query)).await;
    assert!(answer.status == 403 && answer.body.contains("AccessDeniedException"), "{answer:?}");
}
