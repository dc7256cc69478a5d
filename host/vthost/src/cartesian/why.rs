//! `vthost cartesian why`.

use serde_json::{Value, json};
use vthost_cartesian::{Action, Config, Count, Options, Origin, Place, Step, Variant, Within};
use vthost_metadata::ExitCode;
use vthost_report::text::escaped;

use super::cli::WhyArgs;
use super::input::Input;
use super::{expand, near};
use crate::failure::Failure;
use crate::output;

/// So many variants are searched for one in which the key has a history.
const MAX_SEARCHED: usize = 10_000;

pub(crate) fn main(args: &WhyArgs, color: bool) -> Result<ExitCode, Failure> {
    let input = Input::read(&args.config)?;
    let config = input.config();
    let options = expand::options(&args.config, config)?;
    if let "name" | "shortname" | "dep" = args.key.as_str() {
        let key = &args.key;
        let text = format!("`{key}` has no history: it is made of the variants that are chosen");
        return Err(Failure::new(ExitCode::Usage, text));
    }
    let Some(variant) = find(config, &options, &args.key)? else {
        return match config.names(options.clone()).next_name() {
            None => Err(input.nothing_left(&options)),
            Some(_) => Err(unknown(config, &args.key)),
        };
    };
    let steps = variant.history(&args.key);
    let text = match args.json {
        true => format!("{}\n", object(&variant, &args.key, &steps)),
        false => report(&variant, &args.key, &steps, color) + &others(config, options)?,
    };
    output::print(text.as_bytes())?;
    Ok(ExitCode::Ok)
}

/// The first variant in which the key has a value; if there is none, the first in which anything happens to it.
fn find(config: &Config, options: &Options, key: &str) -> Result<Option<Variant>, Failure> {
    let mut second = None;
    for variant in config.variants_with(options.clone()).take(MAX_SEARCHED) {
        let variant = variant?;
        if variant.get(key).is_some() {
            return Ok(Some(variant));
        }
        if second.is_none() && !variant.history(key).is_empty() {
            second = Some(variant);
        }
    }
    Ok(second)
}

fn unknown(config: &Config, key: &str) -> Failure {
    let near = vthost_cartesian::nearest(key, config.keys().filter(|known| *known != key));
    let text = format!("no variant sets `{key}`{}", near::hint(&near));
    Failure::new(ExitCode::NothingToRun, text)
}

/// What to say if there are more variants than the one that was shown.
fn others(config: &Config, options: Options) -> Result<String, Failure> {
    let how_many = match config.count(options, None)? {
        Count::Exactly(1) => return Ok(String::new()),
        Count::Exactly(count) => format!("{count}"),
        Count::AtLeast(_) => "very many".to_owned(),
    };
    Ok(format!(
        "\nThis is one of {how_many} variants. A LINE, as 'only NAME', chooses another one.\n"
    ))
}

/// For people: the variant, then each step with what it stands in and the value after it.
fn report(variant: &Variant, key: &str, steps: &[Step], color: bool) -> String {
    let bold = console::Style::new().force_styling(color).bold();
    let dim = console::Style::new().force_styling(color).dim();
    let last = variant.get(key).map_or_else(
        || format!("{key} is not set"),
        |value| format!("{key} = {value}"),
    );
    let mut out = format!(
        "{}\nin {}\n",
        bold.apply_to(escaped(&last)),
        escaped(variant.name())
    );
    for step in steps {
        let (place, statement) = statement(&step.action);
        out += &format!(
            "\n{}  {}\n",
            bold.apply_to(escaped(&place)),
            escaped(&statement)
        );
        for within in &step.within {
            let text = match within {
                Within::Variant(name, place) => format!("in {name}  ({place})"),
                Within::Condition(text, place) => format!("if {text}  ({place})"),
                _ => continue,
            };
            out += &format!("    {}\n", dim.apply_to(escaped(&text)));
        }
        let result = match (&step.action, &step.value) {
            (Action::Kept(_), Some(value)) => format!("stays {value}"),
            (Action::Kept(_), None) => "stays unset".to_owned(),
            (_, Some(value)) => format!("-> {value}"),
            (_, None) => "-> unset".to_owned(),
        };
        out += &format!("    {}\n", escaped(&result));
    }
    out
}

/// Where a step stands, and the line that it is.
fn statement(action: &Action) -> (String, String) {
    let of = |origin: &Origin| (origin.to_string(), origin.source_line().trim().to_owned());
    match action {
        Action::Set(origin)
        | Action::Kept(origin)
        | Action::Deleted(origin)
        | Action::Renamed(_, origin) => of(origin),
        Action::Bounded(by, origin) => {
            let (place, line) = of(origin);
            (place, format!("{line}    # `{by}` is a bound"))
        }
        _ => (String::new(), String::new()),
    }
}

/// For programs.
fn object(variant: &Variant, key: &str, steps: &[Step]) -> Value {
    let steps: Vec<Value> = steps.iter().map(step).collect();
    json!({
        "variant": variant.name(),
        "key": key,
        "value": variant.get(key),
        "steps": steps,
    })
}

fn step(step: &Step) -> Value {
    let within: Vec<Value> = step
        .within
        .iter()
        .filter_map(|within| match within {
            Within::Variant(name, place) => Some(scope("variant", name, place)),
            Within::Condition(text, place) => Some(scope("condition", text, place)),
            _ => None,
        })
        .collect();
    let mut object = match &step.action {
        Action::Set(origin) => at("set", origin),
        Action::Kept(origin) => at("kept", origin),
        Action::Deleted(origin) => at("deleted", origin),
        Action::Bounded(by, origin) => {
            let mut object = at("bounded", origin);
            object["by"] = json!(by);
            object
        }
        Action::Renamed(suffix, origin) => {
            let mut object = at("renamed", origin);
            object["suffix"] = json!(suffix);
            object
        }
        _ => json!({}),
    };
    object["value"] = json!(step.value.as_deref());
    object["within"] = json!(within);
    object
}

fn at(action: &str, origin: &Origin) -> Value {
    json!({
        "action": action,
        "file": origin.file(),
        "line": origin.line(),
        "column": origin.column(),
        "operator": origin.operator().as_str(),
    })
}

fn scope(kind: &str, text: &str, place: &Place) -> Value {
    json!({kind: text, "file": place.file(), "line": place.line()})
}
