//! Whose requests these are.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use wire::sigv4::SigningCredentials;

use crate::profile::Profile;

/// Credentials are given in part.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place} has {present} and no {missing}")]
pub struct CredentialsError {
    pub place: &'static str,
    pub present: &'static str,
    pub missing: &'static str,
}

/// An access key.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Goes with temporary keys.
    pub session_token: Option<String>,
}

impl Credentials {
    /// Signs so that the region is known, and proves nothing: for servers that do not ask who is calling.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { access_key_id: "anonymous".into(), secret_access_key: "anonymous".into(), session_token: None }
    }

    /// From `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, else from the profile; `None` when
    /// neither has any.
    ///
    /// # Errors
    /// When a key stands without its secret.
    pub fn find(
        variable: impl Fn(&str) -> Option<String>,
        profile: &Profile,
    ) -> Result<Option<Self>, CredentialsError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        if let Some(found) = Self::pair("the environment", names, variable)? {
            return Ok(Some(found));
        }
        let setting = |name: &str| profile.get(name).map(str::to_owned);
        Self::pair("the profile", ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"], setting)
    }

    fn pair(
        place: &'static str,
        [id, secret, token]: [&'static str; 3],
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, CredentialsError> {
        match (get(id), get(secret)) {
            (Some(access_key_id), Some(secret_access_key)) => {
                Ok(Some(Self { access_key_id, secret_access_key, session_token: get(token) }))
            }
            (None, None) => Ok(None),
            (Some(_), None) => Err(CredentialsError { place, present: id, missing: secret }),
            (None, Some(_)) => Err(CredentialsError { place, present: secret, missing: id }),
        }
    }

    pub(crate) fn for_signing(&self) -> SigningCredentials<'_> {
        SigningCredentials {
            access_key_id: &self.access_key_id,
            secret_access_key: &self.secret_access_key,
            session_token: self.session_token.as_deref(),
        }
    }
}

impl fmt::Debug for Credentials {
    /// Leaves the secrets out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Where a client has its access key from: a key that stays, or a function that knows the one of the moment.
#[derive(Clone)]
pub struct CredentialsSource(Arc<dyn Fn() -> Arc<Credentials> + Send + Sync>);

impl CredentialsSource {
    /// `current` is called for every attempt of every call, so it should answer from memory; another task replaces keys
    /// before they expire. When the server finds a key expired all the same, the call is tried once more.
    #[must_use]
    pub fn new(current: impl Fn() -> Credentials + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || Arc::new(current())))
    }

    pub(crate) fn current(&self) -> Arc<Credentials> {
        (self.0)()
    }
}

impl From<Credentials> for CredentialsSource {
    fn from(credentials: Credentials) -> Self {
        let credentials = Arc::new(credentials);
        Self(Arc::new(move || Arc::clone(&credentials)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_is_asked_first_and_halves_are_refused() {
        let none = Profile::default();
        assert_eq!(Credentials::find(|_| None, &none), Ok(None));
        let both = |name: &str| (name != "AWS_SESSION_TOKEN").then(|| name.to_lowercase());
        let found = Credentials::find(both, &none).expect("whole").expect("there");
        assert_eq!((found.access_key_id.as_str(), found.session_token.as_deref()), ("aws_access_key_id", None));
        let half = |name: &str| (name == "AWS_ACCESS_KEY_ID").then(|| "A".to_owned());
        assert_eq!(
            Credentials::find(half, &none).expect_err("half").to_string(),
            "the environment has AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY"
        );
        assert!(!format!("{found:?}").contains("secret"), "{found:?}");
    }
}
