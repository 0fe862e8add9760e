use crate::support::{Server, Wish, exchange, post, request, start};

async fn control(server: &Server, method: &str, path: &str, body: &str) -> (u16, String) {
    let answer = exchange(server.address, &request(method, &format!("/_anabranch/dev/{path}"), &[], body)).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn errors_come_and_go_on_demand() {
    let server = start(Wish { dev: true, ..Wish::default() }).await;
    let fault = r#"{"operation":"Echo","error":"ProvisionedThroughputExceededException","rate":1}"#;
    let (status, state) = control(&server, "PUT", "faults", fault).await;
    assert!(status == 200 && state.contains("ProvisionedThroughputExceededException"), "{state}");
    let answer = exchange(server.address, &post("Echo", "{}")).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.starts_with(r#"{"__type":"ProvisionedThroughputExceededException""#), "{answer:?}");
    assert_eq!(exchange(server.address, &post("WhoAmI", "{}")).await.status, 200);
    control(&server, "DELETE", "faults", "").await;
    assert_eq!(exchange(server.address, &post("Echo", "{}")).await.status, 200);
}

#[tokio::test]
async fn wishes_that_mean_nothing_are_refused() {
    let server = start(Wish { dev: true, ..Wish::default() }).await;
    for (body, words) in [
        (r#"{"operation":"Nope","error":"InternalFailure"}"#, r#"\"Nope\" is not an operation"#),
        (r#"{"operation":"Echo","error":"NopeException"}"#, "error must be one of"),
        (r#"{"operation":"Echo","error":"InternalFailure","rate":1.5}"#, "between 0 and 1"),
        (r#"{"operation":"Echo","error":"InternalFailure","rates":0.5}"#, r#"\"rates\" is not one of"#),
    ] {
        let (status, answer) = control(&server, "PUT", "faults", body).await;
        assert!(status == 400 && answer.contains(words), "{body}: {status} {answer}");
    }
    let one = r#"{"operation":"Echo"}"#;
    assert_eq!(control(&server, "DELETE", "faults", one).await.0, 400, "it would end all faults");
    assert_eq!(control(&server, "POST", "reset", one).await.0, 400, "it would reset everything");
    assert_eq!(control(&server, "POST", "reset", "{}").await.0, 200);
    assert!(control(&server, "GET", "state", "").await.1.contains(r#""faults":[]"#));
}

#[tokio::test]
async fn the_clock_moves_forward() {
    let server = start(Wish { dev: true, ..Wish::default() }).await;
    let now = |state: &str| serde_json::from_str::<serde_json::Value>(state).expect("JSON")["now"].as_f64();
    let before = now(&control(&server, "GET", "state", "").await.1).expect("a time");
    let (status, state) = control(&server, "POST", "clock/advance", r#"{"seconds": 3600}"#).await;
    assert_eq!(status, 200);
    assert!(now(&state).expect("a time") >= before + 3600.0);
    for body in
        ["", "{}", r#"{"seconds":-1}"#, r#"{"seconds":1e99}"#, r#"{"seconds":"x"}"#, r#"{"seconds":1,"minutes":1}"#]
    {
        assert_eq!(control(&server, "POST", "clock/advance", body).await.0, 400, "{body}");
    }
}

#[tokio::test]
async fn pages_in_browsers_have_no_control() {
    let server = start(Wish { dev: true, ..Wish::default() }).await;
    assert_eq!(control(&server, "POST", "reset", "").await.0, 200);
    assert_eq!(control(&server, "POST", "nothing", "").await.0, 404);
    let origin = [("origin", "http://example.com")];
    let answer = exchange(server.address, &request("POST", "/_anabranch/dev/reset", &origin, "")).await;
    assert_eq!(answer.status, 403);
}
