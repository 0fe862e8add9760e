//! The table of docs/proof.md: one line a row, its name and what is done in the first two cells.

/// Replaces the cells behind the first two of the row that is named `row`; `None` when there is none.
pub(super) fn replace(text: &str, row: &str, cells: &[String]) -> Option<String> {
    let mut found = false;
    let lines = text.lines().map(|line| {
        let mut old = line.split('|').map(str::trim);
        let (Some(""), Some(name), Some(what)) = (old.next(), old.next(), old.next()) else { return line.to_owned() };
        if name != row {
            return line.to_owned();
        }
        found = true;
        let new: Vec<String> = cells.iter().map(|cell| cell.replace('|', "/")).collect();
        format!("| {name} | {what} | {} |", new.join(" | "))
    });
    let mut replaced = lines.collect::<Vec<_>>().join("\n");
    replaced.push('\n');
    found.then_some(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_changes_and_the_rest_stays() {
        let text = "# Proof\n\n| row | what | date |\n| --- | --- | --- |\n| kill | dies | not yet |\n| power | out | then |\n";
        let replaced = replace(text, "kill", &["today".to_owned()]).expect("there is such a row");
        assert_eq!(replaced, text.replace("not yet", "today"));
        assert_eq!(replace(text, "fire", &[]), None);
    }
}
