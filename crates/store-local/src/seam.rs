//! The seam for simulation: the ports beneath the log, and a way to run it without threads. [`LocalLog::open`] is the same
//! log on the operating system's files and threads.
//!
//! [`LocalLog::open`]: crate::LocalLog::open

pub use crate::files::{DataFile, Files, Held, Listed};
pub use crate::log::driver::{Driver, FrameWrite, InFlight};
pub use crate::log::open::Parts;
pub use crate::schedule::{Job, Schedule};
