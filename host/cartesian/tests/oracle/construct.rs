//! The constructs that the generator can be told to leave out.

/// Parts of the language that not every configuration has; the generator picks a few for each one, so that they meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Construct {
    /// `suffix _x`
    Suffix,
    /// Statements after a block with a `suffix`
    AfterSuffix,
    /// `suffix` in a condition
    SuffixInCondition,
    /// `suffix` in an included file or before the command line, where it ends with the file
    SuffixInInclude,
    /// A key that is spelled as a suffixed key
    SuffixCollision,
    /// `del` with suffixed keys about
    DelSuffixed,
    /// `_min`, `_max`, `_fixed`
    Bounds,
    /// Bounds together with `suffix` or `join`
    BoundsAcross,
    /// A bound whose name has two endings, or a number in an odd spelling
    OddBounds,
    /// `join a b`
    Join,
    /// Joins of variants whose names begin alike
    JoinAlike,
    /// `include`
    Include,
    /// `variants v:`
    Named,
    /// `@` and `[default=x]`
    Default,
    /// Filters that may reject a default that is to be taken
    DefaultRejected,
    /// `[default=a]` where the block has several variants that begin so, several defaults, empty ones
    DefaultPrefix,
    /// Names to expand while the defaults are taken
    Expand,
    /// `a.b` as the name of a variant
    DottedName,
    /// `a..b` or `.a` as the name of a variant
    DoublyDottedName,
    /// `- a: b c`
    Dependencies,
    /// The same label twice in a block
    RepeatedLabel,
    /// `?=`, `?+=`, `?<=`
    Patterns,
    /// `k.* ?= ${k}`
    PatternSubstitution,
    /// `a|b ?=`
    Alternation,
    /// `${x}`
    Substitution,
    /// `a: k = 1`
    OneLine,
    /// `a: b: k = 1` with a body
    OneLineNested,
    /// `a: # text`
    CommentAfterCondition,
    /// Tabs for blanks
    Tabs,
    /// Characters that end a line for Python and for few others
    LineBreaks,
    /// Lines that stand deeper or less deep than their neighbours
    OddIndentation,
    /// Variants that do not stand below each other
    OddVariants,
    /// Labels and keys of other scripts
    Unicode,
    /// `a ,b`
    BlankBeforeComma,
    /// `a..` and `a.`
    TrailingDots,
    /// `(v='a')`, `(v="a.b")`, `[default="a"]`
    QuotedLabel,
    /// `k =:x`
    ColonAfterOperator,
    /// `-a:` outside of variants
    DashOutside,
    /// Lines that are no statement
    Mistake,
    /// Lines with a character too many, or one too few
    Typo,
}

use Construct as C;

/// All constructs by name, and how many of a hundred configurations may use each.
pub(crate) const CONSTRUCTS: &[(Construct, &str, usize)] = &[
    (C::Suffix, "suffix", 30),
    (C::AfterSuffix, "after-suffix", 70),
    (C::SuffixInCondition, "suffix-in-condition", 40),
    (C::SuffixInInclude, "suffix-in-include", 30),
    (C::SuffixCollision, "suffix-collision", 20),
    (C::DelSuffixed, "del-suffixed", 30),
    (C::Bounds, "bounds", 25),
    (C::BoundsAcross, "bounds-across", 50),
    (C::OddBounds, "odd-bounds", 10),
    (C::Join, "join", 30),
    (C::JoinAlike, "join-alike", 40),
    (C::Include, "include", 30),
    (C::Named, "named", 60),
    (C::Default, "default", 40),
    (C::DefaultRejected, "default-rejected", 70),
    (C::DefaultPrefix, "default-prefix", 20),
    (C::Expand, "expand", 40),
    (C::DottedName, "dotted-name", 30),
    (C::DoublyDottedName, "doubly-dotted-name", 5),
    (C::Dependencies, "dependencies", 30),
    (C::RepeatedLabel, "repeated-label", 30),
    (C::Patterns, "patterns", 40),
    (C::PatternSubstitution, "pattern-substitution", 40),
    (C::Alternation, "alternation", 30),
    (C::Substitution, "substitution", 40),
    (C::OneLine, "one-line", 40),
    (C::OneLineNested, "one-line-nested", 30),
    (C::CommentAfterCondition, "comment-after-condition", 5),
    (C::Tabs, "tabs", 20),
    (C::LineBreaks, "line-breaks", 8),
    (C::OddIndentation, "odd-indentation", 25),
    (C::OddVariants, "odd-variants", 15),
    (C::Unicode, "unicode", 25),
    (C::BlankBeforeComma, "blank-before-comma", 8),
    (C::TrailingDots, "trailing-dots", 8),
    (C::QuotedLabel, "quoted-label", 8),
    (C::ColonAfterOperator, "colon-after-operator", 4),
    (C::DashOutside, "dash-outside", 4),
    (C::Mistake, "mistake", 8),
    (C::Typo, "typo", 15),
];

/// Constructs that this engine reads otherwise and should not: they are left out unless asked for.
pub(crate) const PENDING: &[Construct] = &[];

/// The construct of that name.
pub(crate) fn by_name(name: &str) -> Construct {
    let found = CONSTRUCTS.iter().find(|(_, known, _)| *known == name);
    found.map_or_else(
        || {
            let names: Vec<&str> = CONSTRUCTS.iter().map(|(_, name, _)| *name).collect();
            panic!("no construct `{name}`; there are {}", names.join(", "))
        },
        |(construct, ..)| *construct,
    )
}
