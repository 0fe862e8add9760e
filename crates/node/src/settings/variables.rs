//! Variables of the environment that look like settings and are none.

use super::Layer;

const PREFIX: &str = "ANABRANCH_";
/// Known besides the settings: it names the settings file.
const CONFIG: &str = "CONFIG";
/// A name that needs more changes than this to become another is not a misspelt one.
const CHANGES_MAX: usize = 3;

/// A variable that nobody reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownVariable {
    pub name: String,
    /// The known one that it resembles most.
    pub nearest: Option<String>,
}

/// Those of `names` that begin as settings do, but are none.
pub fn unknown_variables(names: impl IntoIterator<Item = String>) -> Vec<UnknownVariable> {
    let known: Vec<String> = Layer::NAMES.iter().chain(&[CONFIG]).map(|name| name.to_uppercase()).collect();
    let mut unknown: Vec<UnknownVariable> = names
        .into_iter()
        .filter_map(|name| {
            let setting = name.strip_prefix(PREFIX)?;
            if known.iter().any(|known| known == setting) {
                return None;
            }
            let nearest = known.iter().map(|known| (changes(setting, known), known)).min();
            let nearest =
                nearest.filter(|(changes, _)| *changes <= CHANGES_MAX).map(|(_, known)| format!("{PREFIX}{known}"));
            Some(UnknownVariable { name, nearest })
        })
        .collect();
    unknown.sort_by(|a, b| a.name.cmp(&b.name));
    unknown
}

/// How many letters must be put in, left out or replaced to make one text of another.
fn changes(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_variables_are_found() {
        let names =
            ["ANABRANCH_DURABLITY", "HOME", "ANABRANCH_CONFIG", "ANABRANCH_TLS_LISTEN", "ANABRANCH_COLOUR_SCHEME"];
        let unknown = unknown_variables(names.map(str::to_owned));
        let shown: Vec<_> = unknown.iter().map(|one| (one.name.as_str(), one.nearest.as_deref())).collect();
        assert_eq!(shown, [("ANABRANCH_COLOUR_SCHEME", None), ("ANABRANCH_DURABLITY", Some("ANABRANCH_DURABILITY"))]);
    }

    #[test]
    fn changes_are_counted() {
        for (from, to, count) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("tls", "tsl", 2)]
        {
            assert_eq!(changes(from, to), count, "{from} {to}");
        }
    }
}
