//! The regular expressions of the models, parsed. A small part of Java's language: no look-around, no references.

/// Inclusive ranges of characters, sorted and apart.
pub type Set = Vec<(u32, u32)>;

const CHAR_MAX: u32 = 0x10_FFFF;
/// Repetition counts beyond this are not compiled.
const REPEAT_MAX: u32 = 4096;

#[derive(Debug, Clone)]
pub enum Node {
    Empty,
    Set(Set),
    /// `^`
    Start,
    /// `$`
    End,
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    /// At least, at most.
    Repeat(Box<Node>, u32, Option<u32>),
}

/// Parses the expression, or says what of it is not understood.
pub fn parse(pattern: &str) -> Result<Node, String> {
    let mut parser = Parser { text: pattern.chars().collect(), at: 0 };
    let node = parser.choice()?;
    if parser.at < parser.text.len() { Err(parser.fail("an unbalanced parenthesis")) } else { Ok(node) }
}

struct Parser {
    text: Vec<char>,
    at: usize,
}

impl Parser {
    fn fail(&self, what: &str) -> String {
        format!("{what} at {}", self.at)
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        self.at += usize::from(found);
        found
    }

    fn choice(&mut self) -> Result<Node, String> {
        let mut branches = vec![self.sequence()?];
        while self.eat('|') {
            branches.push(self.sequence()?);
        }
        Ok(if branches.len() == 1 { branches.remove(0) } else { Node::Choice(branches) })
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let mut nodes = Vec::new();
        while let Some(c) = self.peek() {
            if c == '|' || c == ')' {
                break;
            }
            let node = self.atom()?;
            nodes.push(self.repeated(node)?);
        }
        Ok(if nodes.is_empty() { Node::Empty } else { Node::Sequence(nodes) })
    }

    fn repeated(&mut self, mut node: Node) -> Result<Node, String> {
        loop {
            let (min, max) = match self.peek() {
                Some('*') => (0, None),
                Some('+') => (1, None),
                Some('?') => (0, Some(1)),
                Some('{') => {
                    let (min, max) = self.counts()?;
                    node = Node::Repeat(Box::new(node), min, max);
                    self.eat('?');
                    continue;
                }
                _ => return Ok(node),
            };
            self.at += 1;
            // Lazy and possessive forms match the same whole strings, as far as the models use them.
            if !self.eat('?') {
                self.eat('+');
            }
            node = Node::Repeat(Box::new(node), min, max);
        }
    }

    fn counts(&mut self) -> Result<(u32, Option<u32>), String> {
        self.at += 1;
        let min = self.number()?.unwrap_or(0);
        let max = if self.eat(',') { self.number()? } else { Some(min) };
        if !self.eat('}') || min > REPEAT_MAX || max.is_some_and(|m| m > REPEAT_MAX || m < min) {
            return Err(self.fail("a repetition"));
        }
        Ok((min, max))
    }

