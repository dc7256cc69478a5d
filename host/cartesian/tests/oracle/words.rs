//! The small parts of a configuration: names, filters, keys, values.

use crate::construct::Construct;
use crate::generate::Generator;

impl Generator {
    /// Few names, so that they meet.
    pub(crate) fn vocabulary(&mut self) {
        self.labels = vec!["a", "b", "c", "d"];
        let alike = !self.has(Construct::Join) || self.has(Construct::JoinAlike);
        for label in ["x", "a-b", "a_b", "14", "only", "A", "ab"] {
            if self.dice.percent(25) && (alike || !label.starts_with('a')) {
                self.labels.push(label);
            }
        }
        self.blocks = vec!["v", "w", "name"];
        self.keys = vec!["k", "ka", "kb", "k.c", "a", "v"];
        for key in ["k b", "only_k", "w", "name", "dep", "shortname", "K"] {
            if self.dice.percent(15) {
                self.keys.push(key);
            }
        }
        if self.has(Construct::Unicode) {
            self.labels.extend(["é", "日本"]);
            self.blocks.push("ž");
            self.keys.push("klíč");
        }
        if self.has(Construct::SuffixCollision) {
            self.keys.extend(["k_s", "k_t", "k_s_t", "kx"]);
        }
    }

    pub(crate) fn label(&mut self) -> String {
        self.dice.pick(&self.labels).to_owned()
    }

    /// The names of the variants of one block.
    pub(crate) fn variant_names(&mut self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for _ in 0..[1, 2, 2, 2, 3, 3][self.dice.below(6)] {
            let mut name = self.label();
            if self.uses(Construct::DoublyDottedName, 30) {
                name = self.dice.pick(&["a..b", "a...b", "a."]).to_string();
            } else if self.uses(Construct::DottedName, 40) {
                name = format!("{name}.{}", self.label());
                if self.dice.percent(20) {
                    name = format!("{name}.{}", self.label());
                }
            }
            if !names.contains(&name) || self.uses(Construct::RepeatedLabel, 60) {
                names.push(name);
            }
        }
        names
    }

    /// The line with one character changed, but for those changes that lead to where this engine is known to differ.
    pub(crate) fn typo(&mut self, line: &str) -> String {
        let changed = self.changed(line);
        let number = self.has(Construct::Join) && line.starts_with(['m', 'n']);
        if is_typo_known(&changed)
            || line.starts_with("variants")
            || line.starts_with("join")
            || number
        {
            return line.to_owned();
        }
        changed
    }

    fn changed(&mut self, line: &str) -> String {
        let mut line: Vec<char> = line.chars().collect();
        let at = self.dice.below(line.len().max(1)).min(line.len());
        let other = self.dice.pick(&[
            ' ', ' ', '.', '.', ',', ':', '-', '#', '(', ')', '[', ']', '=', '!', '@', 'a', '1',
            '_', '/', '*', '$',
        ]);
        match self.dice.below(3) {
            0 => line.insert(at, other),
            1 if at < line.len() => line[at] = other,
            _ if at < line.len() => drop(line.remove(at)),
            _ => {}
        }
        line.into_iter().collect()
    }

    /// `variants v [default=x]:`
    pub(crate) fn variants_header(&mut self, block: Option<&str>, names: &[String]) -> String {
        let mut header = "variants".to_owned();
        if let Some(block) = block {
            header.push_str(&format!(" {block}"));
        }
        if self.uses(Construct::Default, 50) {
            let name = names[self.dice.below(names.len())].clone();
            // The reference compares only as many parts as both have.
            let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
            let alike = names
                .iter()
                .filter(|other| first(other) == first(&name))
                .count()
                > 1;
            let shown = match self.has(Construct::DefaultPrefix) {
                true if self.dice.percent(30) => Some(first(&name)),
                true if self.dice.percent(40) => {
                    let odd = [
                        "",
                        "a b",
                        "a.",
                        "a..b",
                        "a.b.c",
                        "a] [default=b",
                        "b] [default=",
                    ];
                    Some(self.dice.pick(&odd).to_string())
                }
                true => Some(name),
                false => (!alike && !name.contains("..") && !name.ends_with('.')).then_some(name),
            };
            if let Some(shown) = shown {
                let quote = if self.uses(Construct::QuotedLabel, 40) {
                    "\""
                } else {
                    ""
                };
                let blank = if self.dice.percent(10) { " " } else { "" };
                header.push_str(&format!(" [default{blank}={blank}{quote}{shown}{quote}]"));
            }
        }
        if self.dice.percent(8) && header != "variants" {
            header.push_str(self.dice.pick(&[
                " [note]",
                " [note=x]",
                " [note = x y]",
                "[note]",
                " [note=]",
            ]));
        }
        header.push_str(self.dice.pick(&[":", ":", ":", ":", ": ", ": # text"]));
        header
    }

