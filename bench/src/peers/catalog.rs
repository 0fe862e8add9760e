//! Who takes part.

use super::installed::Program;
use super::running::{Running, Setup};
use super::{api, bare, nats, redis};

/// One server in one setting.
#[derive(Debug)]
pub(super) struct Peer {
    pub name: &'static str,
    pub title: &'static str,
    pub kind: Kind,
    pub start: Start,
    /// What has happened to a record when it is acknowledged, as documented or written in its source.
    pub durability: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// This server.
    Own,
    /// What the machine allows.
    Floor,
    /// Speaks the Kinesis API.
    Api,
    /// A log or a queue with a protocol of its own.
    Log,
}

type Started = Result<Box<dyn Running>, String>;

#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    /// Part of this repository.
    Built(fn(Setup<'_>) -> Started),
    Installed {
        program: &'static str,
        start: fn(&Program, Setup<'_>) -> Started,
        /// It cannot be told to listen on the loopback interface only.
        everywhere: bool,
    },
}

/// The first is the measure of the others.
pub(super) const ALL: &[Peer] = &[
    Peer {
        name: "anabranch",
        title: "anabranch, `--durability sync` (default), SigV4 verified",
        kind: Kind::Own,
        start: Start::Built(api::anabranch),
        durability: "written with `O_DIRECT` and `O_DSYNC`, in log order",
    },
    Peer {
        name: "hyper",
        title: "bare hyper, the same CPU work, no storage",
        kind: Kind::Floor,
        start: Start::Built(api::hyper),
        durability: "none: the frame is thrown away",
    },
    Peer {
        name: "hyper-durable",
        title: "bare hyper, the same CPU work, the same durable writes",
        kind: Kind::Floor,
        start: Start::Built(api::hyper_durable),
        durability: "written with `O_DIRECT` and `O_DSYNC`; no index, cannot be read back",
    },
    Peer {
        name: "log",
        title: "bare group-commit log, in process, no socket",
        kind: Kind::Floor,
        start: Start::Built(bare::log),
        durability: "written with `O_DIRECT` and `O_DSYNC`; no index, cannot be read back",
    },
    Peer {
        name: "ferrokinesis",
        title: "ferrokinesis",
        kind: Kind::Api,
        start: Start::Installed { program: "ferrokinesis", start: api::ferrokinesis, everywhere: true },
        durability: "none: in memory",
    },
    Peer {
        name: "ferrokinesis-durable",
        title: "ferrokinesis, `--state-dir`",
        kind: Kind::Api,
        start: Start::Installed { program: "ferrokinesis", start: api::ferrokinesis_durable, everywhere: true },
        durability: "appended to a write-ahead log, `fsync` for each call",
    },
    Peer {
        name: "kinesalite",
        title: "kinesalite",
        kind: Kind::Api,
        start: Start::Installed { program: "kinesalite", start: api::kinesalite, everywhere: true },
        durability: "none: in memory",
    },
    Peer {
        name: "kinesis-local",
        title: "kinesis-mock (npm `kinesis-local`)",
        kind: Kind::Api,
        start: Start::Installed { program: "kinesis-local", start: api::kinesis_local, everywhere: true },
        durability: "none: in memory",
    },
    Peer {
        name: "moto",
        title: "moto server",
        kind: Kind::Api,
        start: Start::Installed { program: "moto", start: api::moto, everywhere: false },
        durability: "none: in memory",
    },
    Peer {
        name: "redis-always",
        title: "Redis Streams, `appendfsync always`",
        kind: Kind::Log,
        start: Start::Installed { program: "redis", start: redis::always, everywhere: false },
        durability: "appended to the AOF, `fdatasync` before the replies of an event loop turn",
    },
    Peer {
        name: "redis-everysec",
        title: "Redis Streams, `appendfsync everysec`",
        kind: Kind::Log,
        start: Start::Installed { program: "redis", start: redis::everysec, everywhere: false },
        durability: "in the page cache; flushed once a second",
    },
    Peer {
        name: "nats-always",
        title: "NATS JetStream, `sync_interval: always`",
        kind: Kind::Log,
        start: Start::Installed { program: "nats", start: nats::always, everywhere: false },
        durability: "written and flushed, each message by itself",
    },
    Peer {
        name: "nats-default",
        title: "NATS JetStream, default",
        kind: Kind::Log,
        start: Start::Installed { program: "nats", start: nats::default, everywhere: false },
        durability: "in the page cache; flushed every two minutes",
    },
];
