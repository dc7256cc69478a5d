//! The syntax tree to the compiled tree. Nothing can fail here: what can be wrong was found by the parser.

mod filters;
mod values;

use std::sync::{Arc, OnceLock};

use crate::origin::{Operator, OriginKind};
use crate::syntax::{Kind, Stmt, Syntax};
use crate::text::source::{Source, SourceFile};
use crate::text::span::Extent;
use crate::tree::compile::values::is_reserved;
use crate::tree::intern::Interner;
use crate::tree::{
    Block, Choice, Condition, EntryId, Fork, ForkId, Guarded, LabelId, Op, Places, Tree,
};

/// Keys that the expansion itself sets: statements on them have no effect (guide: *Formal definition*).
pub(crate) const RESERVED: [&str; 5] = [
    "name",
    "shortname",
    "dep",
    "_name_map_file",
    "_short_name_map_file",
];

impl Default for Tree {
    /// A tree of nothing: it has one variant, without a name and without keys.
    fn default() -> Self {
        let mut keys = Interner::default();
        for key in RESERVED {
            keys.intern(key);
        }
        Self {
            limits: vec![None; keys.len()],
            keys,
            files: Vec::new(),
            bases: Vec::new(),
            bytes: 0,
            root: Block::default(),
            labels: Interner::default(),
            places: Places::default(),
            ops: Vec::new(),
            forks: Vec::new(),
            fork_ids: Vec::new(),
            choices: Vec::new(),
            choice_labels: Vec::new(),
            dependencies: Vec::new(),
            guards: Vec::new(),
            conditions: Vec::new(),
            joins: Vec::new(),
            matchers: Vec::new(),
            alternatives: Vec::new(),
            rows: Vec::new(),
            row_labels: Vec::new(),
            entries: Vec::new(),
            assigns: Vec::new(),
            pieces: Vec::new(),
            patterns: Vec::new(),
            suffixes: Interner::default(),
            program: OnceLock::new(),
        }
    }
}

impl Tree {
    /// Appends statements to the end of the configuration.
    pub(crate) fn append(&mut self, syntax: Syntax) {
        let first_file = self.files.len() as u32;
        let first_pattern = self.patterns.len() as u32;
        let mut bases = Vec::with_capacity(syntax.files.len());
        for file in &syntax.files {
            bases.push(self.bytes);
            self.bases.push(self.bytes);
            self.bytes += file.text.len() as u32;
            self.files.push(Arc::clone(file));
        }
        let root = self.root;
        let end = syntax.stmts.len();
        self.ops.reserve(end);
        self.entries.reserve(end);
        let made_base = self.bytes;
        let mut compiler = Compiler {
            tree: self,
            syntax: &syntax,
            first_file,
            first_pattern,
            bases,
            made: String::new(),
            made_base,
            within: None,
            scratch: String::new(),
        };
        let root = compiler.block(0, end, root);
        let made = compiler.made;
        self.root = root;
        if !made.is_empty() {
            self.bases.push(made_base);
            self.bytes += made.len() as u32;
            let source = Source::new("<names>", made);
            let file = SourceFile::new(source, OriginKind::Default, None);
            self.files.push(Arc::new(file));
        }
        self.patterns.extend(syntax.patterns);
        self.places.sort(self.labels.len());
        self.program = OnceLock::new();
    }
}

impl Places {
    fn add(&mut self, label: LabelId, position: u32) {
        self.all.push((label, position));
    }

    /// Brings the positions into the order of the labels, of which there are so many.
    fn sort(&mut self, labels: usize) {
        if self.sorted.len() == self.all.len() {
            self.starts.resize(labels + 1, self.all.len() as u32);
            return;
        }
        let mut ends = vec![0; labels + 1];
        for (label, _) in &self.all {
            ends[*label as usize + 1] += 1;
        }
        for label in 0..labels {
            ends[label + 1] += ends[label];
        }
        self.starts = ends.clone();
        self.sorted.resize(self.all.len(), 0);
        for (label, position) in &self.all {
            let at = &mut ends[*label as usize];
            self.sorted[*at as usize] = *position;
            *at += 1;
        }
    }
}

