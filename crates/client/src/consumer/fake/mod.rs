//! A stream and a lease table in memory, for tests of what the network and other workers may do.

mod stream;
mod table;

pub(super) use stream::{FakeStream, shard};
pub(super) use table::FakeTable;

/// The methods of a service that no test needs.
macro_rules! refuse {
    ($error:ident::$internal:ident; $($method:ident $input:ident $output:ident;)*) => {
        $(
            fn $method<'a>(&'a self, _: &'a Caller, _: $input) -> BoxFuture<'a, Result<$output, $error>> {
                Box::pin(async { Err($error::$internal("no test needs this")) })
            }
        )*
    };
}

use refuse;
