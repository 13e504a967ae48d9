//! Lines on axes, as SVG.

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use std::error::Error;
use std::path::Path;

const SIZE: (u32, u32) = (900, 520);
/// How far the upright axis goes beyond the greatest value: there the names of the lines stand.
const FOR_NAMES: f64 = 1.35;
/// Told apart also by those who see red and green alike (Okabe and Ito, "Color Universal Design").
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
];

/// How an axis counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scale {
    Linear,
    /// Zero is drawn at the lowest value above it.
    Log,
}

/// One line, or with `dots` one cloud of measured points.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) dots: bool,
    /// That of the series at this place among all; its own if not said.
    pub(crate) colour: Option<usize>,
}

impl Series {
    pub(crate) fn line(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, dots: false, colour: None }
    }

    /// Points in the colour of the line at that place.
    pub(crate) fn dots(name: impl Into<String>, points: Vec<(f64, f64)>, colour: usize) -> Self {
        Self { name: name.into(), points, dots: true, colour: Some(colour) }
    }
}

/// A picture.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) title: String,
    /// What an axis counts, and how.
    pub(crate) x: (&'static str, Scale),
    pub(crate) y: (&'static str, Scale),
    pub(crate) series: Vec<Series>,
}

impl Chart {
    /// Writes it.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let (x, y) =
            (self.span(self.x.1, 1.05, |point| point.0), self.span(self.y.1, FOR_NAMES, |point| point.1));
        match (self.x.1, self.y.1) {
            (Scale::Linear, Scale::Linear) => self.draw(path, x.0..x.1, y.0..y.1),
            (Scale::Log, Scale::Linear) => self.draw(path, (x.0..x.1).log_scale(), y.0..y.1),
            (Scale::Linear, Scale::Log) => self.draw(path, x.0..x.1, (y.0..y.1).log_scale()),
            (Scale::Log, Scale::Log) => self.draw(path, (x.0..x.1).log_scale(), (y.0..y.1).log_scale()),
        }
    }

    /// From where to where an axis goes, with some room behind the greatest value.
    fn span(&self, scale: Scale, room: f64, value: impl Fn(&(f64, f64)) -> f64) -> (f64, f64) {
        let values = || self.series.iter().flat_map(|series| series.points.iter().map(&value));
        let greatest = values().fold(0.0, f64::max);
        match scale {
            Scale::Linear => (0.0, if greatest > 0.0 { greatest * room } else { 1.0 }),
            Scale::Log => {
                let least = values().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
                let least = if least.is_finite() { least } else { 1.0 };
                (least * 0.9, greatest.max(least * 10.0) * room * room)
            }
        }
    }

    fn draw<X, Y>(&self, path: &Path, x: X, y: Y) -> Result<(), Box<dyn Error>>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let area = SVGBackend::new(path, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(x, y)?;
        chart.configure_mesh().x_desc(self.x.0).y_desc(self.y.0).light_line_style(WHITE).draw()?;
        let floor = self.span(self.y.1, FOR_NAMES, |point| point.1).0;
        for (place, series) in self.series.iter().enumerate() {
            let colour = &COLOURS[series.colour.unwrap_or(place) % COLOURS.len()];
            let points = series.points.iter().map(|(x, y)| (*x, y.max(floor)));
            if series.dots {
                let drawn = chart.draw_series(points.map(|point| Circle::new(point, 4, colour.filled())))?;
                let key = move |(x, y)| Circle::new((x + 9, y), 4, colour.filled());
                drawn.label(&series.name).legend(key);
            } else {
                let drawn = chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
                let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2));
                drawn.label(&series.name).legend(key);
            }
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.2))
            .draw()?;
        area.present()?;
        Ok(())
    }
}
