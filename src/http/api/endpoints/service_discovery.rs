//! The endpoints in the form of Prometheus' `http_sd_configs`, so that Prometheus can have the same targets checked by another
//! program, or by `/probe`.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::request::Reader;
use crate::http::api::routes::Json;
use crate::http::scrape::Module;
use crate::store::endpoints::discovered_target::{self, DiscoveredTarget};

/// The endpoints of a Discord server, as Prometheus' `http_sd_configs` reads them.
#[derive(Serialize, ToSchema)]
#[schema(as = TargetGroups)]
pub(super) struct TargetGroupList(Vec<TargetGroup>);

/// One endpoint.
#[derive(Serialize, ToSchema)]
struct TargetGroup {
    /// Its target.
    #[schema(examples("https://example.org/health"))]
    targets: Vec<String>,
    labels: TargetLabels,
}

/// Labels that a `relabel_configs` can use; Prometheus drops them afterwards.
#[derive(Serialize, ToSchema)]
struct TargetLabels {
    #[serde(rename = "__meta_rollcall_id")]
    #[schema(examples("17"))]
    id: String,
    #[serde(rename = "__meta_rollcall_name")]
    #[schema(examples("shop"))]
    name: String,
    /// Empty without one.
    #[serde(rename = "__meta_rollcall_group")]
    #[schema(examples("web"))]
    group: String,
    /// As in other answers, such as `paused`.
    #[serde(rename = "__meta_rollcall_status")]
    #[schema(examples("online"))]
    status: &'static str,
    /// The module of `/probe` for it: `http_2xx` or `tcp_connect`.
    #[serde(rename = "__meta_rollcall_module")]
    #[schema(examples("http_2xx"))]
    module: &'static str,
}

impl From<DiscoveredTarget> for TargetGroup {
    fn from(known: DiscoveredTarget) -> Self {
        Self {
            targets: vec![known.target.to_string()],
            labels: TargetLabels {
                id: known.labels.id.to_string(),
                name: known.labels.name,
                group: known.labels.group.unwrap_or_default(),
                status: known.status.as_str(),
                module: Module::of(known.target.scheme).as_str(),
            },
        }
    }
}

pub(super) async fn list(
    reader: Reader,
    State(app): State<HttpState>,
) -> Result<Json<TargetGroupList>, Problem> {
    let known = discovered_target::of_guild(&app.store.reader, reader.0.guild_id).await?;
    let groups = known.into_iter().map(TargetGroup::from);
    Ok(Json(TargetGroupList(groups.collect())))
}
