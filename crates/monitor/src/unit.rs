//! Units of metrics, as small numbers. Points of different units are never added up unless a query asks for all.

use api::cloudwatch::StandardUnit;

/// In the order of their numbers; stored, so never to be changed.
const UNITS: [StandardUnit; 27] = [
    StandardUnit::None,
    StandardUnit::Seconds,
    StandardUnit::Microseconds,
    StandardUnit::Milliseconds,
    StandardUnit::Bytes,
    StandardUnit::Kilobytes,
    StandardUnit::Megabytes,
    StandardUnit::Gigabytes,
    StandardUnit::Terabytes,
    StandardUnit::Bits,
    StandardUnit::Kilobits,
    StandardUnit::Megabits,
    StandardUnit::Gigabits,
    StandardUnit::Terabits,
    StandardUnit::Percent,
    StandardUnit::Count,
    StandardUnit::BytesSecond,
    StandardUnit::KilobytesSecond,
    StandardUnit::MegabytesSecond,
    StandardUnit::GigabytesSecond,
    StandardUnit::TerabytesSecond,
    StandardUnit::BitsSecond,
    StandardUnit::KilobitsSecond,
    StandardUnit::MegabitsSecond,
    StandardUnit::GigabitsSecond,
    StandardUnit::TerabitsSecond,
    StandardUnit::CountSecond,
];

/// Number of a unit; 0 is `None`, the unit of what is put without one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unit(u8);

impl Unit {
    /// `None` when the model does not list the unit.
    #[must_use]
    pub fn of(unit: &StandardUnit) -> Option<Self> {
        UNITS.iter().position(|known| known == unit).map(|at| Self(at as u8))
    }

    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    #[must_use]
    pub fn shape(self) -> StandardUnit {
        UNITS[usize::from(self.0)].clone()
    }
}

/// Some units, a bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Units(pub u32);

impl Units {
    /// Answers whether the unit is new.
    pub fn insert(&mut self, unit: Unit) -> bool {
        let before = self.0;
        self.0 |= 1 << unit.0;
        self.0 != before
    }

    pub fn iter(self) -> impl Iterator<Item = Unit> {
        (0..UNITS.len() as u8).filter(move |number| self.0 & (1 << number) != 0).map(Unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back_to_units() {
        let mut units = Units::default();
        for unit in UNITS {
            let number = Unit::of(&unit).expect("a known unit");
            assert_eq!(number.shape(), unit);
            assert!(units.insert(number) && !units.insert(number));
        }
        assert_eq!(units.iter().count(), 27);
        assert_eq!(Unit::of(&StandardUnit::Unknown("Parsec".into())), None);
    }
}
