//! The engine of the configuration language beside the reference: speed, memory, and how both grow.

mod docs;
mod growth;
mod plot;
mod side;

pub(crate) use side::pin;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::series::Series;
use crate::sh;
use side::{Input, Sides};

/// The variants that Avocado-VT's default guest has.
const DEFAULT: Input = Input {
    lines: &[
        "only JeOS.27..x86_64..i440fx",
        "only qcow2",
        "only virtio_net",
        "only virtio_blk",
        "only smp2",
    ],
    limit: 0,
    defaults: false,
};

/// One run of the reference, and what of ours is compared with it.
struct Group {
    input: Input,
    theirs: &'static str,
    ours: &'static [Goal],
    /// The reference takes so long that once must do.
    once: bool,
}

/// What of ours is compared, and how many times faster it has to be.
struct Goal {
    label: &'static str,
    mode: &'static str,
    ratio: f64,
}

const GROUPS: &[Group] = &[
    Group {
        input: DEFAULT,
        theirs: "visit",
        ours: &[
            Goal {
                label: "default guest, all keys visited",
                mode: "visit",
                ratio: 150.0,
            },
            // The reference has no cheaper way to the names than to make all keys.
            Goal {
                label: "default guest, names only",
                mode: "names",
                ratio: 400.0,
            },
        ],
        once: false,
    },
    Group {
        input: DEFAULT,
        theirs: "digest",
        ours: &[Goal {
            label: "default guest, canonical JSON hashed",
            mode: "digest",
            ratio: 80.0,
        }],
        once: false,
    },
    Group {
        input: Input {
            lines: &[],
            limit: 20_000,
            defaults: false,
        },
        theirs: "visit",
        ours: &[Goal {
            label: "no filter, first 20,000, all keys visited",
            mode: "visit",
            ratio: 150.0,
        }],
        once: false,
    },
    Group {
        input: Input {
            lines: &["only Fedora..x86_64", "only q35"],
            limit: 3_000,
            defaults: true,
        },
        theirs: "visit",
        ours: &[Goal {
            label: "Fedora on q35, only defaults, first 3,000",
            mode: "visit",
            ratio: 1_000.0,
        }],
        once: true,
    },
];

/// One line of the table.
pub(crate) struct Row {
    label: &'static str,
    variants: usize,
    theirs: Series,
    ours: Series,
    target: f64,
    agrees: bool,
}

impl Row {
    /// How many times faster, by the medians.
    fn ratio(&self) -> f64 {
        self.theirs.median() / self.ours.median()
    }

    /// How many times faster, each side's best run.
    fn best_ratio(&self) -> f64 {
        self.theirs.min() / self.ours.min()
    }

    fn json(&self) -> Value {
        json!({
            "label": self.label,
            "variants": self.variants,
            "reference_s": self.theirs.all(),
            "vthost_s": self.ours.all(),
            "ratio_of_medians": self.ratio(),
            "ratio_of_bests": self.best_ratio(),
            "target": self.target,
            "agrees": self.agrees,
        })
    }
}

/// Runs of our side for each run of the reference: that one lasts for seconds, over which the noise of the machine evens
/// out, and ours for milliseconds.
const REPEATS: usize = 5;

/// `cargo xtask bench cartesian`.
pub(crate) fn main(rounds: usize, update_docs: bool) -> Result<()> {
    let rounds = rounds.max(1);
    let scratch = tempfile::tempdir()?;
    let sides = Sides::prepare(scratch.path())?;
    let (mut rows, mut versions) = (Vec::new(), String::new());
    for group in GROUPS {
        rows.extend(compare(&sides, group, rounds, &mut versions)?);
    }
    let growth = growth::measure(&sides, rounds)?;

    println!(
        "The reference is {versions}. Each run is a process of its own, parsing included, on one thread"
    );
    println!(
        "and one processor; medians of {rounds} rounds of one run of the reference (one in all where that takes a minute)"
    );
    println!("and {REPEATS} of vthost.\n");
    print_table(&rows);
    growth.print();

    let raw = sh::target_dir()?.join("bench/cartesian.json");
    std::fs::create_dir_all(raw.parent().unwrap_or(&raw))?;
    let all = json!({
        "reference": versions,
        "rounds": rounds,
        "comparisons": rows.iter().map(Row::json).collect::<Vec<_>>(),
        "growth": growth.json(),
    });
    std::fs::write(&raw, format!("{all:#}\n"))?;
    sh::say("Wrote", raw.display());
    // Figures of two sides that do different things would say nothing.
    let differ: Vec<&str> = rows
        .iter()
        .filter(|row| !row.agrees)
        .map(|row| row.label)
        .collect();
    if !differ.is_empty() {
        bail!(
            "vthost and the reference do not give the same variants: {}",
            differ.join("; ")
        );
    }
    if update_docs {
        docs::write(&rows, &growth, &versions)?;
    }
    Ok(())
}

fn compare(sides: &Sides, group: &Group, rounds: usize, versions: &mut String) -> Result<Vec<Row>> {
    let mut theirs = Vec::new();
    let mut ours: Vec<Vec<side::Run>> = group.ours.iter().map(|_| Vec::new()).collect();
    for round in 1..=rounds {
        let labels: Vec<&str> = group.ours.iter().map(|goal| goal.label).collect();
        sh::say(
            "Measuring",
            format!("{}, round {round} of {rounds}", labels.join("; ")),
        );
        if round == 1 || !group.once {
            theirs.push(sides.theirs(group.theirs, &group.input)?);
        }
        for (goal, runs) in group.ours.iter().zip(&mut ours) {
            for _ in 0..REPEATS {
                runs.push(sides.ours(goal.mode, &group.input)?);
            }
        }
    }
    *versions = theirs[0].versions();
    let rows = group.ours.iter().zip(&ours).map(|(goal, runs)| {
        // Names alone have other sums than all keys.
        let same = |run: &side::Run| match goal.mode == group.theirs {
            true => run.agrees(&theirs[0]),
            false => run.variants == theirs[0].variants,
        };
        Row {
            label: goal.label,
            variants: theirs[0].variants,
            theirs: Series::new(theirs.iter().map(side::Run::whole).collect()),
            ours: Series::new(runs.iter().map(side::Run::whole).collect()),
            target: goal.ratio,
            agrees: runs.iter().all(same),
        }
    });
    Ok(rows.collect())
}

fn print_table(rows: &[Row]) {
    println!(
        "{:<42} {:>8} {:>11} {:>11} {:>8} {:>8} {:>7}",
        "", "variants", "reference", "vthost", "ratio", "of bests", "target"
    );
    for row in rows {
        let remark = match (row.agrees, row.ratio() >= row.target) {
            (false, _) => "  the sides DISAGREE",
            (true, false) => "  below the target",
            (true, true) => "",
        };
        println!(
            "{:<42} {:>8} {:>9.3} s {:>8.2} ms {:>8.0} {:>8.0} {:>7.0}{remark}",
            row.label,
            thousands(row.variants),
            row.theirs.median(),
            row.ours.median() * 1e3,
            row.ratio(),
            row.best_ratio(),
            row.target,
        );
    }
}

/// A number with a comma after each three digits.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn commas_stand_after_three_digits() {
        assert_eq!(
            [0, 999, 1_000, 100_000, 1_234_567].map(thousands),
            ["0", "999", "1,000", "100,000", "1,234,567"]
        );
    }
}
