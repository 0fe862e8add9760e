//! How many structures one body may hold. A structure takes two or three bytes of a body and some hundred bytes of memory once it is
//! read, so that the limit of bytes alone would let a body grow a hundredfold.

use base::codec::DecodeError;

/// What the largest answers and requests of real clients hold, several times over.
const STRUCTURES_MAX: usize = 1 << 18;

/// The structures of a body that have been read.
#[derive(Debug, Default)]
pub(crate) struct Structures(usize);

impl Structures {
    /// # Errors
    /// When it is one too many.
    pub(crate) fn add_one(&mut self) -> Result<(), DecodeError> {
        self.0 += 1;
        if self.0 <= STRUCTURES_MAX {
            return Ok(());
        }
        Err(DecodeError::new(format!("The body has more than {STRUCTURES_MAX} structures")))
    }
}
