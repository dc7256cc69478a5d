//! Statements to the program. Nothing can fail here: what can be wrong was found by the parser.

use std::sync::Arc;

use crate::apply::program::{
    Assign, Piece, Pieces, Program, RESERVED, Rank, Step, Target, Texts, Whole,
};
use crate::origin::Operator;
use crate::syntax::{Kind, Stmt, Syntax};
use crate::text::reference::references;
use crate::text::source::SourceFile;
use crate::text::span::Extent;
use crate::tree::bound::Limit;
use crate::tree::intern::Interner;
use crate::tree::{EntryId, ForkId, Matcher, Part, Tree};

/// The number of a key in the order in which the keys were met.
type KeyId = u32;

/// The program of a tree.
pub(super) fn compile(tree: &Tree) -> Program {
    let mut keys = Interner::default();
    for key in RESERVED {
        keys.intern(key);
    }
    let statements = tree.syntax.stmts.len();
    let mut compiler = Compiler {
        tree,
        syntax: &tree.syntax,
        limits: vec![None; keys.len()],
        keys,
        steps: Vec::with_capacity(statements),
        sets: Vec::with_capacity(statements),
        row: None,
        bodies: vec![Extent::default(); tree.choices.len()],
        fork_keys: vec![None; tree.forks.len()],
        assigns: Vec::new(),
        pieces: Vec::new(),
        suffixes: Interner::default(),
        conditions: Vec::new(),
        next_condition: 0,
        names: Vec::new(),
        made: Vec::new(),
    };
    let root = compiler.block(&tree.parts, tree.forks_of(&tree.root));
    compiler.finish(root)
}

/// The names of variants that become values.
enum Name {
    Written(Extent),
    /// `a.b` for `- a+b:` or `- a..b:`, by its number.
    Made(usize),
}

struct Compiler<'t> {
    tree: &'t Tree,
    syntax: &'t Syntax,
    /// The reserved keys have the first numbers.
    keys: Interner,
    limits: Vec<Option<(Limit, KeyId)>>,
    /// As in the program, with the numbers of keys in the place of their ranks.
    steps: Vec<Step>,
    sets: Vec<(KeyId, EntryId)>,
    /// Where the row of settings begins that the next one is a part of.
    row: Option<usize>,
    bodies: Vec<Extent>,
    fork_keys: Vec<Option<KeyId>>,
    assigns: Vec<Assign>,
    pieces: Vec<Piece>,
    suffixes: Interner,
    conditions: Vec<(u32, u32)>,
    /// The condition that comes next in the text.
    next_condition: u32,
    /// By statement, in order.
    names: Vec<(EntryId, Name)>,
    made: Vec<String>,
}

fn is_reserved(key: KeyId) -> bool {
    (key as usize) < RESERVED.len()
}

impl<'t> Compiler<'t> {
    /// The statements of a block, then those of the variants in it.
    fn block(&mut self, parts: &[Part], forks: &'t [ForkId]) -> Extent {
        let first = self.steps.len();
        let mut next_forks = forks.iter();
        for part in parts {
            self.next_condition = part.conditions;
            let stmts = part.stmts.range();
            for (at, stmt) in self.syntax.children(stmts.start, stmts.end) {
                match stmt.kind {
                    Kind::Variants { .. } => {
                        if let Some(fork) = next_forks.next() {
                            self.push(Step::Fork(*fork));
                        }
                    }
                    _ => self.statement(at, stmt),
                }
            }
        }
        self.row = None;
        let block = Extent::since(&self.steps, first);
        for fork in forks {
            self.fork(*fork);
        }
        block
    }

    fn fork(&mut self, id: ForkId) {
        let tree = self.tree;
        let fork = tree.fork(id);
        if let Some(name) = &fork.name {
            let key = self.key(name);
            self.fork_keys[id as usize] = Some(key).filter(|key| !is_reserved(*key));
        }
        for choice_id in fork.choices.indices() {
            let choice = tree.choice(choice_id);
            if fork.name.is_some() {
                self.name(choice.entry);
            }
            let body = &choice.body;
            let steps = self.block(std::slice::from_ref(&body.part), tree.forks_of(body));
            self.bodies[choice_id as usize] = steps;
        }
    }

