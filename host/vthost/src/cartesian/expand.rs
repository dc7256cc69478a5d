//! `vthost cartesian expand`.

use std::num::NonZeroUsize;

use vthost_cartesian::{Config, Count, Error, JsonWriter, Options};
use vthost_metadata::ExitCode;

use super::cli::{ConfigArgs, ExpandArgs, Foreign};
use super::format;
use super::input::Input;
use super::{near, reference};
use crate::failure::Failure;
use crate::output::{self, Lines};

pub(crate) fn main(args: &ExpandArgs, color: bool) -> Result<ExitCode, Failure> {
    let input = Input::read(&args.config)?;
    let options = options(&args.config, input.config())?;
    let found = if args.count {
        let count = count(input.config(), options.clone(), args.limit)?;
        output::print(format!("{count}\n").as_bytes())?;
        count
    } else {
        print(args, input.config(), options.clone(), color)? as u128
    };
    match found {
        0 => Err(input.nothing_left(&options)),
        _ => Ok(ExitCode::Ok),
    }
}

/// How to expand: with `--defaults`, the blocks that `--expand` names in full even so.
pub(crate) fn options(args: &ConfigArgs, config: &Config) -> Result<Options, Failure> {
    let names = args.expand.iter();
    let expand: Vec<String> = names.map(|name| name.trim().into()).collect();
    for name in &expand {
        if !config.blocks().any(|block| block == name) {
            let near = vthost_cartesian::nearest(name, config.blocks());
            let text = format!(
                "there is no block `variants {name}:` (in --expand){}",
                near::hint(&near)
            );
            return Err(Failure::new(ExitCode::Usage, text));
        }
    }
    Ok(Options {
        defaults: args.defaults,
        expand,
    })
}

/// How many variants there are, at most `limit`.
fn count(config: &Config, options: Options, limit: Option<NonZeroUsize>) -> Result<u128, Failure> {
    let limit = limit.map(|limit| limit.get() as u128);
    match config.count(options, limit)? {
        Count::Exactly(count) => Ok(count),
        Count::AtLeast(count) if limit == Some(count) => Ok(count),
        Count::AtLeast(u128::MAX) => Err(Failure::new(
            ExitCode::Usage,
            "there are more than 10^38 variants; select fewer with filters",
        )),
        Count::AtLeast(count) => Err(Failure::new(
            ExitCode::Usage,
            format!(
                "there are at least {count} variants, and filters make it necessary to count them one by one; select fewer with filters, or give a --limit"
            ),
        )),
    }
}

/// Prints the variants and says how many it were.
fn print(
    args: &ExpandArgs,
    config: &Config,
    options: Options,
    color: bool,
) -> Result<usize, Failure> {
    let mut out = Lines::new();
    let screen = out.is_terminal();
    let full = args.fullname;
    let limit = args.limit.map_or(usize::MAX, NonZeroUsize::get);
    if !args.json && !args.contents && args.format.is_none() {
        let mut names = config.names(options);
        return each(&mut out, limit, |text, _| {
            let name = match names.next_name()? {
                Ok(name) => name,
                Err(error) => return Some(Err(error)),
            };
            text.push_str(&format::shown(
                if full { name.full } else { name.short },
                screen,
            ));
            text.push('\n');
            Some(Ok(()))
        });
    }
    let mut variants = config.variants_with(options);
    let mut writer = JsonWriter::default();
    each(&mut out, limit, |text, number| {
        let variant = match variants.next()? {
            Ok(variant) => variant,
            Err(error) => return Some(Err(error)),
        };
        match args.format {
            Some(Foreign::Reference) => {
                reference::print(text, &variant, number, full, screen);
            }
            Some(Foreign::Digest) => {
                let json = writer.write(&variant);
                format::digest(text, json, variant.name(), screen);
            }
            None if args.json => format::json(text, writer.write(&variant), screen),
            None => format::contents(text, &variant, full, color),
        }
        Some(Ok(()))
    })
}

/// Prints text after text as they are made, until there is none left or nobody reads any more. `next` writes the text of
/// this number, from 1.
fn each(
    out: &mut Lines,
    limit: usize,
    mut next: impl FnMut(&mut String, usize) -> Option<Result<(), Error>>,
) -> Result<usize, Failure> {
    let mut printed = 0;
    let mut text = String::new();
    while printed < limit {
        text.clear();
        match next(&mut text, printed + 1) {
            None => break,
            Some(Ok(())) => {
                printed += 1;
                if !out.write(&text)? {
                    return Ok(printed);
                }
            }
            Some(Err(error)) => {
                // What came before the mistake is seen before the mistake.
                out.flush()?;
                return Err(error.into());
            }
        }
    }
    out.flush()?;
    Ok(printed)
}