    /// The operand of `only`, `no`, and of dependencies; a wide one leaves more.
    pub(crate) fn filter(&mut self, wide: bool) -> String {
        let least = if wide { 2 } else { 1 };
        let count = self.dice.between(least, least + 2);
        let mut filter = self.alternative(if wide { 20 } else { 40 });
        for _ in 1..count {
            let separator = match self.uses(Construct::BlankBeforeComma, 30) {
                true => self.dice.pick(&[" ,", " , ", ",,"]),
                false => self.dice.pick(&[", ", " ", ",", "   "]),
            };
            filter = format!("{filter}{separator}{}", self.alternative(40));
        }
        if self.uses(Construct::TrailingDots, 30) {
            filter.push_str(self.dice.pick(&[".", "..", "...", " .", ",", ", "]));
        }
        filter
    }

    /// What must all match; `percent` for each further group.
    pub(crate) fn alternative(&mut self, percent: usize) -> String {
        let mut alternative = self.row();
        while self.dice.percent(percent) {
            alternative = format!("{alternative}..{}", self.row());
        }
        alternative
    }

    fn row(&mut self) -> String {
        let mut row = self.filter_label();
        while self.dice.percent(22) {
            row = format!("{row}.{}", self.filter_label());
        }
        row
    }

    fn filter_label(&mut self) -> String {
        let label = self.label();
        if self.uses(Construct::Named, 30) {
            let block = self.dice.pick(&self.blocks);
            if self.uses(Construct::QuotedLabel, 50) {
                let quoted = ["'a'", "\"a\"", "\"a.b\""];
                return format!("({block}={})", self.dice.pick(&quoted));
            }
            return match self.dice.below(10) {
                0 => format!("( {block} = {label} )"),
                2 => format!("({label})"),
                _ => format!("({block}={label})"),
            };
        }
        label
    }

    /// A condition up to its colon, without `=`.
    pub(crate) fn condition_head(&mut self) -> String {
        let row = |generator: &mut Self| {
            let mut row = generator.label();
            if generator.dice.percent(25) {
                row = format!("{row}.{}", generator.label());
            }
            row
        };
        let mut head = row(self);
        for _ in 0..[0, 0, 0, 1, 1, 2][self.dice.below(6)] {
            let separator = self.dice.pick(&["..", "..", " .. ", ",", ", ", " , "]);
            head = format!("{head}{separator}{}", row(self));
        }
        if self.uses(Construct::TrailingDots, 30) {
            head.push_str("..");
        }
        let negation = self.dice.pick(&["", "", "", "!", "! "]);
        format!("{negation}{head}:")
    }

    /// `key = value`, with any operator.
    pub(crate) fn assignment(&mut self) -> String {
        let renamed = self.has(Construct::Suffix) || self.has(Construct::Join);
        if self.uses(Construct::Bounds, 40) && (!renamed || self.has(Construct::BoundsAcross)) {
            return self.bound();
        }
        let value = self.value();
        let blank = self.dice.pick(&[" ", " ", " ", "", "  "]);
        if self.uses(Construct::Patterns, 30) {
            let operator = self.dice.pick(&["?=", "?+=", "?<="]);
            let pattern = self.pattern();
            let value = match value.contains("${") && !self.has(Construct::PatternSubstitution) {
                true => "x".to_owned(),
                false => value,
            };
            // A blank keeps the operator from growing into the pattern.
            return format!(
                "{pattern} {operator}{blank}{}",
                value.trim_start_matches(':')
            );
        }
        let operator = self.dice.pick(&["=", "=", "=", "=", "+=", "<=", "~="]);
        let key = self.dice.pick(&self.keys);
        if self.uses(Construct::ColonAfterOperator, 30) {
            return format!("{key} {operator}:{value}");
        }
        format!("{key}{blank}{operator}{blank}{value}")
    }

