//! `LOGTOJSON`: the parts of a log line get names.

use super::json::JsonFormat;
use super::log_format::LogFormat;
use crate::config::{ConfigError, JavaPattern, Reach, Section};

#[derive(Debug, Clone)]
pub struct LogToJson {
    pattern: JavaPattern,
    names: Vec<String>,
    /// Apache writes `-` for what it does not know.
    is_dash_null: bool,
    format: JsonFormat,
}

impl LogToJson {
    pub fn parse(option: &Section<'_>) -> Result<Self, ConfigError> {
        let log_format =
            option.choice("logFormat", &LogFormat::NAMES)?.ok_or_else(|| option.error("logFormat", "is missing"))?;
        let names = option.texts("customFieldNames")?;
        let (pattern, names) = match (option.text("matchPattern")?, names) {
            (Some(_), None) => {
                return Err(option.error("customFieldNames", "is missing, and matchPattern needs them"));
            }
            (Some(pattern), Some(names)) => {
                let pattern = JavaPattern::new(&pattern, Reach::Whole);
                (pattern.map_err(|reason| option.error("matchPattern", reason))?, names)
            }
            (None, names) => {
                let defaults = || log_format.field_names().iter().map(|name| (*name).to_owned()).collect();
                (log_format.pattern(), names.unwrap_or_else(defaults))
            }
        };
        if names.len() != pattern.groups() {
            let reason = format!("{} names, where the pattern has {} groups", names.len(), pattern.groups());
            return Err(option.error("customFieldNames", reason));
        }
        Ok(Self { pattern, names, is_dash_null: log_format.is_apache(), format: JsonFormat::parse(option)? })
    }

    /// `None` for a line that is not of the format, which is not sent.
    pub fn convert(&self, line: &str) -> Option<String> {
        let captures = self.pattern.captures(line)?;
        let value = |group: usize| {
            let value = captures.get(group).map(|found| found.as_str());
            value.filter(|value| !(self.is_dash_null && *value == "-"))
        };
        Some(self.format.object(self.names.iter().enumerate().map(|(i, name)| (name.as_str(), value(i + 1)))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, parse};

    #[test]
    fn apache_access_logs() {
        let line =
            "64.242.88.10 - - [07/Mar/2004:16:10:02 -0800] \"GET /mailman/listinfo/hsdivision HTTP/1.1\" 200 6291";
        let common = "\"host\":\"64.242.88.10\",\"ident\":null,\"authuser\":null,\
                      \"datetime\":\"07/Mar/2004:16:10:02 -0800\",\
                      \"request\":\"GET /mailman/listinfo/hsdivision HTTP/1.1\",\"response\":\"200\",\"bytes\":\"6291\"";
        check(
            r#"[{"optionName": "LOGTOJSON", "logFormat": "COMMONAPACHELOG"}]"#,
            &[
                (&format!("{line}\n"), Some(&format!("{{{common}}}\n"))),
                (&format!("{line} and more\n"), Some(&format!("{{{common}}}\n"))),
                ("something else\n", None),
            ],
        );
        let combined = format!("{line} \"http://a/\" \"Mozilla/4.0 (compatible)\"\n");
        check(
            r#"[{"optionName": "LOGTOJSON", "logFormat": "COMBINEDAPACHELOG"}]"#,
            &[
                (
                    &combined,
                    Some(&format!("{{{common},\"referer\":\"http://a/\",\"agent\":\"Mozilla/4.0 (compatible)\"}}\n")),
                ),
                (&format!("{line}\n"), None),
            ],
        );
    }

    #[test]
    fn apache_error_logs() {
        check(
            r#"[{"optionName": "LOGTOJSON", "logFormat": "APACHEERRORLOG"}]"#,
            &[(
                "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 4328636416] [client 72.15.99.187] \
                 File does not exist: /usr/favicon.ico\n",
                Some(
                    "{\"timestamp\":\"Fri Sep 09 10:42:29.902022 2011\",\"module\":\"core\",\"severity\":\"error\",\
                     \"processid\":\"35708\",\"threadid\":\"4328636416\",\"client\":\"72.15.99.187\",\
                     \"message\":\"File does not exist: /usr/favicon.ico\"}\n",
                ),
            )],
        );
    }

    #[test]
    fn system_logs() {
        check(
            r#"[{"optionName": "LOGTOJSON", "logFormat": "SYSLOG"}]"#,
            &[
                (
                    "Feb 29 06:00:01 web-1 cron[123]: (root) CMD (run)\n",
                    Some(
                        "{\"timestamp\":\"Feb 29 06:00:01\",\"hostname\":\"web-1\",\"program\":\"cron\",\
                         \"processid\":\"123\",\"message\":\"(root) CMD (run)\"}\n",
                    ),
                ),
                (
                    "Feb  9 06:00:01 <3.6> web-1 kernel: -\n",
                    Some(
                        "{\"timestamp\":\"Feb  9 06:00:01\",\"hostname\":\"web-1\",\"program\":\"kernel\",\
                         \"processid\":null,\"message\":\"-\"}\n",
                    ),
                ),
            ],
        );
        check(
            r#"[{"optionName": "LOGTOJSON", "logFormat": "RFC3339SYSLOG"}]"#,
            &[
                (
                    "2024-02-29T06:00:01.5+01:00 web-1 sshd[7]: hello",
                    Some(
                        "{\"timestamp\":\"2024-02-29T06:00:01.5+01:00\",\"hostname\":\"web-1\",\"program\":\"sshd\",\
                         \"processid\":\"7\",\"message\":\"hello\"}\n",
                    ),
                ),
                ("Feb 29 06:00:01 web-1 cron[123]: x", None),
            ],
        );
    }

    #[test]
    fn a_pattern_and_names_of_ones_own() {
        let options = |more: &str| format!(r#"[{{"optionName": "LOGTOJSON", "logFormat": "SYSLOG", {more}}}]"#);
        check(
            &options(r#""matchPattern": "(\\d+) (-|x)( y)?", "customFieldNames": ["a", "b", "c"]"#),
            &[("1 -\n", Some("{\"a\":\"1\",\"b\":\"-\",\"c\":null}\n")), ("1 - z\n", None)],
        );
        for (more, expected) in [
            (r#""matchPattern": "(a)""#, "customFieldNames: is missing, and matchPattern needs them"),
            (r#""customFieldNames": ["a"]"#, "customFieldNames: 1 names, where the pattern has 5 groups"),
            (
                r#""matchPattern": "(?=a)", "customFieldNames": []"#,
                "matchPattern: look-around, including look-ahead and look-behind, is not supported",
            ),
        ] {
            let error = parse(&options(more)).expect_err("wrong").to_string();
            assert_eq!(error, format!("dataProcessingOptions 1: {expected}"));
        }
    }
}
