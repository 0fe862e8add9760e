//! DynamoDB's numbers: decimal, exact, with up to 38 significant digits; zero, and magnitudes from 1e-130 to
//! 9.99…e125.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

const DIGITS_MAX: u32 = 38;
/// Of the first digit.
const MAGNITUDE_MAX: i64 = 125;
const MAGNITUDE_MIN: i64 = -130;
/// Exponents beyond this are out of range whatever the digits are.
const EXPONENT_READ_MAX: i64 = 1_000_000_000;

/// `±coefficient × 10^exponent`; the coefficient does not end in 0, so that equal numbers are equal field by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    coefficient: u128,
    exponent: i16,
}

/// Why a text is no number, or a sum cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NumberError {
    #[error("The parameter cannot be converted to a numeric value{}", shown(.0))]
    NotANumber(String),
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    Overflow,
    #[error("Number underflow. Attempting to store a number with magnitude smaller than supported range")]
    Underflow,
    #[error("Attempting to store more than 38 significant digits in a Number")]
    TooPrecise,
}

fn shown(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

impl Number {
    pub const ZERO: Self = Self { negative: false, coefficient: 0, exponent: 0 };

    fn new(negative: bool, mut coefficient: u128, mut exponent: i64) -> Result<Self, NumberError> {
        if coefficient == 0 {
            return Ok(Self::ZERO);
        }
        while coefficient.is_multiple_of(10) {
            coefficient /= 10;
            exponent += 1;
        }
        let digits = digits(coefficient);
        let magnitude = exponent + i64::from(digits) - 1;
        if magnitude > MAGNITUDE_MAX {
            return Err(NumberError::Overflow);
        }
        if magnitude < MAGNITUDE_MIN {
            return Err(NumberError::Underflow);
        }
        if digits > DIGITS_MAX {
            return Err(NumberError::TooPrecise);
        }
        let exponent = i16::try_from(exponent).expect("the exponent is within the magnitudes and 38 digits");
        Ok(Self { negative, coefficient, exponent })
    }

    /// The exponent of ten of the first digit.
    fn magnitude(self) -> i32 {
        i32::from(self.exponent) + digits(self.coefficient).cast_signed() - 1
    }

    fn signum(self) -> i32 {
        match (self.coefficient, self.negative) {
            (0, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        }
    }

    /// The exact sum.
    ///
    /// # Errors
    /// When it is out of range or has more than 38 digits.
    pub fn plus(self, other: Self) -> Result<Self, NumberError> {
        if self.coefficient == 0 || other.coefficient == 0 {
            return Ok(if self.coefficient == 0 { other } else { self });
        }
        let (coarse, fine) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let shift = u32::from(coarse.exponent.abs_diff(fine.exponent));
        // What does not fit here has more than 38 digits, because the last digit of `fine` stays.
        let scaled = 10u128.checked_pow(shift).and_then(|power| coarse.coefficient.checked_mul(power));
        let scaled = scaled.ok_or(NumberError::TooPrecise)?;
        let (negative, coefficient) = if coarse.negative == fine.negative {
            (fine.negative, scaled.checked_add(fine.coefficient).ok_or(NumberError::TooPrecise)?)
        } else if scaled >= fine.coefficient {
            (coarse.negative, scaled - fine.coefficient)
        } else {
            (fine.negative, fine.coefficient - scaled)
        };
        Self::new(negative, coefficient, i64::from(fine.exponent))
    }

    /// The exact difference.
    ///
    /// # Errors
    /// As [`Number::plus`].
    pub fn minus(self, other: Self) -> Result<Self, NumberError> {
        self.plus(Self { negative: !other.negative, ..other })
    }

    /// Bytes that sort as the numbers do: a byte for the sign; the magnitude and the digits in pairs, inverted for a
    /// negative number.
    #[must_use]
    pub fn sort_bytes(self) -> Vec<u8> {
        if self.coefficient == 0 {
            return vec![1];
        }
        let digits = self.coefficient.to_string();
        let mut bytes = Vec::with_capacity(3 + digits.len() / 2);
        bytes.push(if self.negative { 0 } else { 2 });
        let magnitude = i64::from(self.magnitude()) - MAGNITUDE_MIN;
        bytes.push(u8::try_from(magnitude).expect("there are 256 magnitudes"));
        for pair in digits.as_bytes().chunks(2) {
            bytes.push((pair[0] - b'0') << 4 | pair.get(1).map_or(0, |digit| digit - b'0'));
        }
        if self.negative {
            bytes[1..].iter_mut().for_each(|byte| *byte = !*byte);
            // More digits make a negative number smaller.
            bytes.push(0xff);
        }
        bytes
    }

    /// The bytes that count for the size of an item.
    #[must_use]
    pub fn size(self) -> usize {
        if self.coefficient == 0 {
            return 1;
        }
        let digits = digits(self.coefficient);
        let straddles = digits.is_multiple_of(2) && self.magnitude() % 2 == 0;
        1 + digits.div_ceil(2) as usize + usize::from(straddles) + usize::from(self.negative)
    }
}

fn digits(coefficient: u128) -> u32 {
    coefficient.checked_ilog10().map_or(1, |log| log + 1)
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::new(false, u128::from(value), 0).expect("20 digits fit")
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::new(value < 0, u128::from(value.unsigned_abs()), 0).expect("19 digits fit")
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_sign = self.signum().cmp(&other.signum());
        if by_sign != Ordering::Equal || self.coefficient == 0 {
            return by_sign;
        }
        let full = |number: &Self| number.coefficient * 10u128.pow(DIGITS_MAX - digits(number.coefficient));
        let larger = self.magnitude().cmp(&other.magnitude()).then_with(|| full(self).cmp(&full(other)));
        if self.negative { larger.reverse() } else { larger }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let (negative, rest) = signed(text.as_bytes());
        let mut mantissa = Mantissa::default();
        let mut exponent = 0;
        for (at, byte) in rest.iter().enumerate() {
            match byte {
                b'0'..=b'9' => mantissa.push(byte - b'0'),
                b'.' if !mantissa.has_point => mantissa.has_point = true,
                b'e' | b'E' => {
                    exponent = exponent_of(&rest[at + 1..]).ok_or_else(|| NumberError::NotANumber(text.to_owned()))?;
                    break;
                }
                _ => return Err(NumberError::NotANumber(text.to_owned())),
            }
        }
        if mantissa.read == 0 {
            return Err(NumberError::NotANumber(text.to_owned()));
        }
        let exponent = exponent + mantissa.exponent();
        if !mantissa.is_too_long {
            return Self::new(negative, mantissa.coefficient, exponent);
        }
        // Out of range comes before too precise; the first digit decides.
        Self::new(negative, 1, exponent + mantissa.significant - 1)?;
        Err(NumberError::TooPrecise)
    }
}

fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

fn exponent_of(text: &[u8]) -> Option<i64> {
    let (negative, digits) = signed(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: i64, digit: &u8| (sum * 10 + i64::from(digit - b'0')).min(EXPONENT_READ_MAX);
    let value = digits.iter().fold(0, add);
    Some(if negative { -value } else { value })
}

/// The digits of a text as they are read, without zeros at either end.
#[derive(Debug, Default)]
struct Mantissa {
    coefficient: u128,
    /// Digits of the coefficient, also of one that is too long to be kept.
    significant: i64,
    is_too_long: bool,
    /// Zeros behind the coefficient, which count when another digit follows.
    zeros: i64,
    has_point: bool,
    /// Digits after the point.
    fraction: i64,
    /// All digits.
    read: usize,
}

impl Mantissa {
    fn push(&mut self, digit: u8) {
        self.read += 1;
        self.fraction += i64::from(self.has_point);
        if digit == 0 {
            self.zeros += i64::from(self.significant > 0);
            return;
        }
        self.significant += self.zeros + 1;
        if self.significant > i64::from(DIGITS_MAX) {
            self.is_too_long = true;
        } else {
            let shift = u32::try_from(self.zeros + 1).expect("at most 38");
            self.coefficient = self.coefficient * 10u128.pow(shift) + u128::from(digit);
        }
        self.zeros = 0;
    }

    /// Of the coefficient's last digit.
    fn exponent(&self) -> i64 {
        self.zeros - self.fraction
    }
}

impl fmt::Display for Number {
    /// Plain digits, never with an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        let digits = self.coefficient.to_string();
        let Ok(zeros) = usize::try_from(self.exponent) else {
            let places = usize::from(self.exponent.unsigned_abs());
            return match digits.len().checked_sub(places) {
                Some(whole @ 1..) => write!(f, "{}.{}", &digits[..whole], &digits[whole..]),
                _ => write!(f, "0.{digits:0>places$}"),
            };
        };
        write!(f, "{digits}{:0>zeros$}", "")
    }
}

#[cfg(test)]
mod tests;
