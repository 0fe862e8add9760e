//! Which files of a folder a flow reads: the glob of Java's `PathMatcher`, in the last part of the path.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Names of files that rotation has compressed; the first three are those of the Kinesis Agent.
const COMPRESSED: [&str; 7] = [".gz", ".bz2", ".zip", ".xz", ".zst", ".lz4", ".z"];

#[derive(Debug, Clone)]
pub struct FilePattern {
    directory: PathBuf,
    name: Regex,
    text: String,
}

impl FilePattern {
    /// # Errors
    /// Why the text is no pattern.
    pub fn new(text: &str) -> Result<Self, String> {
        let (directory, name) = text.rsplit_once('/').ok_or_else(|| format!("{text:?} names no folder"))?;
        if name.is_empty() {
            return Err(format!("{text:?} names no file"));
        }
        if directory.contains(['*', '?', '[', '{']) {
            return Err(format!("{text:?} has wildcards in the folder, where they are not supported"));
        }
        let directory = if directory.is_empty() { "/" } else { directory };
        let name = Regex::new(&to_regex(name)?).map_err(|_| format!("{name:?} is not a glob"))?;
        Ok(Self { directory: directory.into(), name, text: text.to_owned() })
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether a file of the folder is one to read.
    pub fn matches(&self, name: &OsStr) -> bool {
        !is_compressed(name) && self.name.is_match(&name.to_string_lossy())
    }
}

impl fmt::Display for FilePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

pub fn is_compressed(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    COMPRESSED.iter().any(|ending| name.ends_with(ending))
}

fn to_regex(glob: &str) -> Result<String, String> {
    let mut out = String::from(r"(?s)\A");
    let mut rest = glob.chars();
    let mut is_group = false;
    while let Some(c) = rest.next() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => class(&mut rest, &mut out).ok_or_else(|| format!("{glob:?} has a [ without its ]"))?,
            '{' if is_group => return Err(format!("{glob:?} has a {{ within another")),
            '{' => {
                is_group = true;
                out.push_str("(?:");
            }
            '}' if is_group => {
                is_group = false;
                out.push(')');
            }
            ',' if is_group => out.push('|'),
            '\\' => {
                let c = rest.next().ok_or_else(|| format!("{glob:?} ends in a \\"))?;
                out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
            }
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    if is_group {
        return Err(format!("{glob:?} has a {{ without its }}"));
    }
    out.push_str(r"\z");
    Ok(out)
}

/// What stands between brackets; only `-` and a leading `!` mean more than themselves.
fn class(rest: &mut std::str::Chars<'_>, out: &mut String) -> Option<()> {
    out.push('[');
    let mut is_first = true;
    loop {
        match rest.next()? {
            '!' if is_first => out.push('^'),
            ']' if !is_first => break,
            '-' if !is_first => out.push('-'),
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
        is_first = false;
    }
    out.push(']');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_those_of_java() {
        for (pattern, name, expected) in [
            ("/v/app.log", "app.log", true),
            ("/v/app.log", "appxlog", false),
            ("/v/app.log*", "app.log.1", true),
            ("/v/app.log*", "app.log", true),
            ("/v/app.log*", "app.log.2.GZ", false),
            ("/v/*.log", ".log", true),
            ("/v/*.log", "a.log.1", false),
            ("/v/a?b", "axb", true),
            ("/v/a[0-9!].log", "a7.log", true),
            ("/v/a[!0-9].log", "a7.log", false),
            ("/v/a[!0-9].log", "ax.log", true),
            ("/v/[*]", "*", true),
            ("/v/{app,web}.log", "web.log", true),
            ("/v/{app,web}.log", "db.log", false),
            (r"/v/\*", "*", true),
            (r"/v/\*", "a", false),
        ] {
            let parsed = FilePattern::new(pattern).expect("valid");
            assert_eq!(parsed.matches(OsStr::new(name)), expected, "{pattern} {name}");
        }
        assert_eq!(FilePattern::new("/a").expect("valid").directory(), Path::new("/"));
        assert_eq!(FilePattern::new("./a").expect("valid").directory(), Path::new("."));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["a.log", "/v/", "/v/*/a.log", "/v/a[", "/v/{a", "/v/{a{b}}", "/v/a\\", ""] {
            assert!(FilePattern::new(pattern).is_err(), "{pattern}");
        }
    }
}
