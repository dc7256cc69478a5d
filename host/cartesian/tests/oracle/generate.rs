//! Random configurations: small, mostly valid, and nasty.
//!
//! What the engine is documented to read otherwise than the reference (docs/src/language/differences.md, *What differs*) is never
//! made:
//!
//! - in filters and conditions: a condition with `(v=a)`, or with no label; an empty filter; `(v="")`; a `+` beside a label
//! - in variants: `variants:` without a variant, variants not deeper than `variants:`, `[default=a]` before the name of
//!   the block, hidden variants without a name or with a dot before it, letters that are none for Python
//! - where defaults are taken, a block in a variant of a block that is expanded in full ([`Place::expanded`])
//! - joins of more than two, several joins, joins in conditions ([`Generator::may_join`]); names of joins are not
//!   compared where blocks have names ([`Case::has_merged_names`])
//! - in values: an undefined `${u}` before another reference, `${_name_map_file}`
//! - patterns that are none, need look-around, or are the name of a key set just before
//! - bounds of the keys that the expansion sets, numbers in digits of other scripts, bounds that are no numbers together
//!   with joins
//! - a byte order mark, and includes in a circle
//!
//! [`Case::has_merged_names`]: crate::case::Case::has_merged_names

use crate::case::{Case, MAIN};
use crate::construct::{CONSTRUCTS, Construct};
use crate::dice::Dice;

/// Where statements stand.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Blanks before a statement.
    pub(crate) indent: usize,
    /// Variants blocks and conditions around.
    pub(crate) depth: usize,
    pub(crate) condition: bool,
    /// In a file that is included, or on the command line.
    pub(crate) included: bool,
    /// In the last block, with no statement after it.
    pub(crate) last: bool,
    /// In a block that is expanded although the defaults are taken.
    pub(crate) expanded: bool,
}

impl Place {
    const ROOT: Self = Self {
        indent: 0,
        depth: 0,
        condition: false,
        included: false,
        last: false,
        expanded: false,
    };
}

/// Makes the text of one case.
pub(crate) struct Generator {
    pub(crate) dice: Dice,
    /// The constructs that this case may use.
    active: Vec<Construct>,
    pub(crate) labels: Vec<&'static str>,
    pub(crate) blocks: Vec<&'static str>,
    pub(crate) keys: Vec<&'static str>,
    pub(crate) case: Case,
    pub(crate) out: String,
    /// The directory of the file being made, with `/` at its end.
    pub(crate) directory: &'static str,
    /// Blocks of variants that may still be made.
    pub(crate) forks_left: usize,
    /// Names of the variants so far.
    pub(crate) declared: Vec<String>,
    /// A suffix or a join was made.
    pub(crate) suffixed: bool,
    /// A join was made.
    pub(crate) joined: bool,
}

/// The case of this number of a run, without some constructs.
pub(crate) fn generate(seed: u64, index: u64, without: &[Construct]) -> Case {
    let mut dice = Dice::new(seed, index);
    let mut active = Vec::new();
    for (construct, _, percent) in CONSTRUCTS {
        // Rolled in any case: leaving one out shall change the others as little as possible.
        if dice.percent(*percent) && !without.contains(construct) {
            active.push(*construct);
        }
    }
    settle(&mut active);
    let mut generator = Generator {
        dice,
        active,
        labels: Vec::new(),
        blocks: Vec::new(),
        keys: Vec::new(),
        case: Case::default(),
        out: String::new(),
        directory: "",
        forks_left: 5,
        declared: Vec::new(),
        suffixed: false,
        joined: false,
    };
    generator.vocabulary();
    generator.main();
    generator.case
}

