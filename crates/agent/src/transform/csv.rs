//! `CSVTOJSON`: columns get names.

use super::json::JsonFormat;
use crate::config::{ConfigError, JavaPattern, Reach, Section};

#[derive(Debug, Clone)]
pub struct CsvToJson {
    names: Vec<String>,
    delimiter: JavaPattern,
    format: JsonFormat,
}

impl CsvToJson {
    pub fn parse(option: &Section<'_>) -> Result<Self, ConfigError> {
        let names = option.texts("customFieldNames")?.ok_or_else(|| option.error("customFieldNames", "is missing"))?;
        let text = option.text("delimiter")?.unwrap_or_else(|| ",".to_owned());
        let delimiter = JavaPattern::new(&text, Reach::Anywhere).map_err(|reason| option.error("delimiter", reason))?;
        if delimiter.is_match("") {
            let reason = format!("{text:?} is a pattern that matches between any two characters; escape it with \\\\");
            return Err(option.error("delimiter", reason));
        }
        Ok(Self { names, delimiter, format: JsonFormat::parse(option)? })
    }

    /// Knows no quotes, as the Kinesis Agent.
    pub fn convert(&self, line: &str) -> String {
        let mut columns: Vec<&str> = self.delimiter.split(line).collect();
        // Java's `split` drops empty columns at the end, unless there is nothing else.
        while columns.len() > 1 && columns.last().is_some_and(|column| column.is_empty()) {
            columns.pop();
        }
        if columns == [""] && !line.is_empty() {
            columns.clear();
        }
        self.format.object(self.names.iter().enumerate().map(|(i, name)| (name.as_str(), columns.get(i).copied())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, parse};

    #[test]
    fn columns_get_names() {
        check(
            r#"[{"optionName": "CSVTOJSON", "customFieldNames": ["a", "b", "c"]}]"#,
            &[
                ("1,2,3\n", Some("{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}\n")),
                ("1,,3,4", Some("{\"a\":\"1\",\"b\":\"\",\"c\":\"3\"}\n")),
                ("1,,\n", Some("{\"a\":\"1\",\"b\":null,\"c\":null}\n")),
                (",,\n", Some("{\"a\":null,\"b\":null,\"c\":null}\n")),
                ("\n", Some("{\"a\":\"\",\"b\":null,\"c\":null}\n")),
            ],
        );
        check(
            r#"[{"optionName": "CSVTOJSON", "customFieldNames": ["a", "b"], "delimiter": "\\t"}]"#,
            &[("1,\t2\n", Some("{\"a\":\"1,\",\"b\":\"2\"}\n"))],
        );
    }

    #[test]
    fn a_delimiter_that_splits_everything_is_refused() {
        let error = parse(r#"[{"optionName": "CSVTOJSON", "customFieldNames": ["a"], "delimiter": "|"}]"#);
        assert!(error.expect_err("wrong").to_string().starts_with("dataProcessingOptions 1: delimiter: \"|\" is a"));
    }
}
