//! Statements and blocks of the random configurations.

use crate::construct::Construct;
use crate::generate::{Generator, Place};

/// Lines that are no statement.
const MISTAKES: &[&str] = &[
    "a b",
    "- a:",
    "only",
    "only a b)",
    "del",
    "variants",
    "only a...b",
    "only .a",
    "suffix",
    "no a*",
    "del k l",
    "!a",
    "variants v w:",
    "join",
    "include",
    "variants [default]:",
    "only (v=a",
    "only (v=a.b)",
    "a b: k = 1",
    "suffix _s # text",
    "variants v [default=]: k = 1",
    "a: -b: k = 1",
    "(a",
    "k:",
    "variants v:\n    - a..:\n    - .b:",
];

impl Generator {
    /// How much deeper the body of a block stands.
    fn step(&mut self) -> usize {
        let steps: &[usize] = if self.has(Construct::Tabs) {
            &[8, 4]
        } else {
            &[4, 2, 1, 3]
        };
        self.dice.pick(steps)
    }

    pub(crate) fn statements(&mut self, place: Place, least: usize, most: usize) {
        for _ in 0..self.dice.between(least, most) {
            self.statement(place);
        }
    }

    pub(crate) fn statement(&mut self, place: Place) {
        match self.dice.below(20) {
            0..=8 => {
                let text = self.assignment();
                self.line(place.indent, &text);
            }
            9..=10 => {
                let text = self.simple_statement();
                self.line(place.indent, &text);
            }
            11..=13 if place.depth < 4 => self.condition(place),
            14 if place.depth < 3 => self.variants(place),
            15 if place.depth < 4 && self.has(Construct::Include) => self.include(place),
            16..=17 if self.may_suffix(place) => {
                let text = self.suffix();
                self.line(place.indent, &text);
            }
            18 if self.may_join(place) => {
                let text = self.join();
                self.line(place.indent, &text);
            }
            19 if self.uses(Construct::DashOutside, 50) => self.line(place.indent, "-a: k = 1"),
            19 if self.uses(Construct::Mistake, 20) => {
                let text = self.dice.pick(MISTAKES);
                self.line(place.indent, text);
            }
            _ => {}
        }
    }

    /// A statement that is no block.
    pub(crate) fn simple_statement(&mut self) -> String {
        let filtered = !self.case.defaults || self.has(Construct::DefaultRejected);
        let keyword = match self.dice.below(5) {
            _ if !filtered => return self.assignment(),
            0..=1 => "only",
            2..=3 => "no",
            _ => {
                let key = self.dice.pick(&self.keys);
                if !self.suffixed || self.uses(Construct::DelSuffixed, 100) {
                    return format!("del {}", key.split(['.', ' ']).next().unwrap_or(key));
                }
                return self.assignment();
            }
        };
        let blanks = if self.dice.percent(5) { "  " } else { " " };
        let filter = self.filter(keyword == "only");
        let comment = if self.dice.percent(3) { " # text" } else { "" };
        format!("{keyword}{blanks}{filter}{comment}")
    }

    fn may_suffix(&self, place: Place) -> bool {
        self.has(Construct::Suffix)
            && (self.has(Construct::AfterSuffix) || place.last && place.depth == 1)
            && (!place.condition || self.has(Construct::SuffixInCondition))
            && (!place.included || self.has(Construct::SuffixInInclude))
    }

    pub(crate) fn suffix(&mut self) -> String {
        self.suffixed = true;
        format!("suffix {}", self.dice.pick(&["_s", "_t", "_s_t", "x"]))
    }

    pub(crate) fn may_join(&self, place: Place) -> bool {
        let filtered = !self.case.defaults || self.has(Construct::DefaultRejected);
        // The reference goes astray where one join meets another, and where one has more than two filters.
        self.has(Construct::Join) && filtered && !place.condition && !self.joined
    }

    pub(crate) fn join(&mut self) -> String {
        self.suffixed = true;
        self.joined = true;
        let mut filters = Vec::new();
        for _ in 0..self.dice.between(1, 2) {
            // Mostly of one label that there is, so that it selects something.
            filters.push(match self.dice.percent(75) && !self.declared.is_empty() {
                true => self.declared[self.dice.below(self.declared.len())].clone(),
                false => self.alternative(30),
            });
        }
        format!("join {}", filters.join(" "))
    }

