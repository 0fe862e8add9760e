//! Shard-level metrics that a stream has switched on, as a set of bits.

use api::kinesis::MetricsName;

/// In the order of their bits; stored, so never to be changed.
const NAMES: [MetricsName; 7] = [
    MetricsName::IncomingBytes,
    MetricsName::IncomingRecords,
    MetricsName::OutgoingBytes,
    MetricsName::OutgoingRecords,
    MetricsName::WriteProvisionedThroughputExceeded,
    MetricsName::ReadProvisionedThroughputExceeded,
    MetricsName::IteratorAgeMilliseconds,
];

/// The names of a set.
#[must_use]
pub fn names(set: u8) -> Vec<MetricsName> {
    NAMES.into_iter().enumerate().filter(|(bit, _)| set & (1 << bit) != 0).map(|(_, name)| name).collect()
}

/// The set of some names; `ALL` stands for all seven.
#[must_use]
pub fn set(names: &[MetricsName]) -> u8 {
    if names.contains(&MetricsName::All) {
        return (1 << NAMES.len()) - 1;
    }
    let bits = NAMES.iter().enumerate().filter(|(_, name)| names.contains(name));
    bits.fold(0, |set, (bit, _)| set | (1 << bit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_means_seven() {
        assert_eq!(names(set(&[MetricsName::All])).len(), 7);
        let two = [MetricsName::IncomingBytes, MetricsName::IteratorAgeMilliseconds];
        assert_eq!(names(set(&two)), two);
        assert_eq!(names(0), []);
    }
}
