//! Reads the files of one flow, through rotation, into batches.

mod assembler;
mod buffer;
mod copies;
mod disk;
mod file;
mod tailer;
mod tracker;

#[cfg(test)]
mod tests;

pub use tailer::Tailer;
