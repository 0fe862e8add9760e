//! Ships log files to streams, by the configuration of the Kinesis Agent.
//!
//! A thread per flow ([`tail`]) reads files into batches; a task per flow ([`sender`]) sends them and notes in
//! [`positions`] how far each file is done; one task ([`agent`]) writes that to the checkpoint file. A file's position
//! never passes what is not acknowledged, so that nothing is lost, and moves on with each acknowledgement, so that
//! only what was under way at a crash is sent twice. Memory is bounded: a queue that is full stops the reading, never
//! the watching, so that rotation does not take files away unseen.

mod agent;
mod config;

mod destination;
mod sender;
mod tail;
mod transform;

mod checkpoint;
mod notices;
mod positions;
mod record;
mod stats;

pub use agent::{Agent, StopReport};
pub use checkpoint::CheckpointError;
pub use config::{
    AccessKey, Config, ConfigError, Connection, Destination, FilePattern, Flow, InitialPosition, PartitionKeyOption,
};
pub use destination::Services;
pub use notices::Notices;
