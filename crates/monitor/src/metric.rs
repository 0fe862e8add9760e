//! What a metric is known by.

use api::cloudwatch::{Dimension, Metric};
use base::ByteString;
use base::caller::Caller;
use base::ids::{AccountId, Region};

/// Metrics and alarms are seen by their own account, in their own region.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    pub account: AccountId,
    pub region: Region,
}

impl Scope {
    #[must_use]
    pub fn of(caller: &Caller) -> Self {
        Self { account: caller.account.clone(), region: caller.region.clone() }
    }
}

/// Namespace, name and dimensions. Two metrics that differ in one dimension have nothing to do with each other.
///
/// Holds texts of its own: those of a request would keep the whole body in memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricName {
    pub namespace: String,
    pub name: String,
    /// Names and values, sorted.
    pub dimensions: Vec<(String, String)>,
}

impl MetricName {
    #[must_use]
    pub fn new(namespace: &str, name: &str, dimensions: &[Dimension]) -> Self {
        let mut dimensions: Vec<(String, String)> =
            dimensions.iter().map(|of| (of.name.to_string(), of.value.to_string())).collect();
        dimensions.sort_unstable();
        Self { namespace: namespace.to_owned(), name: name.to_owned(), dimensions }
    }

    /// As clients see it.
    #[must_use]
    pub fn shape(&self) -> Metric {
        Metric {
            namespace: Some(ByteString::from(&*self.namespace)),
            metric_name: Some(ByteString::from(&*self.name)),
            dimensions: Some(self.dimension_shapes()),
        }
    }

    #[must_use]
    pub fn dimension_shapes(&self) -> Vec<Dimension> {
        let shape = |(name, value): &(String, String)| Dimension {
            name: ByteString::from(&**name),
            value: ByteString::from(&**value),
        };
        self.dimensions.iter().map(shape).collect()
    }

    /// Bytes of all texts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let dimensions: usize = self.dimensions.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.namespace.len() + self.name.len() + dimensions
    }
}
