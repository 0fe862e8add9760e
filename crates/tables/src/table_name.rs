//! Names of tables: within an account and region, and as ARNs.

use std::fmt;
use std::str::FromStr;

use base::ByteString;
use base::caller::Caller;
use base::ids::{AccountId, Region};
use thiserror::Error;

/// The name of a table or index: 3 to 255 letters, digits, underscores, hyphens and points.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName(ByteString);

/// The text names no table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TableNameError {
    #[error(
        "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only \
         the characters a-z, A-Z, 0-9, '_', '-', and '.'"
    )]
    Name,
    #[error("Invalid TableArn")]
    Arn,
}

impl TableName {
    #[must_use]
    pub fn text(&self) -> ByteString {
        self.0.clone()
    }
}

impl FromStr for TableName {
    type Err = TableNameError;

    fn from_str(text: &str) -> Result<Self, TableNameError> {
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if (3..=255).contains(&text.len()) && text.bytes().all(is_fine) {
            // A copy, because names outlive the requests that they came with.
            Ok(Self(text.into()))
        } else {
            Err(TableNameError::Name)
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A table among all of the node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId {
    pub account: AccountId,
    pub region: Region,
    pub name: TableName,
}

impl TableId {
    /// The table that a caller names, by its name or by its ARN.
    pub fn named(caller: &Caller, text: &str) -> Result<Self, TableNameError> {
        if text.starts_with("arn:") {
            return text.parse();
        }
        Ok(Self { account: caller.account.clone(), region: caller.region.clone(), name: text.parse()? })
    }

    /// Whether a caller may see it: tables are seen by their own account, in their own region.
    #[must_use]
    pub fn is_of(&self, caller: &Caller) -> bool {
        self.account == caller.account && self.region == caller.region
    }
}

impl fmt::Display for TableId {
    /// The ARN.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:aws:dynamodb:{}:{}:table/{}", self.region, self.account, self.name)
    }
}

impl FromStr for TableId {
    type Err = TableNameError;

    /// From an ARN, of any partition whose name begins with `aws`.
    fn from_str(text: &str) -> Result<Self, TableNameError> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "dynamodb", region, account, resource] = parts[..] else {
            return Err(TableNameError::Arn);
        };
        if !partition.starts_with("aws") {
            return Err(TableNameError::Arn);
        }
        let name = resource.strip_prefix("table/").ok_or(TableNameError::Arn)?;
        Ok(Self {
            account: account.parse().map_err(|_| TableNameError::Arn)?,
            region: region.parse().map_err(|_| TableNameError::Arn)?,
            name: name.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_arns() {
        let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/a.b-c_9";
        assert_eq!(arn.parse::<TableId>().expect("an ARN").to_string(), arn);
        for (text, error) in [
            ("ab", TableNameError::Name),
            ("a b", TableNameError::Name),
            ("arn:aws:dynamodb:eu-west-1:123456789012:table/ab", TableNameError::Name),
            ("arn:aws:kinesis:eu-west-1:123456789012:table/abc", TableNameError::Arn),
            ("arn:aws:dynamodb:eu-west-1:123456789012:stream/abc", TableNameError::Arn),
            ("arn:aws:dynamodb", TableNameError::Arn),
        ] {
            let caller = Caller {
                account: AccountId::zero(),
                region: "us-east-1".parse().expect("a region"),
                access_key_id: None,
            };
            assert_eq!(TableId::named(&caller, text), Err(error), "{text}");
        }
    }
}
