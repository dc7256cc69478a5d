//! The plot of time over variants.

use std::ops::Range;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::growth::{Growth, Point};
use super::thousands;

const SIZE: (u32, u32) = (720, 440);
const FONT: &str = "sans-serif";
const UNFILTERED: RGBColor = RGBColor(31, 119, 180);
const FILTERED: RGBColor = RGBColor(214, 96, 0);
const GUIDE: RGBColor = RGBColor(170, 170, 170);

/// Draws both series, and a line on which a variant always takes the same time.
pub(crate) fn draw(growth: &Growth, file: &Path) -> Result<()> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    // The errors of the library borrow the backend.
    draw_on(&area, growth).map_err(|error| anyhow!("cannot draw {}: {error}", file.display()))
}

type Area<'f> = DrawingArea<SVGBackend<'f>, plotters::coord::Shift>;
type DrawError<'f> = DrawingAreaErrorKind<<SVGBackend<'f> as DrawingBackend>::ErrorType>;

fn draw_on<'f>(area: &Area<'f>, growth: &Growth) -> Result<(), DrawError<'f>> {
    area.fill(&WHITE)?;
    let all = || growth.unfiltered.iter().chain(&growth.filtered);
    let x = span(all().map(|point| point.variants as f64));
    let y = span(all().map(|point| point.seconds * 1e3));
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .margin_right(32)
        .x_label_area_size(48)
        .y_label_area_size(72)
        .build_cartesian_2d(x.clone().log_scale(), y.clone().log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(232, 232, 232))
        .label_style((FONT, 14))
        .axis_desc_style((FONT, 15))
        .x_desc("variants that pass the filters")
        .y_desc("time of the expansion, ms")
        .x_label_formatter(&|x| thousands(*x as usize))
        .y_label_formatter(&|y| {
            if *y < 1.0 {
                format!("{y:.1}")
            } else {
                thousands(*y as usize)
            }
        })
        .draw()?;

    let each = growth.microseconds() / 1e3;
    // As much of the line as lies within both axes.
    let guide = [x.start, x.end]
        .map(|x| (x * each).clamp(y.start, y.end))
        .map(|y| (y / each, y));
    chart
        .draw_series(LineSeries::new(guide, GUIDE))?
        .label(format!("{:.1} µs a variant", each * 1e3))
        .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], GUIDE));
    for (points, label, colour) in [
        (
            &growth.unfiltered,
            "no filter, the first so many",
            UNFILTERED,
        ),
        (&growth.filtered, "all that several filters leave", FILTERED),
    ] {
        let at = |point: &Point| (point.variants as f64, point.seconds * 1e3);
        chart
            .draw_series(
                points
                    .iter()
                    .map(|point| Circle::new(at(point), 4, colour.filled())),
            )?
            .label(label)
            .legend(move |(x, y)| Circle::new((x + 8, y), 4, colour.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font((FONT, 14))
        .border_style(RGBColor(200, 200, 200))
        .background_style(WHITE)
        .margin(10)
        .draw()?;
    area.present()
}

/// From the least to the largest value, with some room on both sides.
fn span(values: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(0.0, f64::max);
    low / 1.7..high * 1.7
}
