//! The answer of SubscribeToShard: events until the subscription ends.

use std::sync::Arc;

use api::EventStream;
use api::kinesis::{KinesisError, SubscribeToShardEvent, SubscribeToShardInput};
use base::violations::Violations;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::timeout;
use wire::Protocol;
use wire::event_stream::{self, Message};

use crate::failure::{ClientError, ErrorReply};
use crate::pool::Connection;
use crate::transport::Transport;

impl Transport {
    pub(crate) async fn subscribe(
        self: &Arc<Self>,
        input: SubscribeToShardInput,
    ) -> Result<EventStream<SubscribeToShardEvent, KinesisError>, KinesisError> {
        let body = self.encode(&input);
        let mut attempts = self.attempts();
        loop {
            match self.open(&body).await {
                Ok(reading) => return Ok(reading.into_stream()),
                Err(error) => attempts.pause_or_fail(error).await?,
            }
        }
    }

    async fn open(self: &Arc<Self>, body: &Bytes) -> Result<Reading, ClientError> {
        let request = self.request("SubscribeToShard", body)?;
        let head = timeout(self.attempt_timeout, self.pool.send_lasting(request)).await;
        let (response, connection) = head.map_err(|_| self.timed_out())??;
        if response.status() != 200 {
            let (head, body) = response.into_parts();
            let read = timeout(self.attempt_timeout, self.read(body, connection)).await;
            let body = read.map_err(|_| self.timed_out())??;
            return Err(ClientError::from_reply(self.protocol, head.status.as_u16(), &head.headers, &body));
        }
        Ok(Reading {
            client: Arc::clone(self),
            body: response.into_body(),
            buffer: BytesMut::new(),
            is_over: false,
            _connection: connection,
        })
    }
}

/// An answer that is still coming in.
struct Reading {
    client: Arc<Transport>,
    body: Incoming,
    /// Received and not yet decoded: less than one message, whose size the decoder limits, and one frame of HTTP.
    buffer: BytesMut,
    is_over: bool,
    /// Lives as long as the subscription; it is not used again after it.
    _connection: Connection,
}

impl Reading {
    fn into_stream(self) -> EventStream<SubscribeToShardEvent, KinesisError> {
        Box::pin(stream::unfold(self, async |mut reading| {
            if reading.is_over {
                return None;
            }
            let next = reading.next().await.transpose()?;
            // After an error nothing that follows can be trusted.
            reading.is_over = next.is_err();
            Some((next, reading))
        }))
    }

    async fn next(&mut self) -> Result<Option<SubscribeToShardEvent>, KinesisError> {
        loop {
            let decoded = event_stream::decode(&mut self.buffer);
            match decoded.map_err(|error| ClientError::Unreadable(error.to_string()))? {
                Some(message) => {
                    if let Some(event) = read(self.client.protocol, message)? {
                        return Ok(Some(event));
                    }
                }
                None => {
                    if !self.receive().await? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Waits for more bytes; false at the end of the answer.
    async fn receive(&mut self) -> Result<bool, ClientError> {
        let frame = timeout(self.client.attempt_timeout, self.body.frame());
        match frame.await.map_err(|_| self.client.timed_out())? {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.buffer.extend_from_slice(data);
                }
                Ok(true)
            }
            Some(Err(error)) => Err(self.client.pool.broken(&error)),
            None if self.buffer.is_empty() => Ok(false),
            None => Err(ClientError::Unreadable("the stream ends within a message".to_owned())),
        }
    }
}

/// The event in a message; `None` for messages that carry none.
fn read(protocol: Protocol, message: Message) -> Result<Option<SubscribeToShardEvent>, KinesisError> {
    let text = |name: &str| message.header(name).unwrap_or_default().to_owned();
    match (message.header(":message-type"), message.header(":event-type")) {
        (Some("event"), Some("SubscribeToShardEvent")) => protocol
            .decode(message.payload, &mut Violations::new())
            .map(Some)
            .map_err(|error| ClientError::Unreadable(error.to_string()).into()),
        // The first message, and whatever later versions of the API add.
        (Some("event"), _) => Ok(None),
        (Some("exception"), _) => {
            let code = text(":exception-type");
            let reply: ErrorReply = protocol.decode(message.payload, &mut Violations::new()).unwrap_or_default();
            Err(ClientError::Service { status: 400, code, message: reply.message.unwrap_or_default() }.into())
        }
        (Some("error"), _) => {
            let (code, message) = (text(":error-code"), text(":error-message"));
            Err(ClientError::Service { status: 500, code, message }.into())
        }
        _ => Err(ClientError::Unreadable("a message of the stream has no known type".to_owned()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(write: impl FnOnce(&mut Vec<u8>)) -> Message {
        let mut buffer = Vec::new();
        write(&mut buffer);
        event_stream::decode(&mut BytesMut::from(&buffer[..])).expect("well formed").expect("whole")
    }

    #[test]
    fn messages_become_events_and_errors() {
        let event = SubscribeToShardEvent { millis_behind_latest: 7, ..Default::default() };
        let sent = message(|out| event_stream::encode_event(out, Protocol::Json11, "SubscribeToShardEvent", &event));
        assert_eq!(read(Protocol::Json11, sent), Ok(Some(event)));
        let first = message(|out| event_stream::encode_initial_response(out, Protocol::Json11));
        assert_eq!(read(Protocol::Json11, first), Ok(None));
        let failed =
            message(|out| event_stream::encode_exception(out, Protocol::Json11, "ResourceInUseException", "taken"));
        assert_eq!(read(Protocol::Json11, failed), Err(KinesisError::resource_in_use("taken")));
        let error = message(|out| {
            let headers = [(":message-type", "error"), (":error-code", "Odd"), (":error-message", "m")];
            event_stream::encode(out, &headers, |_| {});
        });
        assert_eq!(read(Protocol::Json11, error), Err(KinesisError::internal_failure("Odd: m")));
    }
}
