//! Forgets the tokens of transactions when their time is over.

use api::dynamodb::DynamoDBError;
use base::BoxFuture;
use store::catalog::Transaction;

use super::Job;
use crate::core::Core;
use crate::error;

/// Tokens that are forgotten with one commit.
const FORGOTTEN_MAX: usize = 1000;

pub struct Tokens;

impl Job for Tokens {
    fn name(&self) -> &'static str {
        "token expiry"
    }

    fn run<'a>(&'a self, core: &'a Core) -> BoxFuture<'a, Result<usize, DynamoDBError>> {
        Box::pin(async {
            let forgotten = core.shared.tokens().forgotten(core.now());
            for some in forgotten.chunks(FORGOTTEN_MAX) {
                let transaction = some.iter().fold(Transaction::new(), |all, id| all.delete(id.key()));
                core.shared.catalog.commit(transaction).await.map_err(error::catalog)?;
                let mut tokens = core.shared.tokens();
                some.iter().for_each(|id| tokens.remove(id));
            }
            Ok(forgotten.len())
        })
    }
}