    /// Adds a step that is no part of a row.
    fn push(&mut self, step: Step) {
        self.row = None;
        self.steps.push(step);
        self.sets.push((0, 0));
    }

    fn statement(&mut self, at: usize, stmt: &Stmt) {
        let entry = at as EntryId;
        let text = self.syntax.text(stmt);
        match stmt.kind {
            Kind::Assign {
                operator,
                value,
                pattern,
            } => self.assign(entry, stmt, operator, value, pattern),
            Kind::Delete => {
                let key = self.key(stmt.at.of(text));
                if !is_reserved(key) {
                    self.push(Step::Delete { key, entry });
                }
            }
            Kind::Suffix => {
                let suffix = self.suffixes.intern(stmt.at.of(text));
                self.push(Step::Suffix { suffix, entry });
            }
            Kind::Condition { .. } => self.condition(at),
            Kind::Filter { .. }
            | Kind::Join { .. }
            | Kind::Variants { .. }
            | Kind::Choice { .. } => {}
        }
    }

    /// The statements of a condition; nothing, if it does nothing to keys.
    fn condition(&mut self, at: usize) {
        let condition = self.next_condition;
        self.next_condition += 1;
        let step = self.steps.len();
        self.push(Step::If { condition, skip: 0 });
        let known = self.conditions.len();
        self.conditions.push((step as u32, condition));
        for (at, stmt) in self.syntax.body(at) {
            self.statement(at, stmt);
        }
        self.row = None;
        let skip = (self.steps.len() - step - 1) as u32;
        if skip == 0 {
            self.steps.truncate(step);
            self.sets.truncate(step);
            self.conditions.truncate(known);
            return;
        }
        let when = &self.tree.conditions[condition as usize];
        self.steps[step] = match (self.tree.matchers[when.matcher as usize], when.negated) {
            (Matcher::One(label), false) => Step::IfHas { label, skip },
            (Matcher::One(label), true) => Step::IfHasNot { label, skip },
            _ => Step::If { condition, skip },
        };
    }

    fn assign(
        &mut self,
        entry: EntryId,
        stmt: &Stmt,
        operator: Operator,
        value: Extent,
        pattern: Option<u32>,
    ) {
        let text = self.syntax.text(stmt);
        let target = match pattern {
            Some(pattern) => Target::Pattern(pattern),
            None => {
                let key = self.key(stmt.at.of(text));
                if is_reserved(key) {
                    return;
                }
                Target::Key(key)
            }
        };
        let template = self.template(text, value);
        match (target, operator, template) {
            (Target::Key(key), Operator::Set, None) => self.set(key, entry),
            _ => {
                self.push(Step::Assign(self.assigns.len() as u32));
                self.assigns.push(Assign {
                    target,
                    operator,
                    entry,
                    template,
                });
            }
        }
    }

    fn set(&mut self, key: KeyId, entry: EntryId) {
        if self.limits[key as usize].is_some() {
            return self.push(Step::SetLimit { key, entry });
        }
        let row = *self.row.get_or_insert(self.steps.len());
        self.steps.push(Step::Sets(1));
        self.sets.push((key, entry));
        self.steps[row] = Step::Sets((self.steps.len() - row) as u32);
    }

    /// The pieces of a value that holds `${}`.
    fn template(&mut self, text: &str, value: Extent) -> Option<Extent> {
        let first = self.pieces.len();
        let mut literal = value.start;
        for (at, key) in references(text, value) {
            self.text_piece(literal, at.start);
            let key = self.key(key);
            self.pieces.push(Piece::Key(key));
            literal = at.end;
        }
        if self.pieces.len() == first {
            return None;
        }
        self.text_piece(literal, value.end);
        Some(Extent::since(&self.pieces, first))
    }

    /// Adds what stands between two references.
    fn text_piece(&mut self, start: u32, end: u32) {
        if start < end {
            self.pieces.push(Piece::Text(Extent { start, end }));
        }
    }