/// Takes out what would bring in other constructs that are not among these.
fn settle(active: &mut Vec<Construct>) {
    let has = |construct| active.contains(&construct);
    let suffix = has(Construct::Suffix) && !has(Construct::SuffixInCondition);
    let join = has(Construct::Join);
    let alike = has(Construct::Join) && !has(Construct::JoinAlike);
    // A line that stands too deep may come to stand in the condition before it.
    if suffix || join {
        active.retain(|construct| *construct != Construct::OddIndentation);
    }
    // The reference looks at the numbers of a variant to be joined even if there is none to join it with.
    if join {
        active.retain(|construct| *construct != Construct::OddBounds);
    }
    if alike {
        let alike = [
            Construct::Named,
            Construct::Default,
            Construct::DottedName,
            Construct::RepeatedLabel,
        ];
        active.retain(|construct| !alike.contains(construct));
    }
}

impl Generator {
    /// May this case use the construct, and does it here?
    pub(crate) fn uses(&mut self, construct: Construct, percent: usize) -> bool {
        self.dice.percent(percent) && self.active.contains(&construct)
    }

    /// Does this case use the construct at all?
    pub(crate) fn has(&self, construct: Construct) -> bool {
        self.active.contains(&construct)
    }

    fn main(&mut self) {
        if self.has(Construct::Default) {
            self.case.defaults = self.dice.percent(60);
            if self.case.defaults && self.has(Construct::Expand) {
                let name = self.dice.pick(&self.blocks).to_owned();
                self.case.expand.push(name);
            }
        }
        let root = Place::ROOT;
        self.statements(root, 0, 3);
        let count = self.dice.between(1, 3);
        let ends = self.has(Construct::Suffix) && !self.has(Construct::AfterSuffix);
        for at in 1..=count {
            let last = at == count && ends;
            self.variants(Place { last, ..root });
            if !last {
                self.statements(root, 0, 3);
            }
        }
        let text = std::mem::take(&mut self.out);
        self.case.files.insert(MAIN.to_owned(), text);
        // A suffix in the file does not reach the command line, and one on a line does not reach the next.
        let ended = self.has(Construct::Suffix)
            && !(self.has(Construct::SuffixInInclude) && self.has(Construct::AfterSuffix));
        let lines = [0, 0, 0, 1, 1, 2][self.dice.below(6)];
        for _ in 0..if ended { 0 } else { lines } {
            let line = self.command_line();
            self.case.lines.push(line);
        }
    }

    /// A line of the command line.
    fn command_line(&mut self) -> String {
        match self.dice.below(10) {
            0..=2 => self.assignment(),
            3 if self.has(Construct::OneLine) => {
                format!("{} {}", self.condition_head(), self.assignment())
            }
            4 if self.has(Construct::Suffix) => self.suffix(),
            5 if self.may_join(Place::ROOT) => self.join(),
            _ => self.simple_statement(),
        }
    }

    /// Writes the line of a statement, now and then not quite where it belongs.
    pub(crate) fn line(&mut self, indent: usize, text: &str) {
        let mut indent = indent;
        if self.uses(Construct::OddIndentation, 12) {
            indent = (indent + self.dice.between(0, 4)).saturating_sub(2);
        }
        self.exact_line(indent, text);
    }

    /// Writes one line, with tabs and blanks as they come.
    pub(crate) fn exact_line(&mut self, indent: usize, text: &str) {
        if self.dice.percent(4) {
            let comment = ["", "   ", "# k = 1", "        # - a:", "// only x"];
            self.out.push_str(self.dice.pick(&comment));
            self.out.push('\n');
        }
        let mut left = indent;
        while left >= 8 && self.uses(Construct::Tabs, 60) {
            self.out.push('\t');
            left -= 8;
        }
        self.out.extend(std::iter::repeat_n(' ', left));
        if self.uses(Construct::Typo, 10) {
            let text = self.typo(text);
            self.out.push_str(&text);
        } else {
            self.out.push_str(text);
        }
        if self.dice.percent(3) {
            self.out.push_str("  ");
        }
        let breaks = [
            "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\u{85}", "\u{2028}", "\u{2029}",
        ];
        let line_break = match self.uses(Construct::LineBreaks, 20) {
            true => self.dice.pick(&breaks),
            false => "\n",
        };
        self.out.push_str(line_break);
    }
}
