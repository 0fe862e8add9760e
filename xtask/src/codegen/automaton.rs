//! Turns a parsed regular expression into a deterministic automaton that matches whole strings.

use std::collections::{BTreeSet, HashMap};

use super::regex::{self, Node, Set};

/// Tables with more entries than this are not worth their text.
const ENTRIES_MAX: usize = 12_000;
const FRAGMENTS_MAX: usize = 20_000;
/// "No way on": equals `api::pattern::DEAD`. Other entries are the state that follows, plus one.
const DEAD: u16 = 0;

/// Where each range of characters begins, and its class.
type Ranges = Vec<(u32, u8)>;

/// The tables of `api::pattern::Pattern`.
#[derive(Debug)]
pub struct Automaton {
    /// Where each range of characters begins, and its class.
    pub starts: Ranges,
    pub classes: usize,
    pub next: Vec<u16>,
    /// The states in which a string may end.
    pub accepting: Vec<usize>,
}

impl Automaton {
    pub fn new(pattern: &str) -> Result<Self, String> {
        let mut nfa = Nfa::default();
        let first = nfa.state();
        let last = nfa.add(&regex::parse(pattern)?, first)?;
        let (starts, samples) = classes(&nfa)?;
        let mut sets = vec![nfa.closure([first].into(), true, false)];
        let mut known = HashMap::from([(sets[0].clone(), 0)]);
        let mut next = Vec::new();
        let mut done = 0;
        while done < sets.len() {
            for sample in &samples {
                let to = nfa.closure(nfa.step(&sets[done], *sample), false, false);
                if to.is_empty() {
                    next.push(DEAD);
                    continue;
                }
                let count = sets.len();
                let id = *known.entry(to.clone()).or_insert(count);
                if id == count {
                    sets.push(to);
                }
                if count * samples.len() > ENTRIES_MAX {
                    return Err(format!("more than {ENTRIES_MAX} entries"));
                }
                next.push(u16::try_from(id + 1).expect("fewer states than that"));
            }
            done += 1;
        }
        let accepts = |i: &usize| nfa.closure(sets[*i].clone(), *i == 0, true).contains(&last);
        let accepting = (0..sets.len()).filter(accepts).collect();
        Ok(Self { starts, classes: samples.len(), next, accepting })
    }

    /// Whether the whole of `text` matches; what `api::pattern::Pattern` does with the tables.
    #[cfg(test)]
    fn matches(&self, text: &str) -> bool {
        let mut state = 0;
        for c in text.chars() {
            let after = self.starts.partition_point(|(start, _)| *start <= u32::from(c));
            let next = self.next[state * self.classes + usize::from(self.starts[after - 1].1)];
            if next == DEAD {
                return false;
            }
            state = usize::from(next) - 1;
        }
        self.accepting.contains(&state)
    }
}

enum Edge {
    Free(usize),
    /// Only at the beginning of the string.
    AtStart(usize),
    /// Only at its end.
    AtEnd(usize),
    Over(Set, usize),
}

#[derive(Default)]
struct Nfa {
    edges: Vec<Vec<Edge>>,
}

impl Nfa {
    fn state(&mut self) -> usize {
        self.edges.push(Vec::new());
        self.edges.len() - 1
    }

    /// Adds the node behind state `from`; returns the state behind the node.
    fn add(&mut self, node: &Node, from: usize) -> Result<usize, String> {
        if self.edges.len() > FRAGMENTS_MAX {
            return Err(format!("more than {FRAGMENTS_MAX} fragments"));
        }
        let to = match node {
            Node::Empty => from,
            Node::Set(set) => self.link(from, |to| Edge::Over(set.clone(), to)),
            Node::Start => self.link(from, Edge::AtStart),
            Node::End => self.link(from, Edge::AtEnd),
            Node::Sequence(nodes) => {
                let mut at = from;
                for node in nodes {
                    at = self.add(node, at)?;
                }
                at
            }
            Node::Choice(nodes) => {
                let end = self.state();
                for node in nodes {
                    let begin = self.link(from, Edge::Free);
                    let last = self.add(node, begin)?;
                    self.edges[last].push(Edge::Free(end));
                }
                end
            }
            Node::Repeat(node, min, max) => self.repeat(node, *min, *max, from)?,
        };
        Ok(to)
    }

