//! Texts that are put together from others, with the place where each line was written.

use std::sync::Arc;

use vthost_cartesian::{OriginKind, Part, Source, normalize};

/// A text that lines are taken from.
pub(super) struct Piece {
    name: Arc<str>,
    kind: OriginKind,
    text: String,
}

impl Piece {
    /// `name` is what origins and messages show.
    pub(super) fn new(name: &str, kind: OriginKind, text: String) -> Self {
        Self {
            name: name.into(),
            kind,
            // Lines are counted and tabs stand in columns before the text is moved to the right.
            text: normalize(text),
        }
    }

    /// Its lines with their numbers, from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u32, &str)> {
        (1..).zip(self.text.lines())
    }

    /// Whether it is made of variants, as the configuration of tests is, and has to stand in a block of them: its first
    /// statement is `- name:`.
    pub(super) fn is_of_variants(&self) -> bool {
        self.lines()
            .map(|(_, line)| line)
            .find(|line| !is_remark(line))
            .is_some_and(|line| line.starts_with('-'))
    }
}

/// Whether a line says nothing: it is empty, or a comment.
pub(super) fn is_remark(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#') || line.starts_with("//")
}

/// How many blanks a line begins with.
pub(super) fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// A text in the making.
pub(super) struct Paste {
    name: Arc<str>,
    text: String,
    parts: Vec<Part>,
    /// The number of the next line.
    line: u32,
    /// Whether the last lines were vthost's own.
    own: bool,
}

impl Paste {
    /// An empty text of that name.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            text: String::new(),
            parts: Vec::new(),
            line: 1,
            own: true,
        }
    }

    /// A line of vthost's own.
    pub(super) fn own(&mut self, indent: usize, line: &str) {
        if !self.own {
            self.own = true;
            self.parts.push(Part {
                line: self.line,
                name: Arc::clone(&self.name),
                first: self.line,
                indent: 0,
                kind: Some(OriginKind::Default),
            });
        }
        self.write(indent, &["", line]);
    }

    /// One line of a piece, with its number there, and what stands before it beside the indentation.
    pub(super) fn line(
        &mut self,
        piece: &Piece,
        indent: usize,
        number: u32,
        before: &str,
        line: &str,
    ) {
        let shift = (indent + before.len()) as u32;
        let goes_on = !self.own
            && self.parts.last().is_some_and(|part| {
                Arc::ptr_eq(&part.name, &piece.name)
                    && part.indent == shift
                    && number.checked_sub(part.first) == Some(self.line - part.line)
            });
        if !goes_on {
            self.own = false;
            self.parts.push(Part {
                line: self.line,
                name: Arc::clone(&piece.name),
                first: number,
                indent: shift,
                kind: Some(piece.kind.clone()),
            });
        }
        self.write(indent, &[before, line]);
    }

    /// All lines of a piece.
    pub(super) fn piece(&mut self, piece: &Piece, indent: usize) {
        for (number, line) in piece.lines() {
            self.line(piece, indent, number, "", line);
        }
    }

    fn write(&mut self, indent: usize, words: &[&str]) {
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.text.extend(words.iter().copied());
        self.text.push('\n');
        self.line += 1;
    }

    /// The text with its places.
    pub(super) fn finish(self) -> Source {
        Source {
            parts: self.parts,
            ..Source::new(&*self.name, self.text)
        }
    }
}
