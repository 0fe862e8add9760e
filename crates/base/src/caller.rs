//! Who sends a request, and where the secrets to check it come from.

use crate::ids::{AccountId, Region};

/// The authenticated sender of one request, and the scope in which it acts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    pub account: AccountId,
    /// Region of the signature's scope, unless the node is fixed to one.
    pub region: Region,
    /// `None` when authentication is off and the request carried no key.
    pub access_key_id: Option<String>,
}

/// What the verifier needs to know about an access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    pub secret_access_key: String,
    pub account: AccountId,
    /// Present for temporary keys: the token that must accompany every request.
    pub session_token: Option<String>,
}

/// Looks access keys up. Called on every request: must answer from memory.
pub trait CredentialSource: Send + Sync {
    fn find(&self, access_key_id: &str) -> Option<Credential>;
}
