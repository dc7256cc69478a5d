//! How time and memory of our side grow with the number of variants that pass the filters.

use anyhow::Result;
use serde_json::{Value, json};

use super::side::{Input, Run, Sides};
use super::{DEFAULT, thousands};
use crate::bench::series::Series;
use crate::sh;

/// Without a filter, the first so many.
const LIMITS: &[usize] = &[1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];

/// Lines after `tests.cfg`, and how many variants are taken; 0 for all.
type Selection = (&'static [&'static str], usize);

/// No filter.
const NONE: &[&str] = &[];

/// Filters that leave more and more.
const FILTERS: &[&[&str]] = &[
    &[
        "only boot",
        "only q35",
        "only qcow2",
        "only smp2",
        "only virtio_scsi",
        "only virtio_net",
    ],
    &[
        "only usb",
        "only Win10..x86_64..q35",
        "only qcow2",
        "only virtio_scsi",
        "only virtio_net",
        "only smp2",
    ],
    &[
        "only usb",
        "only Fedora..x86_64",
        "only q35",
        "only raw",
        "only virtio_scsi",
        "only smp2",
        "only virtio_net",
    ],
    &["only boot", "only q35", "only qcow2", "only virtio_net"],
    DEFAULT.lines,
    &[
        "only migrate",
        "only q35",
        "only qcow2",
        "only virtio_scsi",
        "only smp2",
        "only virtio_net",
    ],
    &[
        "only nic_hotplug",
        "only q35",
        "only qcow2",
        "only virtio_scsi",
        "only smp2",
    ],
];

/// The most memory that expanding the default guest's variants may take, in MiB.
const MEMORY_MIB: f64 = 60.0;

/// One selection: the best of several runs.
pub(crate) struct Point {
    /// How many variants pass.
    pub(crate) variants: usize,
    /// Seconds of the expansion alone.
    pub(crate) seconds: f64,
    keys: usize,
    peak_kib: u64,
}

impl Point {
    fn best(runs: &[Run]) -> Self {
        let seconds = runs.iter().map(|run| run.expand).min_by(f64::total_cmp);
        Self {
            variants: runs[0].variants,
            seconds: seconds.unwrap_or(0.0),
            keys: runs[0].keys,
            peak_kib: runs.iter().map(|run| run.peak_kib).max().unwrap_or(0),
        }
    }

    /// Time of one variant.
    pub(crate) fn microseconds(&self) -> f64 {
        self.seconds / self.variants as f64 * 1e6
    }

    /// The most memory that the process held.
    pub(crate) fn peak_mib(&self) -> f64 {
        self.peak_kib as f64 / 1024.0
    }

    fn json(&self) -> Value {
        json!({
            "variants": self.variants,
            "keys": self.keys,
            "expand_s": self.seconds,
            "peak_kib": self.peak_kib,
        })
    }
}

/// All that was measured here.
pub(crate) struct Growth {
    /// The default guest's variants.
    pub(crate) default: Point,
    /// The first so many without a filter.
    pub(crate) unfiltered: Vec<Point>,
    /// What filters of several kinds leave.
    pub(crate) filtered: Vec<Point>,
}

/// Measures our side on selections of growing size; all keys of all variants are built and looked at.
pub(crate) fn measure(sides: &Sides, rounds: usize) -> Result<Growth> {
    sh::say("Measuring", "how time and memory grow");
    let all = |lines| (lines, 0);
    let default = [all(DEFAULT.lines)];
    let unfiltered: Vec<_> = LIMITS.iter().map(|limit| (NONE, *limit)).collect();
    let filtered: Vec<_> = FILTERS.iter().copied().map(all).collect();
    Ok(Growth {
        default: points(sides, &default, rounds)?.remove(0),
        unfiltered: points(sides, &unfiltered, rounds)?,
        filtered: points(sides, &filtered, rounds)?,
    })
}

/// The best run of each selection (lines and limit). They take turns, so that a disturbance hits no selection alone.
fn points(sides: &Sides, selections: &[Selection], rounds: usize) -> Result<Vec<Point>> {
    let mut runs: Vec<Vec<Run>> = selections.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for ((lines, limit), runs) in selections.iter().zip(&mut runs) {
            let input = Input {
                lines,
                limit: *limit,
                defaults: false,
            };
            runs.push(sides.ours("visit", &input)?);
        }
    }
    Ok(runs.iter().map(|runs| Point::best(runs)).collect())
}

impl Growth {
    /// What a variant takes without a filter: the median over the selections.
    pub(crate) fn microseconds(&self) -> f64 {
        Series::new(self.unfiltered.iter().map(Point::microseconds).collect()).median()
    }

    /// As tables.
    pub(crate) fn print(&self) {
        println!(
            "\nPeak memory of vthost for the default guest: {:.1} MiB (at most {MEMORY_MIB:.0}){}",
            self.default.peak_mib(),
            if self.default.peak_mib() > MEMORY_MIB {
                ", TOO MUCH"
            } else {
                ""
            },
        );
        for (title, points) in [
            ("no filter, the first", &self.unfiltered),
            ("what filters leave", &self.filtered),
        ] {
            println!(
                "\n{title:<24} {:>11} {:>12} {:>12}",
                "expansion", "a variant", "peak memory"
            );
            for point in points {
                println!(
                    "{:>24} {:>8.1} ms {:>9.2} µs {:>8.1} MiB",
                    thousands(point.variants),
                    point.seconds * 1e3,
                    point.microseconds(),
                    point.peak_mib(),
                );
            }
            println!(
                "{:>24} variants to the power of {:.2}",
                "time grows as",
                power(points)
            );
        }
    }

    /// As raw numbers.
    pub(crate) fn json(&self) -> Value {
        let all = |points: &[Point]| points.iter().map(Point::json).collect::<Vec<_>>();
        json!({
            "default": self.default.json(),
            "unfiltered": all(&self.unfiltered),
            "filtered": all(&self.filtered),
        })
    }
}

/// The power of the number of variants with which time grows: the slope of the straight line through the logarithms.
pub(crate) fn power(points: &[Point]) -> f64 {
    let logs: Vec<(f64, f64)> = points
        .iter()
        .map(|point| ((point.variants as f64).ln(), point.seconds.ln()))
        .collect();
    let count = logs.len() as f64;
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let above: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let below: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(law: impl Fn(f64) -> f64) -> Vec<Point> {
        let point = |variants: usize| Point {
            variants,
            seconds: law(variants as f64),
            keys: 0,
            peak_kib: 0,
        };
        [100, 1_000, 5_000, 100_000].map(point).into()
    }

    #[test]
    fn the_power_is_found() {
        assert!((power(&points(|x| x * 2e-5)) - 1.0).abs() < 1e-9);
        assert!((power(&points(|x| x * x * 3e-7)) - 2.0).abs() < 1e-9);
    }
}