    fn pattern(&mut self) -> String {
        if self.uses(Construct::Alternation, 40) {
            let alternations = ["k|a", "ka|b", "(k|a)b?", "(ka|kb)", "x|k."];
            return self.dice.pick(&alternations).to_string();
        }
        if self.dice.percent(30) {
            return self.dice.pick(&self.keys).to_owned();
        }
        self.dice
            .pick(&[
                "k.", "k.*", ".*_s", "[kv].*", "k\\w", ".*", "k[^ab]?", "k.?c", ".*s.*", "^k.$",
            ])
            .to_string()
    }

    /// Numbers with bounds: all of them numbers, or the reference gives up.
    fn bound(&mut self) -> String {
        if self.uses(Construct::OddBounds, 40) {
            let odd = [
                "m_max_max = 1",
                "m_min_fixed = 3",
                "_max = 5",
                "m_max = 1_000",
                "m_min = 99999999999999999999",
                "m_max = 9007199254740992",
                "m = 9007199254740993",
                "m = +5",
                "m_min = -3",
                "m_max = 0x10",
                "m_fixed =",
                "m_max = infM",
                "m_min = 1e3M",
                "m_max = many",
            ];
            return self.dice.pick(&odd).to_string();
        }
        let key = self
            .dice
            .pick(&["m", "m", "n", "m_min", "m_max", "m_fixed", "n_min", "n_max"]);
        // Two of these one after the other are no number.
        let append = if self.has(Construct::Join) { "=" } else { "+=" };
        let operator = self.dice.pick(&["=", "=", "=", "=", "~=", append]);
        let number = self.dice.pick(&[
            "1", "5", "10", "1024", "1G", "2048M", "1.5G", "0.5k", "2t", "007",
        ]);
        format!("{key} {operator} {number}")
    }

    fn value(&mut self) -> String {
        if self.uses(Construct::Substitution, 40) {
            return self.substitution();
        }
        self.dice
            .pick(&[
                "1",
                "2",
                "x",
                "y",
                "z w",
                "",
                "\"quoted\"",
                "'single'",
                "\" led and trailed \"",
                "\"open",
                "\"",
                "\"in \"q\" side\"",
                "'mixed\"",
                "a = b",
                "x:y",
                "1 # no comment",
                "// none",
                "a\tb",
                "$x",
                "${",
                "é",
                "= 3",
                "\"\"",
                "only a",
                "$",
            ])
            .to_string()
    }

    /// A value with references; one that may be undefined stands last.
    fn substitution(&mut self) -> String {
        let mut value = String::new();
        for _ in 0..self.dice.below(3) {
            value.push_str(self.dice.pick(&["x", "${name}", "${shortname}", "-", "$"]));
        }
        let key = match self.dice.below(8) {
            0 => "dep",
            1 => "name",
            2 => "k_s",
            _ => self.dice.pick(&self.keys),
        };
        let end = self.dice.pick(&["", "", "/", " z"]);
        let quote = self.dice.pick(&["", "", "", "\"", "'"]);
        format!("{quote}{value}${{{key}}}{end}{quote}")
    }
}

/// Is it a mistake that the reference takes, or refuses only where it meets it?
fn is_typo_known(line: &str) -> bool {
    let is = |text: &str, found: &[char], next: &dyn Fn(&str) -> bool| {
        let mut after = text.match_indices(found);
        after.any(|(at, found)| next(&text[at + found.len()..]))
    };
    let word = line.split('#').next().unwrap_or_default().trim();
    // Patterns, and references to keys there are not.
    line.contains('?')
        || line.contains("${")
        || is(line, &['!'], &|rest| rest.trim_start().starts_with(':'))
        // `a+:`
        || is(line, &['+', '<', '~'], &|rest| !rest.starts_with('='))
        // `only #`
        || matches!(word, "only" | "no")
        // `- @:` and `- @.a:`
        || is(line, &['@'], &|rest| !rest.starts_with(char::is_alphanumeric))
        // `a .b` and `a,.b`
        || is(line, &[' ', ','], &|rest| rest.starts_with('.'))
        // A variant less may be a block without variants.
        || line.starts_with(['#', '/'])
}
