//! The syntax tree to the compiled tree. Nothing can fail here: what can be wrong was found by the parser.

use std::sync::Arc;

use crate::filter::{Filter, Label};
use crate::origin::{Operator, Origin};
use crate::post::Limit;
use crate::syntax::{self, Stmt};
use crate::tree::{
    Action, Assign, Block, Choice, Entry, Fork, Guarded, Join, KeyId, LabelId, Matcher, Part,
    Piece, Target, Tree,
};

/// Keys that the expansion itself sets: statements on them have no effect (guide: *Formal definition*).
pub(crate) const RESERVED: [&str; 5] = [
    "name",
    "shortname",
    "dep",
    "_name_map_file",
    "_short_name_map_file",
];

impl Tree {
    /// Appends statements to the end of the configuration.
    pub(crate) fn append(&mut self, stmts: Vec<Stmt>) {
        let mut root = std::mem::take(&mut self.root);
        self.block(stmts, &mut root);
        self.root = root;
    }

    fn block(&mut self, stmts: Vec<Stmt>, block: &mut Block) {
        let mut actions = Vec::new();
        for stmt in stmts {
            match stmt {
                Stmt::Variants(variants) => {
                    block
                        .parts
                        .push(Part::Actions(std::mem::take(&mut actions)));
                    let fork = self.fork(variants);
                    block.parts.push(Part::Fork(block.forks.len()));
                    block.forks.push(fork);
                }
                Stmt::Join { filter, span } => {
                    let after = block.forks.len();
                    let only = |alternative| Filter {
                        alternatives: vec![alternative],
                    };
                    let filters = filter.alternatives.into_iter().map(|alternative| Guarded {
                        guards: Vec::new(),
                        keep: true,
                        filter: self.matcher(&only(alternative)),
                    });
                    match block.joins.iter_mut().find(|join| join.after == after) {
                        Some(join) => join.filters.extend(filters),
                        None => block.joins.push(Join {
                            after,
                            filters: filters.collect(),
                            span,
                        }),
                    }
                }
                Stmt::Suffix { text } => block.suffix = Some(text.into()),
                stmt => self.action(stmt, &mut actions, &mut Vec::new(), &mut block.filters),
            }
        }
        block.parts.push(Part::Actions(actions));
    }

    /// Adds what `stmt` does to `actions`, and the filters in it, under the conditions `guards`, to `filters`.
    fn action(
        &mut self,
        stmt: Stmt,
        actions: &mut Vec<Action>,
        guards: &mut Vec<(bool, Arc<Matcher>)>,
        filters: &mut Vec<Guarded>,
    ) {
        match stmt {
            Stmt::Assign(assign) => actions.extend(self.assign(assign).map(Action::Assign)),
            Stmt::Delete { key } if !RESERVED.contains(&key.as_str()) => {
                let key = self.key(&key);
                actions.push(Action::Delete(key));
            }
            Stmt::Filter { keep, filter } => {
                let filter = self.matcher(&filter);
                filters.push(Guarded {
                    guards: guards.clone(),
                    keep,
                    filter,
                });
            }
            Stmt::Condition {
                negated,
                filter,
                body,
            } => {
                let filter = Arc::new(self.matcher(&filter));
                guards.push((negated, Arc::clone(&filter)));
                let mut inner = Vec::new();
                for stmt in body {
                    self.action(stmt, &mut inner, guards, filters);
                }
                guards.pop();
                if !inner.is_empty() {
                    actions.push(Action::When {
                        negated,
                        filter,
                        body: inner,
                    });
                }
            }
            // The parser lets none of these into a condition, and `block` took them at its own level.
            Stmt::Delete { .. } | Stmt::Variants(_) | Stmt::Join { .. } | Stmt::Suffix { .. } => {}
        }
    }

    fn assign(&mut self, assign: syntax::Assign) -> Option<Assign> {
        let target = match assign.target {
            syntax::Target::Key(key) if RESERVED.contains(&key.as_str()) => return None,
            syntax::Target::Key(key) => Target::Key(self.key(&key)),
            syntax::Target::Pattern(regex) => Target::Pattern(regex),
        };
        let template = self.template(&assign.value);
        let origin = Origin::new(assign.span, assign.operator);
        let entry = Arc::new(Entry {
            text: assign.value,
            origin,
        });
        Some(Assign {
            target,
            operator: assign.operator,
            entry,
            template,
        })
    }