    fn condition(&mut self, place: Place) {
        let mut head = self.condition_head();
        let inner = Place {
            indent: place.indent + self.step(),
            depth: place.depth + 1,
            condition: true,
            ..place
        };
        if self.uses(Construct::CommentAfterCondition, 50) {
            head.push_str(self.dice.pick(&[" # text", " # k = 1", "# text"]));
        } else if self.uses(Construct::OneLine, 50) {
            if self.uses(Construct::OneLineNested, 50) {
                head = format!("{head} {}", self.condition_head());
            }
            let rest = match self.dice.below(3) {
                0 => self.simple_statement(),
                _ => self.assignment(),
            };
            head = format!("{head}{}{rest}", self.dice.pick(&[" ", "", "   "]));
            self.line(place.indent, &head);
            if self.dice.percent(70) {
                return;
            }
            return self.statements(inner, 1, 2);
        }
        self.line(place.indent, &head);
        self.statements(inner, 1, 3);
    }

    fn include(&mut self, place: Place) {
        let (path, directory) = self.dice.pick(&[
            ("b.cfg", ""),
            ("d/c.cfg", "d/"),
            ("d/in.cfg", "d/"),
            ("d/b.cfg", "d/"),
        ]);
        let up = if self.directory.is_empty() || directory == self.directory {
            ""
        } else {
            "../"
        };
        let shown = if directory == self.directory {
            path.rsplit('/').next().unwrap_or(path).to_owned()
        } else {
            format!("{up}{path}")
        };
        // One that is there is complete or still empty: the latter would be a circle. What is fit for variants is not
        // always fit for a condition; there is one join at most, and no block in one that is expanded.
        let begun = self.case.files.insert(path.to_owned(), String::new());
        match begun {
            Some(text)
                if text.is_empty()
                    || place.condition
                    || text.contains("join ")
                    || place.expanded && text.contains("variants") =>
            {
                self.case.files.insert(path.to_owned(), text);
                return;
            }
            Some(text) => {
                self.case.files.insert(path.to_owned(), text);
            }
            None => {
                let outer = std::mem::take(&mut self.out);
                let outer_directory = std::mem::replace(&mut self.directory, directory);
                let inner = Place {
                    indent: 0,
                    included: true,
                    ..place
                };
                self.statements(inner, 1, 3);
                self.line(0, "k = included");
                self.directory = outer_directory;
                let text = std::mem::replace(&mut self.out, outer);
                self.case.files.insert(path.to_owned(), text);
            }
        }
        self.line(place.indent, &format!("include {shown}"));
    }

    pub(crate) fn variants(&mut self, place: Place) {
        if self.forks_left == 0 || place.condition {
            return;
        }
        if place.expanded {
            return;
        }
        self.forks_left -= 1;
        let named = self
            .uses(Construct::Named, 60)
            .then(|| self.dice.pick(&self.blocks));
        let names = self.variant_names();
        self.declared
            .extend(names.iter().filter(|name| !name.contains("..")).cloned());
        let header = self.variants_header(named, &names);
        self.exact_line(place.indent, &header);
        let expanded = named.is_some_and(|name| self.case.expand.iter().any(|other| other == name));
        let odd = self.uses(Construct::OddVariants, 60);
        let indent = place.indent + self.step();
        // Joins may stand in several variants of one block, which never meet.
        let joined_before = self.joined;
        let mut joined = self.joined;
        for name in names {
            self.joined = joined_before;
            let at = if odd {
                indent + self.dice.below(3)
            } else {
                indent
            };
            let at_sign = if self.uses(Construct::Default, 30) {
                "@"
            } else {
                ""
            };
            let mut blank = self.dice.pick(&[" ", " ", " ", "", "   "]);
            if self.has(Construct::OddIndentation) && !self.has(Construct::DashOutside) {
                blank = " ";
            }
            let dependencies = match self.uses(Construct::Dependencies, 40) {
                true => format!(" {}", self.filter(false)),
                false => String::new(),
            };
            self.exact_line(at, &format!("-{blank}{at_sign}{name}:{dependencies}"));
            let inner = Place {
                indent: indent + self.step(),
                depth: place.depth + 1,
                expanded,
                ..place
            };
            self.statements(inner, 0, 3);
            joined |= self.joined;
        }
        self.joined = joined;
    }
}
