//! One connection, from its first byte to its last.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::debug;

use crate::activity::{Activity, Verdict};
use crate::inlet::{BUFFER_BYTES_MAX, Inlet};
use crate::router::{self, Context};

/// Header fields of one request.
const HEADERS_MAX: usize = 100;
/// Bytes of the header fields of one request in HTTP/2; see [`BUFFER_BYTES_MAX`] for HTTP/1.
const FIELDS_BYTES_MAX: u32 = 16 * 1024;
/// Clients with unlimited concurrency open one stream for each shard.
const STREAMS_PER_CONNECTION_MAX: u32 = 2000;
/// A body of 1 MiB goes without waiting for an answer; a connection takes two of them side by side.
pub const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// Streams that a client opens and takes back before they are looked at, and errors that it provokes, until its
/// connection is closed.
const RESET_STREAMS_MAX: usize = 50;
const ERROR_STREAMS_MAX: usize = 200;
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// The server side of HTTP/1.1 and HTTP/2, as this gateway speaks them.
pub fn builder(idle: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // Between requests the watchdog of the connection closes it; hyper's clock is for heads that never end.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .max_headers(HEADERS_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(FIELDS_BYTES_MAX)
        .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
        .max_local_error_reset_streams(ERROR_STREAMS_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// Serves a connection that begins with a TLS handshake.
pub async fn serve_tls<I>(io: I, tls: TlsAcceptor, context: Arc<Context>, builder: Arc<Builder<TokioExecutor>>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match timeout(context.settings.limits.first_request, tls.accept(io)).await {
        Ok(Ok(stream)) => serve(stream, context, builder).await,
        Ok(Err(error)) => debug!(%error, "a TLS handshake failed"),
        Err(_) => debug!("a TLS handshake took too long"),
    }
}

/// Serves a connection until it ends, is idle for too long, or the gateway stops and its last answer is out.
pub async fn serve<I>(io: I, context: Arc<Context>, builder: Arc<Builder<TokioExecutor>>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Activity::new();
    let limits = context.settings.limits;
    let mut stop = context.stop.clone();
    let service = service_fn(|request| router::answer(Arc::clone(&context), Arc::clone(&activity), request));
    let inlet = Inlet::new(io, Arc::clone(&activity), Arc::clone(&context.buffers));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(inlet), service));
    let mut watchdog = pin!(sleep_until(activity.first_look(&limits)));
    let mut asked = None;
    loop {
        let verdict = tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(%error, "a connection broke");
                }
                return;
            }
            _ = stop.wait_for(|stop| *stop), if asked.is_none() => Verdict::Finish,
            () = watchdog.as_mut() => activity.verdict(Instant::now(), &limits, asked),
        };
        match verdict {
            Verdict::Drop => return debug!("a connection was dropped because its client did not go on"),
            Verdict::Wait(until) => watchdog.as_mut().reset(until),
            Verdict::Finish => {
                asked = Some(Instant::now());
                connection.as_mut().graceful_shutdown();
                watchdog.as_mut().reset(Instant::now());
            }
        }
    }
}

/// Keeps the monitor informed, as long as the connection lives.
pub struct Counted {
    pub context: Arc<Context>,
}

impl Counted {
    pub fn new(context: Arc<Context>) -> Self {
        context.monitor.connection_opened();
        Self { context }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.context.monitor.connection_closed();
    }
}
