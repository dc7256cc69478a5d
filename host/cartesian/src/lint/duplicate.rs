//! Variants of the same name in one block.

use std::collections::HashMap;

use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::syntax::{Kind, Syntax};

pub(super) fn check(syntax: &Syntax, findings: &mut Findings<'_>) {
    let blocks = (0..).zip(&syntax.stmts);
    for (block, _) in blocks.filter(|(_, stmt)| matches!(stmt.kind, Kind::Variants { .. })) {
        let mut first: HashMap<String, u32> = HashMap::new();
        for (_, stmt) in syntax.body(block) {
            let Kind::Choice { labels, .. } = stmt.kind else {
                continue;
            };
            let text = syntax.text(stmt);
            let labels = labels.items(&syntax.labels).iter();
            let labels: Vec<&str> = labels.map(|label| label.of(text)).collect();
            let name = labels.join(".");
            if let Some(line) = first.get(&name) {
                let message = format!("there are two variants `{name}` in this block");
                findings
                    .add(Rule::DuplicateVariant, stmt, stmt.at, message)
                    .note(format!("the first is in line {line}"));
            } else {
                first.insert(name, stmt.line);
            }
        }
    }
}