struct Compiler<'a> {
    tree: &'a mut Tree,
    syntax: &'a Syntax,
    /// The numbers of the first file and the first pattern of the syntax tree in the tree.
    first_file: u32,
    first_pattern: u32,
    /// By file of the syntax tree, where its text starts in the texts of all files.
    bases: Vec<u32>,
    /// Names that stand in no source as they are: `a.b` for `- a+b:` or `- a..b:`. They become a file of their own.
    made: String,
    made_base: u32,
    /// The fork with the choice whose body is being compiled.
    within: Option<ForkId>,
    /// For labels that stand in the text in another form.
    scratch: String,
}

impl<'a> Compiler<'a> {
    /// The block of the statements from `start` to `end`, appended to what is in `old`.
    fn block(&mut self, start: usize, end: usize, old: Block) -> Block {
        let syntax = self.syntax;
        let tree = &mut *self.tree;
        let first_op = tree.ops.len();
        tree.ops.extend_from_within(old.ops.range());
        let first_fork = tree.fork_ids.len();
        tree.fork_ids.extend_from_within(old.forks.range());
        let first_guard = tree.guards.len();
        tree.guards.extend_from_within(old.guards.range());
        let mut forks: Vec<(ForkId, usize)> = Vec::new();
        let mut joins = false;
        for (at, stmt) in syntax.children(start, end) {
            match stmt.kind {
                Kind::Variants { .. } => {
                    let id = self.tree.forks.len() as ForkId;
                    self.tree.forks.push(Fork::default());
                    self.tree.fork_ids.push(id);
                    self.tree.ops.push(Op::Fork(id));
                    forks.push((id, at));
                }
                Kind::Join { .. } => joins = true,
                _ => self.action(at, stmt, None),
            }
        }
        let mut block = Block {
            ops: Extent::since(&self.tree.ops, first_op),
            forks: Extent::since(&self.tree.fork_ids, first_fork),
            guards: Extent::since(&self.tree.guards, first_guard),
            joins: old.joins,
        };
        if joins {
            block.joins = self.joins(start, end, old);
        }
        for (id, at) in forks {
            self.fork(id, at);
        }
        block
    }

    /// Adds what a statement does that is no part of the structure, under the condition `under`.
    fn action(&mut self, at: usize, stmt: &Stmt, under: Option<u32>) {
        let text = self.syntax.text(stmt);
        match stmt.kind {
            Kind::Assign {
                operator,
                value,
                pattern,
            } => self.assign(stmt, operator, value, pattern),
            Kind::Delete => {
                let key = self.key(stmt.at.of(text));
                if !is_reserved(key) {
                    let entry = self.entry(stmt, Operator::Delete, Extent::default());
                    self.tree.ops.push(Op::Delete { key, entry });
                }
            }
            Kind::Suffix => {
                let suffix = self.tree.suffixes.intern(stmt.at.of(text));
                let entry = self.entry(stmt, Operator::Suffix, stmt.at);
                self.tree.ops.push(Op::Suffix { suffix, entry });
            }
            Kind::Filter { keep, atoms } => {
                let matcher = self.matcher(text, atoms.items(&self.syntax.atoms));
                self.tree.guards.push(Guarded {
                    owner: self.within,
                    under,
                    keep,
                    matcher,
                });
            }
            Kind::Condition { negated, atoms } => {
                let matcher = self.matcher(text, atoms.items(&self.syntax.atoms));
                let condition = self.tree.conditions.len() as u32;
                self.tree.conditions.push(Condition {
                    outer: under,
                    negated,
                    matcher,
                    file: self.first_file + stmt.file,
                    line: stmt.line,
                    at: stmt.at,
                });
                let when = self.tree.ops.len();
                self.tree.ops.push(Op::When { condition, skip: 0 });
                for (at, stmt) in self.syntax.body(at) {
                    self.action(at, stmt, Some(condition));
                }
                let skip = (self.tree.ops.len() - when - 1) as u32;
                if skip == 0 {
                    self.tree.ops.pop();
                } else {
                    self.tree.ops[when] = Op::When { condition, skip };
                }
            }
            // The parser lets none of these into a condition, and `block` took them at its own level.
            Kind::Variants { .. } | Kind::Choice { .. } | Kind::Join { .. } => {}
        }
    }

