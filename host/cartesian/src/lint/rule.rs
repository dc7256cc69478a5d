//! The rules by name.

use std::fmt;

/// What a [`Lint`](crate::Lint) is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// A filter, a condition, a `join` or a dependency names a label that no variant of the configuration has.
    UnknownLabel,
    /// A filter, a condition or a `join` asks for labels that no variant of the configuration has together.
    ImpossibleCombination,
    /// A filter or condition, or an alternative of it, that can match nothing where it stands, or that matches
    /// everything where that makes a difference: `no a` and `!a:` within the variant `a`.
    UnreachableCondition,
    /// Two variants of one block have the same name.
    DuplicateVariant,
    /// A value that is certainly replaced before anything can see it.
    OverriddenAssignment,
    /// `${key}` of a key that is set nowhere: it stays as it is written.
    UndefinedReference,
    /// `del` of a key that is set nowhere.
    UselessDel,
    /// A key that looks like a mistyped one of [`LintOptions::known_keys`](crate::LintOptions::known_keys).
    UnknownKey,
}

impl Rule {
    /// All rules.
    pub const ALL: &[Self] = &[
        Self::UnknownLabel,
        Self::ImpossibleCombination,
        Self::UnreachableCondition,
        Self::DuplicateVariant,
        Self::OverriddenAssignment,
        Self::UndefinedReference,
        Self::UselessDel,
        Self::UnknownKey,
    ];

    /// The name by which people know it: `unknown-label`.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownLabel => "unknown-label",
            Self::ImpossibleCombination => "impossible-combination",
            Self::UnreachableCondition => "unreachable-condition",
            Self::DuplicateVariant => "duplicate-variant",
            Self::OverriddenAssignment => "overridden-assignment",
            Self::UndefinedReference => "undefined-reference",
            Self::UselessDel => "useless-del",
            Self::UnknownKey => "unknown-key",
        }
    }

    /// The rule of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.name() == name)
    }

    /// What it finds, in one line.
    pub fn summary(self) -> &'static str {
        match self {
            Self::UnknownLabel => "a filter names a label that no variant has",
            Self::ImpossibleCombination => "a filter asks for labels that no variant has together",
            Self::UnreachableCondition => {
                "a filter or condition that can never match where it stands"
            }
            Self::DuplicateVariant => "two variants of one block have the same name",
            Self::OverriddenAssignment => "a value that is replaced before anything can see it",
            Self::UndefinedReference => "`${key}` of a key that is set nowhere",
            Self::UselessDel => "`del` of a key that is set nowhere",
            Self::UnknownKey => "a key that looks like a mistyped one",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
