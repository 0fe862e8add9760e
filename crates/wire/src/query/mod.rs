//! The query protocol: forms in, XML out.
//!
//! A request is a form with `Action` and `Version`, whose other parameters are the members of the input with their
//! whole paths as names: `MetricData.member.1.Dimensions.member.2.Name`. An answer wraps the members of the output
//! into elements named after the operation.

mod form;
mod reader;
mod reply;
mod writer;
mod xml;

pub use form::{Call, FORM_BYTES_MAX, PARAMETERS_MAX, is_form};
pub use reader::QueryReader;
pub use reply::{CONTENT_TYPE, FAULT_NAMESPACE, Fault, QueryError, QueryReply, error_code};
pub(crate) use xml::escape;
