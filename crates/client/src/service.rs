//! What a client of one service is: a name on the [`Transport`](crate::transport::Transport) and its operations.
//!
//! The caller that a method is given does not travel: the server learns who calls from the signature.

use base::caller::Caller;
use base::ids::{AccountId, Region};

/// For clients over HTTP, which do not look at it.
pub(crate) fn anybody() -> Caller {
    let region = Region::new("us-east-1").expect("a region");
    Caller { account: AccountId::zero(), region, access_key_id: None }
}

/// Makes the client of a service from the methods of its trait, each with its name on the wire. Methods that are not a
/// plain exchange of bodies are written out in the braces.
macro_rules! service_client {
    (
        $(#[$doc:meta])*
        $client:ident implements $trait:ident of $model:ident, fails with $error:ident::$internal:ident;
        { $($special:tt)* }
        $($method:ident $name:literal $input:ident $output:ident;)*
    ) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $client {
            transport: std::sync::Arc<$crate::transport::Transport>,
        }

        impl $client {
            /// Settings with their defaults, to be changed before [`Builder::build`](crate::Builder::build). Credentials
            /// that expire come from a [`CredentialsSource`](crate::CredentialsSource).
            #[must_use]
            pub fn builder(
                endpoint: $crate::Endpoint,
                region: base::ids::Region,
                credentials: impl Into<$crate::CredentialsSource>,
            ) -> $crate::Builder<Self> {
                $crate::Builder::new(endpoint, region, credentials.into())
            }

            #[must_use]
            pub fn endpoint(&self) -> &$crate::Endpoint {
                self.transport.endpoint()
            }

            /// Gets a path of the server that is not part of the API, such as `/metrics`, without a signature.
            ///
            /// # Errors
            /// When no answer came.
            pub async fn get(&self, path: &str) -> Result<$crate::PlainReply, $crate::ClientError> {
                self.transport.get(path).await
            }
        }

        impl $crate::ServiceClient for $client {
            const SERVICE: &'static api::ServiceModel = &$model;

            fn over(transport: std::sync::Arc<$crate::transport::Transport>) -> Self {
                Self { transport }
            }
        }

        impl From<$crate::ClientError> for $error {
            /// Errors that the model does not name become its internal failure, with all of their text.
            fn from(error: $crate::ClientError) -> Self {
                error.named(|code, message| Self::from_code(code, message)).unwrap_or_else(|text| Self::$internal(text))
            }
        }

        impl $trait for $client {
            $(
                fn $method<'a>(
                    &'a self,
                    _caller: &'a Caller,
                    input: $input,
                ) -> BoxFuture<'a, Result<$output, $error>> {
                    Box::pin(async move { Ok(self.transport.call($name, &input).await?) })
                }
            )*

            $($special)*
        }
    };
}

pub(crate) use service_client;
