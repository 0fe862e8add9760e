//! The files that AWS's tools share: `~/.aws/credentials` and `~/.aws/config`.
//!
//! Simple INI: sections, `key = value`, comments with `#` or `;`. Indented lines (nested settings) are passed over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Settings files larger than this are not read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A settings file exists and cannot be used.
#[derive(Debug, Error)]
pub enum ProfileError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is larger than 1 MiB", path.display())]
    TooLarge { path: PathBuf },
    #[error("profile {name:?} is in neither {} nor {}", credentials.display(), config.display())]
    NotFound { name: String, credentials: PathBuf, config: PathBuf },
}

/// The settings of one profile, from both files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    settings: BTreeMap<String, String>,
}

impl Profile {
    /// Reads a profile. `variable` looks an environment variable up; the files' places follow
    /// `AWS_SHARED_CREDENTIALS_FILE`, `AWS_CONFIG_FILE` and `HOME`. A profile that was asked for by name
    /// must exist; without a name (`AWS_PROFILE` apart) it is `default` and may be missing.
    ///
    /// # Errors
    /// When a file cannot be read, or has no profile of the given name.
    pub fn load(name: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ProfileError> {
        let named = name.map(str::to_owned).or_else(|| variable("AWS_PROFILE")).filter(|name| !name.is_empty());
        let home = variable("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let place = |name: &str, file: &str| variable(name).map_or_else(|| home.join(".aws").join(file), PathBuf::from);
        let credentials = place("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let config = place("AWS_CONFIG_FILE", "config");
        let wanted = named.as_deref().unwrap_or("default");

        let mut settings = BTreeMap::new();
        let in_config = section(&read(&config)?, |section| {
            section == wanted || section.strip_prefix("profile ").is_some_and(|name| name.trim() == wanted)
        });
        let in_credentials = section(&read(&credentials)?, |section| section == wanted);
        let is_missing = in_config.is_none() && in_credentials.is_none();
        // Keys in the credentials file win over the same keys in the other.
        settings.extend(in_config.unwrap_or_default());
        settings.extend(in_credentials.unwrap_or_default());
        match named {
            Some(name) if is_missing => Err(ProfileError::NotFound { name, credentials, config }),
            _ => Ok(Self { settings }),
        }
    }

    /// The value of a setting, such as `region`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str)
    }
}

fn read(path: &Path) -> Result<String, ProfileError> {
    let error = |source| ProfileError::Read { path: path.to_owned(), source };
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => Err(ProfileError::TooLarge { path: path.to_owned() }),
        Ok(_) => std::fs::read_to_string(path).map_err(error),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(error(source)),
    }
}

/// The settings of all sections that `is_wanted`; `None` when there is no such section.
fn section(text: &str, is_wanted: impl Fn(&str) -> bool) -> Option<BTreeMap<String, String>> {
    let mut found = None;
    let mut is_inside = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name) {
            is_inside = is_wanted(name.trim());
            if is_inside {
                found.get_or_insert_with(BTreeMap::new);
            }
            continue;
        }
        if !is_inside || line.starts_with([' ', '\t']) {
            continue;
        }
        if let (Some(settings), Some((key, value))) = (&mut found, trimmed.split_once('=')) {
            let value = value.split(" #").next().unwrap_or_default().trim();
            settings.insert(key.trim().to_lowercase(), value.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# keys
[default]
aws_access_key_id = A
aws_secret_access_key=b=c
[other]
region = eu-west-1 # home
s3 =
  region = nowhere
[ profile ]
x = y";

    #[test]
    fn sections_and_comments() {
        let default = section(TEXT, |name| name == "default").expect("there");
        assert_eq!(default.get("aws_secret_access_key").map(String::as_str), Some("b=c"));
        let other = section(TEXT, |name| name == "other").expect("there");
        assert_eq!(other.get("region").map(String::as_str), Some("eu-west-1"));
        assert_eq!(section(TEXT, |name| name == "nobody"), None);
    }

    #[test]
    fn missing_files_are_an_empty_default_profile() {
        let nowhere = |_: &str| Some("/nonexistent/aws".to_owned()).filter(|_| true);
        let variable = |name: &str| if name == "AWS_PROFILE" { None } else { nowhere(name) };
        assert_eq!(Profile::load(None, variable).expect("default may be missing"), Profile::default());
        let error = Profile::load(Some("p"), variable).expect_err("named must exist");
        assert!(matches!(error, ProfileError::NotFound { name, .. } if name == "p"));
    }
}
