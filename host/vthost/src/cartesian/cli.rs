//! The command line of `vthost cartesian`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{
    NonEmptyStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser,
};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use vthost_cartesian::Rule;

#[derive(Debug, Args)]
pub(crate) struct CartesianArgs {
    #[command(subcommand)]
    pub(crate) command: CartesianCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CartesianCommand {
    /// Print the variants of a configuration
    #[command(after_help = EXPAND_EXAMPLES)]
    Expand(ExpandArgs),
    /// Show how a parameter of a variant came to its value
    #[command(after_help = WHY_EXAMPLES)]
    Why(WhyArgs),
    /// Look for what is most likely not meant
    #[command(after_help = LINT_EXAMPLES)]
    Lint(LintArgs),
}

/// What is expanded. Each command says in its own words what FILE and LINE are to it.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration; `-` is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Lines of configuration that follow FILE
    #[arg(value_name = "LINE", value_hint = ValueHint::Other)]
    pub(crate) lines: Vec<String>,
    /// Take only the default variant of each block that has one
    #[arg(short, long)]
    pub(crate) defaults: bool,
    /// Take all variants of these named blocks even so
    #[arg(
        short,
        long,
        value_name = "BLOCK,...",
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(),
        requires = "defaults"
    )]
    pub(crate) expand: Vec<String>,
}

const EXPAND_EXAMPLES: &str = "\
Examples:
  vthost cartesian expand tests.cfg                       the short name of every variant
  vthost cartesian expand tests.cfg 'only boot' 'no ide'  of those that two filters leave
  vthost cartesian expand tests.cfg 'mem = 512' -c        with parameters, one of them set here
  vthost cartesian expand tests.cfg --count               how many there are
  vthost cartesian expand tests.cfg --json --limit 1      the first, for a program
  vthost cartesian expand tests.cfg -d -e disk            defaults only, but every disk
  sed s/old/new/ tests.cfg | vthost cartesian expand -    from standard input

Exit codes:
  0  variants were printed, or whoever reads them had enough
  2  wrong use, a file that cannot be read, a mistake in the configuration
  4  no variant is left
  5  the output cannot be written";

const EXPAND_FILE: &str = "\
The configuration; `-` is standard input. Includes are relative to the file that has them, those of standard input and \
of a pipe to the current directory";
const EXPAND_LINES: &str =
    "Lines of configuration that follow FILE, as `only boot`, `no ide` or `mem = 512`";

#[derive(Debug, Args)]
// What `mut_arg` changes becomes the last: FILE has to come before LINE.
#[command(mut_arg("file", |file| file.help(EXPAND_FILE)))]
#[command(mut_arg("lines", |lines| lines.help(EXPAND_LINES)))]
pub(crate) struct ExpandArgs {
    /// Print the parameters of each variant, too
    #[arg(short, long)]
    pub(crate) contents: bool,
    /// Print one JSON object a line, with all that is known of a variant
    #[arg(long, conflicts_with_all = ["contents", "fullname", "format", "count"])]
    pub(crate) json: bool,
    /// Print full names, with the names of blocks and of `@` variants, instead of short names
    #[arg(short, long)]
    pub(crate) fullname: bool,
    /// Print in the format of another program
    #[arg(long, value_enum, conflicts_with_all = ["contents", "count"])]
    pub(crate) format: Option<Foreign>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Stop after so many variants
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<NonZeroUsize>,
    /// Print nothing but the number of variants
    #[arg(long, conflicts_with_all = ["contents", "fullname"])]
    pub(crate) count: bool,
}

const WHY_EXAMPLES: &str = "\
Examples:
  vthost cartesian why tests.cfg mem                    in the first variant that sets it
  vthost cartesian why tests.cfg mem 'only boot..ide'   in the first of those that a filter leaves
  vthost cartesian why tests.cfg mem_vm1 --json         for a program

Each step is a statement that set the parameter, left it alone or took it away, with the variants and the conditions
that it stands in and the value after it.

Exit codes:
  0  the parameter has a history
  2  wrong use, a file that cannot be read, a mistake in the configuration
  4  no variant is left, or none sets the parameter";

const WHY_LINES: &str = "Lines of configuration that follow FILE: filters choose the variant";

#[derive(Debug, Args)]
// KEY stands between FILE and LINE.
#[command(mut_arg("lines", |lines| lines.index(3).help(WHY_LINES)))]
pub(crate) struct WhyArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The parameter
    #[arg(index = 2, value_name = "KEY", value_hint = ValueHint::Other, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) key: String,
}

const LINT_EXAMPLES: &str = "\
Examples:
  vthost cartesian lint tests.cfg                          what is suspicious, with its place
  vthost cartesian lint tests.cfg --allow unknown-label    without one rule
  vthost cartesian lint *.cfg --json                       one finding a line, for a program
  cat head.cfg tests.cfg | vthost cartesian lint -         from standard input

A FILE is a whole configuration: labels and keys count as known if it has them, or what it includes.

Exit codes:
  0  nothing was found
  1  something was found
  2  wrong use, a file that cannot be read, a mistake in a configuration
  5  the output cannot be written";

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Configurations, each by itself; `-` is standard input. Includes are looked for as `expand` does
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// Print one JSON object a line, with the rule, the place and the message of a finding
    #[arg(long)]
    pub(crate) json: bool,
    /// Do not apply this rule; can be given several times
    #[arg(long, value_name = "RULE", value_parser = rules())]
    pub(crate) allow: Vec<Rule>,
}

/// The rules by their names, which the help lists with what they find.
fn rules() -> impl TypedValueParser<Value = Rule> {
    let names = Rule::ALL
        .iter()
        .map(|rule| PossibleValue::new(rule.name()).help(rule.summary()));
    PossibleValuesParser::new(names)
        .try_map(|name| Rule::named(&name).ok_or("there is no such rule"))
}

/// Formats that other programs define.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Foreign {
    /// As `python -m virttest.cartesian_config -c` prints, and with `--fullname` as it prints with `-f` too
    Reference,
    /// The first 16 digits of the SHA-256 of what `--json` prints, a blank, the full name: to compare expansions
    Digest,
}
