//! Autocomplete for the metric of a limit: what the chosen server reports, and what its limits are about.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse, ResolvedValue};

use crate::discord::Context;
use crate::discord::servers::limit_replies;
use crate::discord::ui::complete::{self, CHOICE_LENGTH, CHOICES};
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply;
use crate::domain::monitor::MonitorKind;
use crate::domain::servers::metric::Metric;
use crate::store::servers::metric_limit;

/// Short forms of the metrics that most agents report.
const SHORT_FORMS: [&str; 3] = ["disk", "memory", "cpu"];

/// Suggests metrics that contain the typed text: those of the chosen server, or the short forms if there is none yet.
pub(super) async fn metric(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let known = known_metrics(ctx).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "cannot load the metrics of a server for autocomplete");
        SHORT_FORMS.map(str::to_owned).to_vec()
    });
    let choices = matching(known, partial);
    let choices = choices
        .into_iter()
        .map(|metric| AutocompleteChoice::new(metric.clone(), metric));
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

/// The value of the option `server`, which another option than the typed one has.
fn typed_server(ctx: Context<'_>) -> Option<&str> {
    let poise::Context::Application(ctx) = ctx else {
        return None;
    };
    ctx.args.iter().find_map(|option| match option.value {
        ResolvedValue::String(text) if option.name == "server" => Some(text),
        _ => None,
    })
}

async fn known_metrics(ctx: Context<'_>) -> Result<Vec<String>, CommandError> {
    let guild = reply::requester(ctx)?.guild;
    let reader = &ctx.data().store.reader;
    let typed = typed_server(ctx).unwrap_or_default();
    let server = complete::named(reader, guild, Some(MonitorKind::Server), typed).await?;
    let limits = metric_limit::list(reader, guild, server.id).await?;
    let limits = limits.into_iter().map(|one| one.limit.metric);
    let figures = limit_replies::latest_figures(reader, server.id).await?;
    Ok(of_server(figures.as_deref(), limits.collect()))
}

/// The metrics that a server can have limits on: short forms first, then those with limits, then what its latest report has.
fn of_server(figures: Option<&[(String, f64)]>, limits: Vec<Metric>) -> Vec<String> {
    let is_reported = |form: &&str| {
        let metric = form.parse::<Metric>();
        figures.is_none_or(|figures| {
            metric.is_ok_and(|metric| figures.iter().any(|(path, _)| metric.matches(path)))
        })
    };
    let short = SHORT_FORMS.into_iter().filter(is_reported);
    let mut known: Vec<String> = short.map(str::to_owned).collect();
    let limited = limits.iter().map(Metric::as_str);
    let paths = figures.unwrap_or_default().iter();
    for metric in limited.chain(paths.map(|(path, _)| path.as_str())) {
        if !known.iter().any(|other| other == metric) {
            known.push(metric.to_owned());
        }
    }
    known
}

/// Those that contain the typed text and fit into a choice, as many as a list may have.
fn matching(known: Vec<String>, partial: &str) -> Vec<String> {
    let partial = partial.trim().to_lowercase();
    let is_meant = |metric: &String| {
        metric.chars().count() <= CHOICE_LENGTH && metric.to_lowercase().contains(&partial)
    };
    known
        .into_iter()
        .filter(is_meant)
        .take(CHOICES as usize)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(paths: &[&str]) -> Vec<(String, f64)> {
        let figure = |path: &&str| ((*path).to_owned(), 1.0);
        paths.iter().map(figure).collect()
    }

    #[test]
    fn metrics_are_short_forms_then_those_with_limits_then_the_reported_ones_without_duplicates() {
        let reported = figures(&["cpu", "disk./.used_percent", "metrics.queue"]);
        let limits = vec!["metrics.*".parse().unwrap(), "disk".parse().unwrap()];
        let known = of_server(Some(&reported), limits);
        let expected = [
            "disk",
            "cpu",
            "metrics.*",
            "disk./.used_percent",
            "metrics.queue",
        ];
        assert_eq!(known, expected);
        assert_eq!(of_server(Some(&[]), Vec::new()), [""; 0]);
        assert_eq!(of_server(None, Vec::new()), SHORT_FORMS);
    }

    #[test]
    fn choices_contain_the_typed_text_and_fit_into_the_list() {
        let known = || {
            vec![
                "disk".to_owned(),
                "metrics.Disks".to_owned(),
                "cpu".to_owned(),
            ]
        };
        assert_eq!(matching(known(), " DISK "), ["disk", "metrics.Disks"]);
        assert_eq!(matching(known(), ""), known());
        assert_eq!(matching(known(), "x"), [""; 0]);
        let lengths = [CHOICE_LENGTH - 1, CHOICE_LENGTH, CHOICE_LENGTH + 1];
        let long = lengths.map(|length| "ä".repeat(length)).to_vec();
        assert_eq!(matching(long.clone(), ""), long[..2]);
        for (count, shown) in [(24, 24), (25, 25), (26, 25)] {
            let many = vec!["cpu".to_owned(); count];
            assert_eq!(matching(many, "").len(), shown);
        }
    }
}
