//! `/offline_endpoints list | recheck | stats`: lists offline endpoints with the reasons, checks one again, and
//! shows statistics.

use crate::actions::endpoints::{recheck, summarize};
use crate::discord::Context;
use crate::discord::endpoints::{handlers, inactive, not_found, statistics_card, texts};
use crate::discord::monitors::history::range_option;
use crate::discord::monitors::pictures::attach::PictureRequest;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::ui::view::OfflineView;
use crate::discord::ui::{access, complete};
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::target::Target;

/// Show and recheck endpoints that are offline
#[poise::command(slash_command, guild_only, subcommands("list", "recheck", "stats"))]
pub(in crate::discord) async fn offline_endpoints(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// The reason why an endpoint is offline. Append only: Discord identifies a choice by its index.
#[derive(Clone, Copy, Debug, poise::ChoiceParameter)]
enum Reason {
    #[name = "connection refused"]
    Refused,
    #[name = "timed out"]
    TimedOut,
    #[name = "unreachable"]
    Unreachable,
    #[name = "name not found"]
    NameFailed,
    #[name = "TLS failed"]
    TlsFailed,
    #[name = "unexpected status"]
    UnexpectedStatus,
    #[name = "keyword missing"]
    KeywordMissing,
    #[name = "address not allowed"]
    NotAllowed,
    #[name = "protocol error"]
    ProtocolError,
}

impl From<Reason> for FailureClass {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Refused => Self::Refused,
            Reason::TimedOut => Self::TimedOut,
            Reason::Unreachable => Self::Unreachable,
            Reason::NameFailed => Self::NameFailed,
            Reason::TlsFailed => Self::TlsFailed,
            Reason::UnexpectedStatus => Self::UnexpectedStatus,
            Reason::KeywordMissing => Self::KeywordMissing,
            Reason::NotAllowed => Self::NotAllowed,
            Reason::ProtocolError => Self::ProtocolError,
        }
    }
}

/// List offline endpoints, longest outage first
#[poise::command(slash_command, guild_only)]
async fn list(
    ctx: Context<'_>,
    #[description = "Page (default: 1)"]
    #[min = 1]
    page: Option<u32>,
    #[description = "Only endpoints that are offline for this reason"] reason: Option<Reason>,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let view = OfflineView {
        page: page.unwrap_or(1),
        reason: reason.map(FailureClass::from),
        may_manage: access::may_manage(reply::permissions(ctx)),
    };
    reply::answer(
        ctx,
        handlers::offline_list(ctx.data(), requester.guild, view),
    )
    .await
}

/// Check an endpoint now
#[poise::command(slash_command, guild_only)]
async fn recheck(
    ctx: Context<'_>,
    #[description = "Address or name"]
    #[autocomplete = "complete::endpoint"]
    #[max_length = 512]
    ip: String,
    #[description = "Port, if the address is not unique"]
    #[min = 1]
    port: Option<u16>,
) -> Result<(), CommandError> {
    let app = ctx.data();
    let requester = reply::requester(ctx)?;
    app.bot.recheck_limit.count(requester, app.now())?;
    let work = async {
        match recheck::find(&app.store.reader, requester, &ip, port).await {
            Ok(endpoint) => handlers::recheck(app, requester, endpoint).await,
            Err(crate::actions::Error::NotFound(words)) => {
                let may_manage = access::may_manage(reply::permissions(ctx));
                Ok(not_found::unknown_endpoint(
                    &words,
                    target_of(&ip, port).as_ref(),
                    may_manage,
                ))
            }
            Err(error) => Err(error.into()),
        }
    };
    reply::answer(ctx, work).await
}

/// The target to offer for an address that no endpoint of the guild has.
fn target_of(ip: &str, port: Option<u16>) -> Option<Target> {
    let ip = ip.trim();
    let candidates = match port {
        Some(port) => vec![format!("tcp://{ip}:{port}"), format!("tcp://[{ip}]:{port}")],
        None => vec![ip.to_owned()],
    };
    candidates
        .iter()
        .find_map(|candidate| candidate.parse().ok())
}

/// Show counts by status, reasons for outages, and results of rechecks
#[poise::command(slash_command, guild_only)]
async fn stats(
    ctx: Context<'_>,
    #[description = "How many were inactive, such as in 30d or last month (default: as it is now)"]
    #[autocomplete = "range_option::suggest"]
    #[max_length = 40]
    range: Option<String>,
) -> Result<(), CommandError> {
    let app = ctx.data();
    let request = PictureRequest::of_command(ctx)?;
    let guild = request.requester.guild;
    let work = async {
        if let Some(typed) = range {
            return inactive::statistics(app, request, &typed).await;
        }
        let now = app.now();
        let statistics = summarize::statistics(&app.store.reader, guild, now).await?;
        if statistics.total() == 0 {
            return Ok(Message::sentence(texts::NO_ENDPOINTS));
        }
        Ok(Message::embed(statistics_card::statistics(
            &statistics,
            app.endpoints.recheck_interval,
            now,
        )))
    };
    reply::answer(ctx, work).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_class_is_a_choice() {
        use poise::ChoiceParameter;
        for (index, class) in FailureClass::ALL.iter().copied().enumerate() {
            let reason = Reason::from_index(index).expect("a choice for every class");
            assert_eq!(FailureClass::from(reason), class);
            assert_eq!(reason.name(), class.text());
        }
    }

    #[test]
    fn an_unknown_address_is_offered_as_a_target_to_add() {
        for (ip, port, target) in [
            ("203.0.113.7", Some(80), Some("tcp://203.0.113.7:80")),
            ("2001:db8::7", Some(80), Some("tcp://[2001:db8::7]:80")),
            ("203.0.113.7:81", None, Some("tcp://203.0.113.7:81")),
            ("https://example.org/", None, Some("https://example.org/")),
            ("203.0.113.7", None, None),
            ("nonsense here", None, None),
        ] {
            assert_eq!(
                target_of(ip, port)
                    .map(|target| target.to_string())
                    .as_deref(),
                target,
                "{ip}"
            );
        }
    }
}