    fn fork(&mut self, id: ForkId, at: usize) {
        let syntax = self.syntax;
        let stmt = &syntax.stmts[at];
        let Kind::Variants { name } = stmt.kind else {
            return;
        };
        let name = name.map(|name| name.of(syntax.text(stmt)));
        let start = self.tree.places.count();
        let first = self.tree.choices.len();
        let count = syntax.body(at).count();
        self.tree.choices.resize(first + count, Choice::default());
        let mut default = None;
        for (index, (at, stmt)) in syntax.body(at).enumerate() {
            let choice = self.choice(id, name, at, stmt);
            if choice.hidden && default.is_none() {
                default = Some(index as u32);
            }
            self.tree.choices[first + index] = choice;
        }
        let name = name.map(|name| self.key(name));
        self.tree.forks[id as usize] = Fork {
            parent: self.within,
            name,
            choices: Extent::new(first, first + count),
            default,
            positions: start..self.tree.places.count(),
        };
    }

    fn choice(&mut self, fork: ForkId, block: Option<&str>, at: usize, stmt: &Stmt) -> Choice {
        let syntax = self.syntax;
        let text = syntax.text(stmt);
        let Kind::Choice {
            labels,
            hidden,
            dependencies,
        } = stmt.kind
        else {
            return Choice::default();
        };
        let position = self.tree.places.count();
        self.tree.places.forks.push(fork);
        let names = labels.items(&syntax.labels);
        let first = self.tree.choice_labels.len();
        for name in names {
            let plain = self.label(None, name.of(text));
            let exact = match block {
                Some(block) => self.label(Some(block), name.of(text)),
                None => plain,
            };
            self.tree.places.add(plain, position);
            if exact != plain {
                self.tree.places.add(exact, position);
            }
            self.tree.choice_labels.push((plain, exact));
        }
        let labels = Extent::since(&self.tree.choice_labels, first);
        let entry = self.choice_entry(stmt, names);
        let assigns = block
            .map(|block| self.key(block))
            .filter(|key| !is_reserved(*key));
        let dependencies = self.dependencies(text, dependencies.items(&syntax.atoms));
        let outer = self.within.replace(fork);
        let body = self.block(at + 1, stmt.end as usize, Block::default());
        self.within = outer;
        Choice {
            labels,
            dependencies,
            hidden,
            assigns,
            entry,
            body,
            position,
            end: self.tree.places.count(),
        }
    }

    /// The name of a choice as a value.
    fn choice_entry(&mut self, stmt: &Stmt, names: &[Extent]) -> EntryId {
        let text = self.syntax.text(stmt);
        let entry = self.entry(stmt, Operator::Variant, stmt.at);
        let written = stmt.at.of(text);
        if written.contains('+') || written.contains("..") {
            let names: Vec<&str> = names.iter().map(|name| name.of(text)).collect();
            let start = self.made.len();
            self.made.push_str(&names.join("."));
            let made = Extent::new(start, self.made.len());
            self.tree.entries[entry as usize].text = made.shifted(self.made_base);
        } else if let [.., last] = names {
            // A last dot names nothing.
            let base = self.bases[stmt.file as usize];
            self.tree.entries[entry as usize].text.end = base + last.end;
        }
        entry
    }
}