    fn key(&mut self, key: &str) -> KeyId {
        let id = self.keys.intern(key);
        if self.limits.len() < self.keys.len() {
            self.limits.push(None);
            if let Some((limit, base)) = Limit::of(key) {
                let base = self.key(base);
                if !is_reserved(base) {
                    self.limits[id as usize] = Some((limit, base));
                }
            }
        }
        id
    }

    /// Takes the name of a choice for a value.
    fn name(&mut self, entry: EntryId) {
        let stmt = self.tree.entry(entry);
        let Kind::Choice { labels, .. } = stmt.kind else {
            return;
        };
        let text = self.syntax.text(stmt);
        let labels = labels.items(&self.syntax.labels);
        let written = stmt.at.of(text);
        let name = if written.contains('+') || written.contains("..") {
            let labels: Vec<&str> = labels.iter().map(|label| label.of(text)).collect();
            self.made.push(labels.join("."));
            Name::Made(self.made.len() - 1)
        } else {
            // A last dot names nothing.
            let end = labels.last().map_or(stmt.at.end, |last| last.end);
            Name::Written(Extent { end, ..stmt.at })
        };
        self.names.push((entry, name));
    }

    /// Numbers the keys in the order of their names.
    fn finish(self, root: Extent) -> Program {
        let sorted = self.keys.sorted();
        let mut ranks: Vec<Rank> = vec![0; sorted.len()];
        let mut whole = Whole {
            names: String::new(),
            sources: self.syntax.files.clone(),
            made: self.made,
        };
        let mut names = Vec::with_capacity(sorted.len());
        for (rank, key) in (0..).zip(&sorted) {
            ranks[*key as usize] = rank;
            let start = whole.names.len();
            whole.names.push_str(self.keys.text(*key));
            names.push(Extent::new(start, whole.names.len()));
        }
        let rank = |key: KeyId| ranks[key as usize];
        let mut limits = vec![None; sorted.len()];
        for (key, limit) in (0..).zip(&self.limits) {
            limits[rank(key) as usize] = limit.map(|(limit, base)| (limit, rank(base)));
        }
        let (mut steps, mut sets) = (self.steps, self.sets);
        for (step, (set, _)) in steps.iter_mut().zip(&mut sets) {
            match step {
                Step::Sets(_) => *set = rank(*set),
                Step::SetLimit { key, .. } | Step::Delete { key, .. } => *key = rank(*key),
                _ => {}
            }
        }
        let mut assigns = self.assigns;
        for assign in &mut assigns {
            if let Target::Key(key) = &mut assign.target {
                *key = rank(*key);
            }
        }
        let mut pieces = self.pieces;
        for piece in &mut pieces {
            if let Piece::Key(key) = piece {
                *key = rank(*key);
            }
        }
        let fork_keys = self.fork_keys.into_iter().map(|key| key.map(rank));
        Program {
            texts: Texts::new(whole, |whole| Pieces {
                names: names.iter().map(|at| at.of(&whole.names)).collect(),
                values: values(self.syntax, &self.names, &whole.sources, &whole.made),
            }),
            limits,
            steps,
            sets,
            root,
            bodies: self.bodies,
            fork_keys: fork_keys.collect(),
            assigns,
            pieces,
            suffixes: self.suffixes,
            conditions: self.conditions,
        }
    }
}

/// By statement, its value.
fn values<'a>(
    syntax: &Syntax,
    names: &[(EntryId, Name)],
    sources: &'a [Arc<SourceFile>],
    made: &'a [String],
) -> Vec<&'a str> {
    let source = |stmt: &Stmt| sources[stmt.file as usize].text.as_str();
    let value = |stmt: &Stmt| match stmt.kind {
        Kind::Assign { value, .. } => value.of(source(stmt)),
        Kind::Suffix => stmt.at.of(source(stmt)),
        _ => "",
    };
    let mut values: Vec<&str> = syntax.stmts.iter().map(value).collect();
    for (entry, name) in names {
        values[*entry as usize] = match name {
            Name::Written(at) => at.of(source(&syntax.stmts[*entry as usize])),
            Name::Made(at) => &made[*at],
        };
    }
    values
}
