//! Patterns of the models as tables: `cargo xtask codegen` turns each regular expression into a deterministic
//! automaton, so that a match costs one look-up per character and can never explode.

/// One regular expression that must match a whole string.
#[derive(Debug)]
pub struct Pattern {
    text: &'static str,
    /// Class of each ASCII character.
    ascii: [u8; 128],
    /// The characters with which ranges begin, ascending from 0; a range reaches to the next one.
    starts: &'static [u32],
    /// The class of each range.
    range_classes: &'static [u8],
    classes: usize,
    /// `next[state * classes + class]` is one more than the state that follows, or [`DEAD`]. State 0 begins.
    next: &'static [u16],
    /// The states in which a string may end.
    accepting: &'static [u16],
}

/// No string with this beginning matches.
const DEAD: u16 = 0;

impl Pattern {
    /// Called by generated code.
    #[must_use]
    pub const fn new(
        text: &'static str,
        starts: &'static [u32],
        range_classes: &'static [u8],
        classes: usize,
        next: &'static [u16],
        accepting: &'static [u16],
    ) -> Self {
        let mut ascii = [0; 128];
        let mut range = 0;
        let mut c = 0;
        while c < 128 {
            while range + 1 < starts.len() && starts[range + 1] as usize <= c {
                range += 1;
            }
            ascii[c] = range_classes[range];
            c += 1;
        }
        Self { text, ascii, starts, range_classes, classes, next, accepting }
    }

    /// The regular expression as the model writes it.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// Whether the whole string matches.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        let mut state = 0_u16;
        for c in value.chars() {
            let class = self.ascii.get(c as usize).copied().unwrap_or_else(|| self.wide(c));
            let next = self.next[usize::from(state) * self.classes + usize::from(class)];
            if next == DEAD {
                return false;
            }
            state = next - 1;
        }
        self.accepting.contains(&state)
    }

    fn wide(&self, c: char) -> u8 {
        let after = self.starts.partition_point(|start| *start <= u32::from(c));
        self.range_classes[after - 1]
    }
}
