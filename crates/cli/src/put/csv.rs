//! CSV as RFC 4180 has it: a quote counts where a field begins, and within a field that began with one.

/// Where in a record a reader stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    FieldStart,
    Plain,
    Quoted,
    /// After a quote within a quoted field: the field has ended, or another quote follows and the two stand for one.
    Closing,
}

impl Place {
    #[must_use]
    pub fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Closing,
            (Self::Quoted, _) | (Self::FieldStart | Self::Closing, b'"') => Self::Quoted,
            (_, b',' | b'\n') => Self::FieldStart,
            _ => Self::Plain,
        }
    }
}

/// The fields of one record without its end, quotes taken off.
pub fn fields(record: &[u8]) -> Vec<String> {
    let mut fields = vec![Vec::new()];
    let mut place = Place::default();
    for byte in record {
        let next = place.after(*byte);
        match (place, next) {
            (Place::FieldStart, Place::Quoted) | (Place::Quoted, Place::Closing) => {}
            (_, Place::FieldStart) => fields.push(Vec::new()),
            _ => fields.last_mut().expect("there is one field from the beginning").push(*byte),
        }
        place = next;
    }
    fields.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_record() {
        assert_eq!(fields(b"a,b,,\"c,\"\"d\"\"\ne\",f"), ["a", "b", "", "c,\"d\"\ne", "f"]);
        assert_eq!(fields(b"3.5\" disk,\"\",x \"y\" z"), ["3.5\" disk", "", "x \"y\" z"]);
        assert_eq!(fields(b"\"a\"b,c"), ["ab", "c"]);
        assert_eq!(fields(b""), [""]);
    }
}
