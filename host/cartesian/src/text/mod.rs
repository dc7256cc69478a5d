//! The lexical level: source texts, their lines, the tokens of a line, and places in them.

pub(crate) mod lex;
pub(crate) mod lines;
pub(crate) mod reference;
pub(crate) mod source;
pub(crate) mod span;
