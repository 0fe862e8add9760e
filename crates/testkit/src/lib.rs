//! What tests share: the checker that tells whether a history of puts and reads keeps the promise, and a reference model
//! of the API.
//!
//! For tests only; no product crate depends on it.

pub mod history;
pub mod model;
pub mod register;