    /// The pieces of a value that holds `${}`. A reference does not nest: it ends at the first brace.
    fn template(&mut self, value: &str) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut literal = 0;
        let mut from = 0;
        while let Some(open) = value[from..].find("${").map(|at| from + at) {
            let Some(close) = value[open..].find('}').map(|at| open + at) else {
                break;
            };
            from = close + 1;
            let name = &value[open + 2..close];
            if !name.is_empty() {
                if literal < open {
                    pieces.push(Piece::Text(value[literal..open].to_owned()));
                }
                pieces.push(Piece::Key(self.key(name)));
                literal = from;
            }
        }
        if pieces.is_empty() {
            return None;
        }
        if literal < value.len() {
            pieces.push(Piece::Text(value[literal..].to_owned()));
        }
        Some(pieces)
    }

    fn fork(&mut self, variants: syntax::Variants) -> Fork {
        let start = self.positions;
        let id = self.forks;
        self.forks += 1;
        let default = variants.choices.iter().position(|choice| choice.hidden);
        let name = variants.name;
        let key = name
            .as_deref()
            .filter(|name| !RESERVED.contains(name))
            .map(|name| self.key(name));
        let choices = variants
            .choices
            .into_iter()
            .map(|choice| self.choice(name.as_deref(), key, choice))
            .collect();
        Fork {
            id,
            name,
            choices,
            default,
            positions: start..self.positions,
        }
    }

    fn choice(
        &mut self,
        block: Option<&str>,
        key: Option<KeyId>,
        choice: syntax::Choice,
    ) -> Choice {
        let position = self.positions;
        self.positions += 1;
        let mut labels = Vec::with_capacity(choice.labels.len());
        for name in &choice.labels {
            let plain = self.label(&Label {
                block: None,
                name: name.clone(),
            });
            let exact = match block {
                Some(block) => self.label(&Label {
                    block: Some(block.to_owned()),
                    name: name.clone(),
                }),
                None => plain,
            };
            for label in [plain, exact] {
                let places = &mut self.places[label as usize];
                if places.last() != Some(&position) {
                    places.push(position);
                }
            }
            labels.push((plain, exact));
        }
        let row = |row: Vec<Label>| {
            row.iter()
                .map(Label::to_string)
                .collect::<Vec<_>>()
                .join(".")
        };
        let file = choice.span.file.base_name();
        let origin = Origin::new(choice.span, Operator::Variant);
        let assigns = key.map(|key| {
            let entry = Entry {
                text: choice.labels.join("."),
                origin: origin.clone(),
            };
            (key, Arc::new(entry))
        });
        let mut body = Block::default();
        self.block(choice.body, &mut body);
        let dependencies = choice.dependencies.into_iter().map(row).collect();
        Choice {
            labels,
            hidden: choice.hidden,
            dependencies,
            assigns,
            body,
            origin,
            file,
        }
    }

    fn matcher(&mut self, filter: &Filter) -> Matcher {
        let mut row = |row: &Vec<Label>| -> Vec<LabelId> {
            row.iter().map(|label| self.label(label)).collect()
        };
        let alternatives = filter
            .alternatives
            .iter()
            .map(|alternative| alternative.iter().map(&mut row).collect())
            .collect();
        Matcher { alternatives }
    }

    fn label(&mut self, label: &Label) -> LabelId {
        let id = match &label.block {
            None => self.labels.intern(&label.name),
            Some(_) => self.labels.intern(&label.to_string()),
        };
        if self.places.len() < self.labels.len() {
            self.places.resize(self.labels.len(), Vec::new());
        }
        id
    }

    fn key(&mut self, key: &str) -> KeyId {
        let id = self.keys.intern(key);
        if self.limits.len() < self.keys.len() {
            self.limits.resize(self.keys.len(), None);
            if let Some((limit, base)) = Limit::of(key) {
                let base = self.key(base);
                self.limits[id as usize] = Some((limit, base));
            }
        }
        id
    }
}
