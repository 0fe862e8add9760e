//! awsJson bodies.

mod reader;
mod scan;
mod writer;

pub use reader::JsonReader;
pub use writer::JsonWriter;
