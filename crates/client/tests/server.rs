//! An HTTP server that answers from a script.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anabranch_client::Endpoint;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt as _, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the server does with a request.
pub enum Answer {
    Whole {
        status: u16,
        body: &'static str,
        is_last: bool,
    },
    /// Status 200, and the body in these chunks.
    Pieces(Vec<Bytes>),
    /// No answer at all.
    Hang,
}

impl Answer {
    pub fn json(status: u16, body: &'static str) -> Self {
        Self::Whole { status, body, is_last: false }
    }

    /// Closes the connection after the answer.
    pub fn and_close(self) -> Self {
        match self {
            Self::Whole { status, body, .. } => Self::Whole { status, body, is_last: true },
            other => other,
        }
    }
}

#[derive(Clone)]
pub struct Seen {
    pub headers: HeaderMap,
    pub body: String,
}

struct State {
    script: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
}

pub struct Server {
    port: u16,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let state = Arc::new(State {
            script: Mutex::new(script.into()),
            seen: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { port, state, task }
    }

    pub fn endpoint(&self) -> Endpoint {
        format!("http://127.0.0.1:{}", self.port).parse().expect("an endpoint")
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().expect("not poisoned").clone()
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    pub async fn stop(self) {
        self.task.abort();
        assert!(self.task.await.is_err_and(|error| error.is_cancelled()));
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        let (socket, _) = listener.accept().await.expect("accepts");
        state.connections.fetch_add(1, Ordering::SeqCst);
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, Arc::clone(&state)));
            // Clients may close whenever they like.
            drop(http1::Builder::new().serve_connection(TokioIo::new(socket), service).await);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    state.seen.lock().expect("not poisoned").push(Seen { headers: head.headers, body });
    let answer = state.script.lock().expect("not poisoned").pop_front().expect("the script goes on");
    let (status, pieces, is_last) = match answer {
        Answer::Whole { status, body, is_last } => (status, vec![Bytes::from_static(body.as_bytes())], is_last),
        Answer::Pieces(pieces) => (200, pieces, false),
        Answer::Hang => std::future::pending().await,
    };
    let frames = stream::iter(pieces.into_iter().map(|piece| Ok(Frame::data(piece))));
    let mut response = Response::new(BoxBody::new(StreamBody::new(frames)));
    *response.status_mut() = status.try_into().expect("a status");
    if is_last {
        response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    }
    Ok(response)
}
