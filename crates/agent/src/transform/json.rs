//! JSON objects of texts, in the order of their fields, as the Kinesis Agent writes them.

use crate::config::{ConfigError, Section};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum JsonFormat {
    #[default]
    Compact,
    PrettyPrint,
}

impl JsonFormat {
    pub fn parse(option: &Section<'_>) -> Result<Self, ConfigError> {
        let choices = [("COMPACT", Self::Compact), ("PRETTYPRINT", Self::PrettyPrint)];
        Ok(option.choice("jsonFormat", &choices)?.unwrap_or_default())
    }

    /// An object and a newline; fields without a value are `null`.
    pub fn object<'a>(self, fields: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> String {
        let (before, colon, end) = match self {
            Self::Compact => ("", ":", "}\n"),
            Self::PrettyPrint => ("\n  ", " : ", "\n}\n"),
        };
        let mut out = String::from("{");
        for (i, (name, value)) in fields.enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str(before);
            out.push_str(&quoted(name));
            out.push_str(colon);
            out.push_str(&value.map_or_else(|| "null".to_owned(), quoted));
        }
        out.push_str(end);
        out
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is always JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_keep_the_order_of_their_fields() {
        let object = |format: JsonFormat| format.object([("b", Some("x\"y")), ("a", None)].into_iter());
        assert_eq!(object(JsonFormat::Compact), "{\"b\":\"x\\\"y\",\"a\":null}\n");
        assert_eq!(object(JsonFormat::PrettyPrint), "{\n  \"b\" : \"x\\\"y\",\n  \"a\" : null\n}\n");
    }
}
