//! The figures of the documentation: a page to be included, and the plot on it.

use std::fmt::Write as _;

use anyhow::Result;

use super::growth::{Growth, Point, power};
use super::{Row, plot, thousands};
use crate::sh;

/// Where the figures stand; pages include them with `{{#include measured/cartesian.md}}`.
const DIR: &str = "docs/src/measured";

/// Writes both anew.
pub(crate) fn write(rows: &[Row], growth: &Growth, versions: &str) -> Result<()> {
    let dir = sh::root().join(DIR);
    std::fs::create_dir_all(&dir)?;
    plot::draw(growth, &dir.join("cartesian.svg"))?;
    std::fs::write(dir.join("cartesian.md"), page(rows, growth, versions))?;
    sh::say("Wrote", format!("{DIR}/cartesian.md, {DIR}/cartesian.svg"));
    Ok(())
}

fn page(rows: &[Row], growth: &Growth, versions: &str) -> String {
    let mut out = String::new();
    out.push_str("<!-- Made by `cargo xtask bench cartesian --update-docs`. -->\n\n");
    out.push_str(
        "| tp-qemu | variants | reference | vthost | ratio |\n|---|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let _ = writeln!(
            out,
            "| {} | {} | {:.2} s | {:.1} ms | {:.0} |",
            row.label,
            thousands(row.variants),
            row.theirs.median(),
            row.ours.median() * 1e3,
            row.ratio(),
        );
    }
    let _ = writeln!(
        out,
        "\nThe reference is {versions}. Parsing is included; one thread on one processor; medians.\n\n\
         ![Time of the expansion over the number of variants](measured/cartesian.svg)\n"
    );
    let (low, high) = bounds(growth.unfiltered.iter().map(Point::microseconds));
    let (least, most) = bounds(growth.unfiltered.iter().map(Point::peak_mib));
    let ends = (growth.unfiltered.first(), growth.unfiltered.last());
    let [first, last] = [ends.0, ends.1].map(|point| thousands(point.map_or(0, |p| p.variants)));
    let _ = writeln!(
        out,
        "*The time of the expansion grows with the number of variants that pass, to the power of {:.2} without a \
         filter and {:.2} with filters; both axes are logarithmic. Without a filter, a variant takes {low:.1} to \
         {high:.1} µs and the process holds at most {least:.1} to {most:.1} MiB, from {first} to {last} variants. The \
         default guest's variants take {:.1} MiB.*",
        power(&growth.unfiltered),
        power(&growth.filtered),
        growth.default.peak_mib(),
    );
    out
}

fn bounds(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    (low, values.fold(0.0, f64::max))
}
