//! The formats that `LOGTOJSON` knows, with the field names of the Kinesis Agent.

use crate::config::{JavaPattern, Reach};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    CommonApacheLog,
    CombinedApacheLog,
    ApacheErrorLog,
    Syslog,
    Rfc3339Syslog,
}

const HOST: &str = r"[0-9A-Za-z_.:-]+";
const USER: &str = r"[0-9A-Za-z._-]+";
const TIME: &str = r"(?:2[0-3]|[01]?[0-9]):[0-5][0-9]:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?";
const MONTH: &str = "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?\
                     |Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)";
const DAY: &str = "(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?";
const MONTH_DAY: &str = "(?:0[1-9]|[12][0-9]|3[01]|[1-9])";
const YEAR: &str = "[1-9][0-9]*";
const NUMBER: &str = "[+-]?[0-9]+";

impl LogFormat {
    pub const NAMES: [(&str, Self); 5] = [
        ("COMMONAPACHELOG", Self::CommonApacheLog),
        ("COMBINEDAPACHELOG", Self::CombinedApacheLog),
        ("APACHEERRORLOG", Self::ApacheErrorLog),
        ("SYSLOG", Self::Syslog),
        ("RFC3339SYSLOG", Self::Rfc3339Syslog),
    ];

    pub fn is_apache(self) -> bool {
        matches!(self, Self::CommonApacheLog | Self::CombinedApacheLog | Self::ApacheErrorLog)
    }

    pub fn field_names(self) -> &'static [&'static str] {
        const ACCESS: &[&str] =
            &["host", "ident", "authuser", "datetime", "request", "response", "bytes", "referer", "agent"];
        match self {
            Self::CommonApacheLog => &ACCESS[..7],
            Self::CombinedApacheLog => ACCESS,
            Self::ApacheErrorLog => &["timestamp", "module", "severity", "processid", "threadid", "client", "message"],
            Self::Syslog | Self::Rfc3339Syslog => &["timestamp", "hostname", "program", "processid", "message"],
        }
    }

    pub fn pattern(self) -> JavaPattern {
        let text = match self {
            Self::CommonApacheLog => format!("{}.*", access()),
            Self::CombinedApacheLog => format!(r#"{} "([^"]+)" "([^"]+)".*"#, access()),
            Self::ApacheErrorLog => format!(
                r"\[({DAY}\s+{MONTH}\s+{MONTH_DAY}\s+{TIME}\s+{YEAR})\] \[(?:([0-9A-Za-z_]+):)?([0-9A-Za-z_]+)\] \[pid ([0-9]+)(?::tid ([0-9]+))?\] \[client ({HOST})\] (.*)"
            ),
            Self::Syslog => system(&format!(r"{MONTH}\s+{MONTH_DAY}\s+{TIME}")),
            Self::Rfc3339Syslog => {
                system(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})")
            }
        };
        JavaPattern::new(&text, Reach::Whole).expect("tests make each of these")
    }
}

fn access() -> String {
    let date = format!(r"{MONTH_DAY}/{MONTH}/{YEAR}:{TIME}\s{NUMBER}");
    format!(r#"({HOST}) ({USER}) ({USER}) \[({date})\] "([^"]+)" ({NUMBER}|-) ({NUMBER}|-)"#)
}

fn system(timestamp: &str) -> String {
    format!(r"({timestamp}) (?:<[0-9]+.[0-9]+> )?({USER}) ([0-9A-Za-z_./%-]+)(?:\[([1-9][0-9]*)\])?: (.*)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_its_group() {
        for (name, format) in LogFormat::NAMES {
            assert_eq!(format.field_names().len(), format.pattern().groups(), "{name}");
        }
    }
}
