//! The Security Token Service, as far as it is served: who the caller is.

use api::sts::{GetCallerIdentityInput, GetCallerIdentityOutput, STS, STSError};
use base::BoxFuture;
use base::caller::Caller;

/// Tells callers who they are. Access keys belong to accounts here, not to users, so everybody is the root of theirs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sts;

impl STS for Sts {
    fn get_caller_identity<'a>(
        &'a self,
        caller: &'a Caller,
        _: GetCallerIdentityInput,
    ) -> BoxFuture<'a, Result<GetCallerIdentityOutput, STSError>> {
        let account = &caller.account;
        let output = GetCallerIdentityOutput {
            // The root has the account for its id.
            user_id: Some(account.to_string().into()),
            account: Some(account.to_string().into()),
            arn: Some(format!("arn:aws:iam::{account}:root").into()),
        };
        Box::pin(std::future::ready(Ok(output)))
    }
}

#[cfg(test)]
mod tests {
    use base::ids::AccountId;

    use super::*;

    #[tokio::test]
    async fn callers_are_the_roots_of_their_accounts() {
        let caller = Caller {
            account: AccountId::new("123456789012").expect("an account"),
            region: "eu-west-1".parse().expect("a region"),
            access_key_id: Some("AKIAIOSFODNN7EXAMPLE".to_owned()),
        };
        let identity = Sts.get_caller_identity(&caller, GetCallerIdentityInput {}).await.expect("no operation fails");
        assert_eq!(identity.account.as_deref(), Some("123456789012"));
        assert_eq!(identity.user_id.as_deref(), Some("123456789012"));
        assert_eq!(identity.arn.as_deref(), Some("arn:aws:iam::123456789012:root"));
    }
}
