//! The patterns of one service, each as a table with a name.

use std::collections::{BTreeMap, BTreeSet};

use super::automaton::Automaton;
use super::names;
use super::plan::Plan;

/// The patterns that inputs need.
#[derive(Debug, Default)]
pub struct Patterns {
    /// By the text of the pattern.
    known: BTreeMap<String, (String, Automaton)>,
    /// Shape and pattern that could not be compiled, and why: such a shape's pattern is not checked.
    pub unrecognised: Vec<String>,
}

impl Patterns {
    pub fn new(plan: &Plan<'_>) -> Self {
        let mut patterns = Self::default();
        let mut taken = BTreeSet::new();
        for name in &plan.validated {
            let Some(pattern) = &plan.model.shape(name).pattern else { continue };
            if patterns.known.contains_key(pattern) {
                continue;
            }
            match Automaton::new(pattern) {
                Ok(automaton) => {
                    let mut constant = names::snake(name).to_ascii_uppercase();
                    while !taken.insert(constant.clone()) {
                        constant.push('_');
                    }
                    patterns.known.insert(pattern.clone(), (constant, automaton));
                }
                Err(reason) => patterns.unrecognised.push(format!("{name} {pattern} ({reason})")),
            }
        }
        patterns
    }

    /// The name of the pattern's constant.
    pub fn constant(&self, pattern: &str) -> Option<&str> {
        self.known.get(pattern).map(|(constant, _)| constant.as_str())
    }

    /// One item per pattern, by name.
    pub fn items(&self) -> Vec<String> {
        let mut items: Vec<String> =
            self.known.iter().map(|(text, (name, automaton))| item(text, name, automaton)).collect();
        items.sort_unstable();
        items
    }
}

fn item(text: &str, constant: &str, automaton: &Automaton) -> String {
    let Automaton { starts, classes, next, accepting } = automaton;
    let (from, class): (Vec<u32>, Vec<u8>) = starts.iter().copied().unzip();
    format!(
        "pub static {constant}: Pattern = \
         Pattern::new({text:?}, &{from:?}, &{class:?}, {classes}, &{next:?}, &{accepting:?});\n\n"
    )
}