    fn number(&mut self) -> Result<Option<u32>, String> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let digits: String = self.text[start..self.at].iter().collect();
        if digits.is_empty() {
            return Ok(None);
        }
        digits.parse().map(Some).map_err(|_| self.fail("a number"))
    }

    fn atom(&mut self) -> Result<Node, String> {
        let c = self.peek().expect("the caller has looked");
        self.at += 1;
        match c {
            '(' => self.group(),
            '[' => self.class().map(Node::Set),
            '.' => Ok(Node::Set(invert(&union(vec![(10, 10), (13, 13), (0x85, 0x85), (0x2028, 0x2029)])))),
            '^' => Ok(Node::Start),
            '$' => Ok(Node::End),
            '\\' if self.eat('A') => Ok(Node::Start),
            '\\' if self.eat('z') || self.eat('Z') => Ok(Node::End),
            '\\' => self.escape().map(Node::Set),
            '*' | '+' | '?' => Err(self.fail("a repetition of nothing")),
            c => Ok(Node::Set(vec![(c as u32, c as u32)])),
        }
    }

    fn group(&mut self) -> Result<Node, String> {
        if self.eat('?') && !self.eat(':') {
            return Err(self.fail("a group with a flag or look-around"));
        }
        let node = self.choice()?;
        if self.eat(')') { Ok(node) } else { Err(self.fail("an open group")) }
    }

    fn class(&mut self) -> Result<Set, String> {
        let negated = self.eat('^');
        let mut set = Vec::new();
        let mut first = true;
        loop {
            let c = self.peek().ok_or_else(|| self.fail("an open class"))?;
            if c == ']' && !first {
                self.at += 1;
                break;
            }
            first = false;
            if c == '&' && self.text.get(self.at + 1) == Some(&'&') {
                return Err(self.fail("an intersection"));
            }
            self.at += 1;
            let item = match c {
                '[' => self.class()?,
                '\\' => self.escape()?,
                c => vec![(c as u32, c as u32)],
            };
            set.extend(self.range_from(item)?);
        }
        let set = union(set);
        Ok(if negated { invert(&set) } else { set })
    }

    /// `item`, or the range that it begins.
    fn range_from(&mut self, item: Set) -> Result<Set, String> {
        let is_range =
            self.peek() == Some('-') && !matches!(self.text.get(self.at + 1), None | Some(']' | '[')) && is_one(&item);
        if !is_range {
            return Ok(item);
        }
        self.at += 1;
        let c = self.peek().expect("looked at above");
        self.at += 1;
        let end = if c == '\\' { self.escape()? } else { vec![(c as u32, c as u32)] };
        if !is_one(&end) || end[0].0 < item[0].0 {
            return Err(self.fail("a range"));
        }
        Ok(vec![(item[0].0, end[0].0)])
    }

    fn escape(&mut self) -> Result<Set, String> {
        let c = self.peek().ok_or_else(|| self.fail("a trailing backslash"))?;
        self.at += 1;
        let one = |c: u32| vec![(c, c)];
        let digits = vec![(48, 57)];
        let word = vec![(48, 57), (65, 90), (95, 95), (97, 122)];
        let space = vec![(9, 13), (32, 32)];
        Ok(match c {
            'd' => digits,
            'D' => invert(&digits),
            'w' => word,
            'W' => invert(&word),
            's' => space,
            'S' => invert(&space),
            'n' => one(10),
            'r' => one(13),
            't' => one(9),
            'u' => one(self.unicode()?),
            'x' if self.eat('{') => {
                let digits = self.text[self.at..].iter().take_while(|c| **c != '}').count();
                let value = self.hex(digits)?;
                self.at += 1;
                one(value)
            }
            'x' => one(self.hex(2)?),
            'p' | 'P' => self.property(c == 'P')?,
            c if c.is_ascii_alphanumeric() => return Err(self.fail("an escape")),
            c => one(c as u32),
        })
    }

    /// A code point behind `\u`; beyond the first plane it is written as two surrogates.
    fn unicode(&mut self) -> Result<u32, String> {
        let high = self.hex(4)?;
        if !(0xD800..0xDC00).contains(&high) || self.text.get(self.at..self.at + 2) != Some(&['\\', 'u']) {
            return Ok(high);
        }
        self.at += 2;
        let low = self.hex(4)?;
        if (0xDC00..0xE000).contains(&low) {
            Ok(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))
        } else {
            Err(self.fail("a lone surrogate"))
        }
    }

    fn hex(&mut self, digits: usize) -> Result<u32, String> {
        let text: String = self.text.iter().skip(self.at).take(digits).collect();
        self.at += digits;
        let value = u32::from_str_radix(&text, 16).map_err(|_| self.fail("a code point"))?;
        if value > CHAR_MAX { Err(self.fail("a code point")) } else { Ok(value) }
    }

    /// Unicode categories, as far as the standard library can tell them.
    fn property(&mut self, negated: bool) -> Result<Set, String> {
        let name: String = if self.eat('{') {
            let name: String = self.text[self.at..].iter().take_while(|c| **c != '}').collect();
            self.at += name.chars().count() + 1;
            name
        } else {
            self.at += 1;
            self.text[self.at - 1..self.at].iter().collect()
        };
        let holds: fn(char) -> bool = match name.trim_start_matches("Is") {
            "L" => char::is_alphabetic,
            "N" => char::is_numeric,
            "Z" => |c| c.is_whitespace() && !c.is_control(),
            "ASCII" => |c| c.is_ascii(),
            "Alnum" => |c| c.is_ascii_alphanumeric(),
            "Graph" => |c| c.is_ascii_graphic(),
            "Print" => |c| c.is_ascii_graphic() || c == ' ',
            _ => return Err(self.fail("a character property")),
        };
        let set = union(
            (0..=CHAR_MAX).filter_map(char::from_u32).filter(|c| holds(*c)).map(|c| (c as u32, c as u32)).collect(),
        );
        Ok(if negated { invert(&set) } else { set })
    }
}

fn is_one(set: &Set) -> bool {
    set.len() == 1 && set[0].0 == set[0].1
}

/// Sorts and joins ranges.
fn union(mut ranges: Set) -> Set {
    ranges.sort_unstable();
    let mut joined: Set = Vec::new();
    for (start, end) in ranges {
        match joined.last_mut() {
            Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}

fn invert(set: &Set) -> Set {
    let mut outside = Vec::new();
    let mut next = 0;
    for &(start, end) in set {
        if start > next {
            outside.push((next, start - 1));
        }
        next = end + 1;
    }
    if next <= CHAR_MAX {
        outside.push((next, CHAR_MAX));
    }
    outside
}
