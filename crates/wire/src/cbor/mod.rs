//! CBOR bodies, in the two dialects that AWS's clients speak.

mod head;
mod reader;
mod writer;

pub use reader::CborReader;
pub use writer::CborWriter;

/// Which moment a number under CBOR's tag 1 stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `application/x-amz-cbor-1.1`: timestamps are whole milliseconds, against the letter of CBOR.
    Kinesis,
    /// `application/cbor` of rpcv2Cbor: timestamps are seconds, whole or with a fraction.
    RpcV2,
}
