//! Turns names of the AWS models into names of Rust.

/// Words that Rust keeps for itself and that AWS uses as member names.
const KEYWORDS: [&str; 18] = [
    "type", "match", "ref", "move", "use", "in", "where", "for", "if", "loop", "final", "mod", "enum", "struct", "fn",
    "static", "virtual", "async",
];

/// Type names of the prelude and of the generated files' imports.
const TAKEN_TYPES: [&str; 40] = [
    "Option",
    "Some",
    "None",
    "Result",
    "Ok",
    "Err",
    "String",
    "Vec",
    "Box",
    "Default",
    "From",
    "Self",
    "BTreeMap",
    "ByteString",
    "Bytes",
    "Timestamp",
    "Decode",
    "DecodeError",
    "Encode",
    "Reader",
    "Writer",
    "Validate",
    "Violations",
    "Pattern",
    "Event",
    "Caller",
    "Answer",
    "Arc",
    "BoxFuture",
    "CallError",
    "EventStream",
    "Failure",
    "ModeledError",
    "OperationModel",
    "Service",
    "ServiceModel",
    "Arena",
    "Packed",
    "PackedList",
    "Span",
];

/// `StreamARN` -> `stream_arn`, `MaxRecordSizeInKiB` -> `max_record_size_in_kib`, `Type` -> `r#type`.
pub fn member(name: &str) -> String {
    let snake = snake(name);
    match snake.as_str() {
        "self" | "super" | "crate" => format!("{snake}_"),
        word if KEYWORDS.contains(&word) => format!("r#{word}"),
        _ => snake,
    }
}

pub fn snake(name: &str) -> String {
    let mut name = name.to_owned();
    for (unit, word) in [
        ("MiBps", "Mibps"),
        ("KiB", "Kib"),
        ("MiB", "Mib"),
        ("GiB", "Gib"),
        ("ARNs", "Arns"),
        ("IDs", "Ids"),
        ("URLs", "Urls"),
        ("IPs", "Ips"),
        ("DNSs", "Dnss"),
    ] {
        name = name.replace(unit, word);
    }
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 8);
    for (i, &c) in letters.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            if !snake.is_empty() && !snake.ends_with('_') {
                snake.push('_');
            }
            continue;
        }
        let before = i.checked_sub(1).map(|b| letters[b]);
        let ends_acronym =
            before.is_some_and(|b| b.is_ascii_uppercase()) && letters.get(i + 1).is_some_and(char::is_ascii_lowercase);
        let after_word = before.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if c.is_ascii_uppercase() && (ends_acronym || after_word) && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// The name of a shape as a Rust type.
pub fn type_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|p| !p.is_empty()) {
        out.push_str(&upper_first(part));
    }
    if TAKEN_TYPES.contains(&out.as_str()) {
        out.push_str("Shape");
    }
    out
}

/// `AT_SEQUENCE_NUMBER` -> `AtSequenceNumber`, `KMS` -> `Kms`, `IncomingBytes` -> `IncomingBytes`.
pub fn variant(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for part in value.split(|c: char| !c.is_ascii_alphanumeric()).filter(|p| !p.is_empty()) {
        if part.chars().any(|c| c.is_ascii_lowercase()) {
            out.push_str(&upper_first(part));
        } else {
            out.push_str(&upper_first(&part.to_ascii_lowercase()));
        }
    }
    if out.is_empty() {
        return "Other".to_owned();
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, 'V');
    }
    if out == "Unknown" || out == "Self" {
        out.push_str("Value");
    }
    out
}

/// `ResourceNotFoundException` -> `resource_not_found`.
pub fn error_constructor(name: &str) -> String {
    let short = name.strip_suffix("Exception").filter(|s| !s.is_empty()).unwrap_or(name);
    member(short)
}

pub fn upper_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// The member name in the paths of constraint violations.
pub fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_words_of_the_models() {
        let members = [
            ("StreamARN", "stream_arn"),
            ("MaxRecordSizeInKiB", "max_record_size_in_kib"),
            ("WarmThroughputMiBps", "warm_throughput_mibps"),
            ("KMSMasterKeyARN", "kms_master_key_arn"),
            ("S3DestinationConfiguration", "s3_destination_configuration"),
            ("Type", "r#type"),
            ("SecurityGroupIDs", "security_group_ids"),
            ("aws-sdk", "aws_sdk"),
        ];
        for (name, expected) in members {
            assert_eq!(member(name), expected, "{name}");
        }
        let variants = [
            ("AT_SEQUENCE_NUMBER", "AtSequenceNumber"),
            ("KMS", "Kms"),
            ("IncomingBytes", "IncomingBytes"),
            ("java8.al2", "Java8Al2"),
            ("3.9", "V39"),
            ("UNKNOWN", "UnknownValue"),
        ];
        for (value, expected) in variants {
            assert_eq!(variant(value), expected, "{value}");
        }
        assert_eq!(error_constructor("KMSOptInRequired"), "kms_opt_in_required");
        assert_eq!(error_constructor("ResourceNotFoundException"), "resource_not_found");
        assert_eq!(type_name("Option"), "OptionShape");
    }
}
