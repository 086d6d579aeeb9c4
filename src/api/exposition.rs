//! `GET /metrics`: metric families as text, in the format that the asker accepts.
//!
//! `OpenMetrics` 1.0 by default; the text format 0.0.4, which knows neither infos, nor sets of states, nor units, for those who ask
//! for that first.

use super::reply::{Payload, Reply, set};
use crate::engine::{MOST_SERVERS, MetricFamily, MetricKind, MetricValue, ProcessFacts, Status, metric_families};
use hyper::Response;
use hyper::header::CONTENT_TYPE;
use std::fmt::Write as _;
use std::time::SystemTime;

/// How metrics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// Prometheus' own, before that.
    Text,
}

impl Format {
    /// What an `Accept` header likes best.
    pub(super) fn accepted(header: &str) -> Self {
        let quality = |wanted: &str| {
            let offers = header.split(',').filter_map(|offer| {
                let mut parts = offer.split(';').map(str::trim);
                let kind = parts.next().filter(|kind| kind.eq_ignore_ascii_case(wanted))?;
                let quality = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse::<f64>().ok());
                Some((kind, quality.unwrap_or(1.0)))
            });
            offers.map(|(_, quality)| quality).fold(0.0, f64::max)
        };
        if quality("text/plain") > quality("application/openmetrics-text") { Self::Text } else { Self::OpenMetrics }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Everything that is measured, as text.
pub(super) fn page(status: &Status, process: &ProcessFacts, format: Format) -> String {
    let families = metric_families(status, process, MOST_SERVERS, SystemTime::now());
    let mut text = String::new();
    for family in &families {
        write_family(&mut text, family, format);
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

/// The answer with such a page.
pub(super) fn reply(page: String, format: Format) -> Reply {
    let mut reply = Response::new(Payload::Whole(Some(page.into())));
    set(&mut reply, CONTENT_TYPE, format.content_type());
    reply
}

// Writing to a String can't fail: what `write!` gives is left out below.
fn write_family(text: &mut String, family: &MetricFamily, format: Format) {
    let MetricFamily { name, kind, unit, help, samples } = family;
    let ending = match kind {
        MetricKind::Counter => "_total",
        MetricKind::Info => "_info",
        MetricKind::Gauge | MetricKind::StateSet => "",
    };
    // OpenMetrics names the family, the older format each sample.
    let (titled, kind) = match (format, kind) {
        (Format::OpenMetrics, MetricKind::Gauge) => ("", "gauge"),
        (Format::OpenMetrics, MetricKind::Counter) => ("", "counter"),
        (Format::OpenMetrics, MetricKind::Info) => ("", "info"),
        (Format::OpenMetrics, MetricKind::StateSet) => ("", "stateset"),
        (Format::Text, MetricKind::Counter) => (ending, "counter"),
        (Format::Text, MetricKind::Gauge | MetricKind::Info | MetricKind::StateSet) => (ending, "gauge"),
    };
    _ = writeln!(text, "# HELP {name}{titled} {help}");
    _ = writeln!(text, "# TYPE {name}{titled} {kind}");
    if format == Format::OpenMetrics && !unit.is_empty() {
        _ = writeln!(text, "# UNIT {name} {unit}");
    }
    for (labels, value) in samples {
        text.push_str(name);
        text.push_str(ending);
        if !labels.is_empty() {
            text.push('{');
            text.push_str(labels);
            text.push('}');
        }
        _ = match value {
            MetricValue::Whole(value) => writeln!(text, " {value}"),
            MetricValue::Real(value) => writeln!(text, " {value}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_gets_the_format_that_it_likes_best() {
        for (accept, format) in [
            ("", Format::OpenMetrics),
            ("*/*", Format::OpenMetrics),
            ("text/plain", Format::Text),
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", Format::Text),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Format::OpenMetrics,
            ),
            ("text/plain;q=0.9, application/openmetrics-text; q=0.2", Format::Text),
            ("text/plain;q=x,;;,", Format::Text),
        ] {
            assert_eq!(Format::accepted(accept), format, "{accept}");
        }
    }
}
