//! The syntax tree to the compiled tree. Nothing can fail here: what can be wrong was found by the parser.

mod filters;

use std::sync::OnceLock;

use crate::syntax::{Kind, Stmt, Syntax};
use crate::text::span::Extent;
use crate::tree::{
    Block, Choice, Condition, EntryId, Fork, ForkId, Guarded, LabelId, Part, Places, Tree,
};

impl Tree {
    /// Appends statements to the end of the configuration.
    pub(crate) fn append(&mut self, syntax: Syntax) {
        let first = self.syntax.stmts.len();
        let mut all = std::mem::take(&mut self.syntax);
        all.append(syntax);
        let old = self.root;
        let mut compiler = Compiler {
            tree: self,
            syntax: &all,
            within: None,
            scratch: String::new(),
        };
        let root = compiler.block(first, all.stmts.len(), old);
        self.root = root;
        self.parts.push(root.part);
        self.syntax = all;
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
        let conditions = tree.conditions.len() as u32;
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
                    forks.push((id, at));
                }
                Kind::Join { .. } => joins = true,
                Kind::Filter { .. } | Kind::Condition { .. } => self.filter(at, stmt, None),
                // What is done to keys is the program's.
                _ => {}
            }
        }
        let mut block = Block {
            part: Part {
                stmts: Extent::new(start, end),
                conditions,
            },
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

    /// Adds what a statement filters under the condition `under`, or the filters and conditions in it.
    fn filter(&mut self, at: usize, stmt: &Stmt, under: Option<u32>) {
        let text = self.syntax.text(stmt);
        match stmt.kind {
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
                    entry: at as EntryId,
                });
                for (at, stmt) in self.syntax.body(at) {
                    self.filter(at, stmt, Some(condition));
                }
            }
            // The parser lets no block of variants and no join into a condition.
            _ => {}
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
        self.tree.forks[id as usize] = Fork {
            parent: self.within,
            name: name.map(Box::from),
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
        let dependencies = self.dependencies(text, dependencies.items(&syntax.atoms));
        let outer = self.within.replace(fork);
        let body = self.block(at + 1, stmt.end as usize, Block::default());
        self.within = outer;
        Choice {
            labels,
            dependencies,
            hidden,
            entry: at as EntryId,
            body,
            position,
            end: self.tree.places.count(),
        }
    }
}