    fn repeat(&mut self, node: &Node, min: u32, max: Option<u32>, from: usize) -> Result<usize, String> {
        let mut at = from;
        for _ in 0..min {
            at = self.add(node, at)?;
        }
        let end = self.state();
        if let Some(max) = max {
            for _ in min..max {
                self.edges[at].push(Edge::Free(end));
                at = self.add(node, at)?;
            }
        } else {
            let begin = self.link(at, Edge::Free);
            let last = self.add(node, begin)?;
            self.edges[last].push(Edge::Free(begin));
            at = begin;
        }
        self.edges[at].push(Edge::Free(end));
        Ok(end)
    }

    fn link(&mut self, from: usize, edge: impl FnOnce(usize) -> Edge) -> usize {
        let to = self.state();
        self.edges[from].push(edge(to));
        to
    }

    fn closure(&self, set: BTreeSet<usize>, at_start: bool, at_end: bool) -> BTreeSet<usize> {
        let mut open: Vec<usize> = set.iter().copied().collect();
        let mut closed = set;
        while let Some(state) = open.pop() {
            for edge in &self.edges[state] {
                let to = match edge {
                    Edge::Free(to) => *to,
                    Edge::AtStart(to) if at_start => *to,
                    Edge::AtEnd(to) if at_end => *to,
                    _ => continue,
                };
                if closed.insert(to) {
                    open.push(to);
                }
            }
        }
        closed
    }

    fn step(&self, set: &BTreeSet<usize>, c: u32) -> BTreeSet<usize> {
        let edges = set.iter().flat_map(|state| &self.edges[*state]);
        edges
            .filter_map(|edge| match edge {
                Edge::Over(set, to) if contains(set, c) => Some(*to),
                _ => None,
            })
            .collect()
    }
}

/// Classes of characters that no edge tells apart: where each begins, and one sample of each.
fn classes(nfa: &Nfa) -> Result<(Ranges, Vec<u32>), String> {
    let sets: BTreeSet<&Set> = nfa
        .edges
        .iter()
        .flatten()
        .filter_map(|edge| match edge {
            Edge::Over(set, _) => Some(set),
            _ => None,
        })
        .collect();
    let cuts: BTreeSet<u32> = sets.iter().flat_map(|s| s.iter()).flat_map(|(start, end)| [*start, end + 1]).collect();
    let mut starts = Ranges::new();
    let mut samples = Vec::new();
    let mut known: HashMap<Vec<bool>, u8> = HashMap::new();
    for cut in [0].into_iter().chain(cuts.into_iter().filter(|c| (1..=0x10_FFFF).contains(c))) {
        let signature: Vec<bool> = sets.iter().map(|set| contains(set, cut)).collect();
        let count = u8::try_from(known.len()).map_err(|_| "too many classes of characters".to_owned())?;
        let class = *known.entry(signature).or_insert(count);
        if class == count {
            samples.push(cut);
        }
        if starts.last().is_none_or(|last| last.1 != class) {
            starts.push((cut, class));
        }
    }
    Ok((starts, samples))
}

fn contains(set: &Set, c: u32) -> bool {
    set.iter().any(|(start, end)| (*start..=*end).contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, matching: &[&str], other: &[&str]) {
        let automaton = Automaton::new(pattern).expect(pattern);
        for text in matching {
            assert!(automaton.matches(text), "{pattern} should match {text:?}");
        }
        for text in other {
            assert!(!automaton.matches(text), "{pattern} should not match {text:?}");
        }
    }

    #[test]
    fn matches_whole_strings() {
        check("[a-zA-Z0-9_.-]+", &["a", "A-b_c.9"], &["", "a b", "é"]);
        check("^(0|([1-9]\\d{0,3}))$", &["0", "9", "1234"], &["", "01", "12345", "-1", "٣"]);
        check(
            "a.*:\\d{2}:b/\\S+",
            &["a:12:b/c", "ax:1:34:b/é", "a:12:b/c:12:b/d"],
            &["a:12:b/", "a:123:b/c", "a\n:12:b/c"],
        );
        check("[^:*]*", &["", "a b", "é"], &[":", "a*"]);
        check("^ab$|^cd?$", &["ab", "c", "cd"], &["abcd", "d"]);
        check("(a|b){2,}?c{0}", &["ab", "bab"], &["a", "abc"]);
        check("[\\u0020-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF]", &[" ", "é", "\u{1F600}"], &["\n", "\u{FFFF}"]);
    }

    #[test]
    fn says_what_it_does_not_understand() {
        assert!(Automaton::new("(?!aws).*").is_err());
        assert!(Automaton::new("(a").is_err());
        assert!(Automaton::new("a{2,1}").is_err());
    }
}
