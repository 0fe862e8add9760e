//! What `dataProcessingOptions` do to a record before it is sent.

mod csv;
mod json;
mod log;
mod log_format;

use std::borrow::Cow;

use crate::config::{ConfigError, Section};
use csv::CsvToJson;
use log::LogToJson;

/// Options of one flow.
const OPTIONS_MAX: usize = 32;

/// Conversions, in their order.
#[derive(Debug, Clone, Default)]
pub struct Transforms(Vec<Transform>);

#[derive(Debug, Clone)]
enum Transform {
    SingleLine,
    CsvToJson(CsvToJson),
    LogToJson(LogToJson),
}

#[derive(Debug, Clone, Copy)]
enum OptionName {
    SingleLine,
    CsvToJson,
    LogToJson,
}

impl Transforms {
    pub fn parse(flow: &Section<'_>, warnings: &mut Vec<String>) -> Result<Self, ConfigError> {
        let key = "dataProcessingOptions";
        let objects = flow.objects(key)?;
        if objects.len() > OPTIONS_MAX {
            return Err(flow.error(key, format!("{} of them, where {OPTIONS_MAX} can be", objects.len())));
        }
        let mut transforms = Vec::with_capacity(objects.len());
        for (i, object) in objects.into_iter().enumerate() {
            let option = Section::new(format!("{}{key} {}: ", flow.place(), i + 1), object);
            transforms.push(Transform::parse(&option)?);
            option.finish(warnings);
        }
        Ok(Self(transforms))
    }

    /// What becomes of a record; `None` when it is none of those that the options want.
    pub fn apply<'r>(&self, record: &'r [u8]) -> Option<Cow<'r, [u8]>> {
        let mut record = Cow::Borrowed(record);
        for transform in &self.0 {
            let text = String::from_utf8_lossy(&record);
            let converted = match transform {
                Transform::SingleLine => single_line(&text),
                Transform::CsvToJson(csv) => csv.convert(without_newline(&text)),
                Transform::LogToJson(log) => log.convert(without_newline(&text))?,
            };
            record = Cow::Owned(converted.into_bytes());
        }
        Some(record)
    }
}

impl Transform {
    fn parse(option: &Section<'_>) -> Result<Self, ConfigError> {
        let names = [
            ("SINGLELINE", OptionName::SingleLine),
            ("CSVTOJSON", OptionName::CsvToJson),
            ("LOGTOJSON", OptionName::LogToJson),
        ];
        match option.choice("optionName", &names)? {
            None => Err(option.error("optionName", "is missing")),
            Some(OptionName::SingleLine) => Ok(Self::SingleLine),
            Some(OptionName::CsvToJson) => CsvToJson::parse(option).map(Self::CsvToJson),
            Some(OptionName::LogToJson) => LogToJson::parse(option).map(Self::LogToJson),
        }
    }
}

/// The lines without the blanks around them, joined, and a newline.
fn single_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split('\n') {
        // What Java's `trim` takes away.
        out.push_str(line.trim_matches(|c: char| c <= ' '));
    }
    out.push('\n');
    out
}

fn without_newline(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options of a flow, given as JSON.
    pub(super) fn parse(options: &str) -> Result<Transforms, ConfigError> {
        let flow: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&format!(r#"{{"dataProcessingOptions": {options}}}"#)).expect("JSON");
        Transforms::parse(&Section::new(String::new(), &flow), &mut Vec::new())
    }

    pub(super) fn check(options: &str, cases: &[(&str, Option<&str>)]) {
        let transforms = parse(options).expect("valid");
        for (record, expected) in cases {
            let out = transforms.apply(record.as_bytes()).map(|out| String::from_utf8(out.into_owned()).expect("text"));
            assert_eq!(out.as_deref(), *expected, "{record:?}");
        }
    }

    #[test]
    fn lines_become_one() {
        check(
            r#"[{"optionName": "SINGLELINE"}]"#,
            &[("a\n  b \t\nc\n", Some("abc\n")), ("\n", Some("\n")), ("a b", Some("a b\n"))],
        );
    }

    #[test]
    fn options_work_in_their_order() {
        check(
            r#"[{"optionName": "SINGLELINE"}, {"optionName": "CSVTOJSON", "customFieldNames": ["x", "y"]}]"#,
            &[("a,\n b\n", Some("{\"x\":\"a\",\"y\":\"b\"}\n"))],
        );
        check("[]", &[("a\n", Some("a\n"))]);
    }
}
