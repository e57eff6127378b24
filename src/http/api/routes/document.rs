//! The OpenAPI 3.1 description as a document: what the routes collected, with the parts that all of them share.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::PartialSchema as _;
use utoipa::ToSchema as _;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Paths;
use utoipa::openapi::schema::{Components, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::server::Server;
use utoipa::openapi::tag::Tag;
use utoipa::openapi::{Content, InfoBuilder, OpenApiBuilder, Ref, RefOr, Response, Schema};

use crate::http::api::problem::{ProblemView, REFUSALS};

const DESCRIPTION: &str = "For devices and agents that report, and for programs that read and manage monitors. Send the key as `Authorization: Bearer …`; `x-keys` lists the kinds of keys that an operation accepts. Invalid, unknown and revoked keys get the same 401. Data of another Discord server gets the same 404 as data that does not exist. Lists have one shape: an array that is named like the last part of the path, and `next_cursor`, which is the `cursor` of the next page, or null on the last one. Limits: 64 KiB per body, 16 levels of nesting, 1,024 characters per text, no unknown fields, no Content-Encoding. Rate limits: 1 request per second and bursts of 10 for each device, each server and each read or admin key; 10 requests per minute with an invalid key. An address that sends too many of them gets 429 also for valid keys that were not used recently.";

/// The name of the shared response for a status.
pub(super) fn problem_name(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or("Problem");
    reason.split(' ').collect()
}

/// The document as JSON.
pub(super) fn document(
    paths: Paths,
    tags: Vec<Tag>,
    schemas: BTreeMap<String, RefOr<Schema>>,
) -> String {
    let mut components = Components::new();
    components.schemas.extend(schemas);
    components
        .schemas
        .insert(ProblemView::name().into_owned(), ProblemView::schema());
    for &status in REFUSALS {
        let response = RefOr::T(problem(status));
        components.responses.insert(problem_name(status), response);
    }
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("rc_<kind>_<id>_<secret>")
        .build();
    components.add_security_scheme("key", SecurityScheme::Http(key));
    let info = InfoBuilder::new()
        .title("Rollcall")
        .version("1")
        .description(Some(DESCRIPTION))
        .build();
    let document = OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .paths(paths)
        .tags(Some(tags))
        .components(Some(components))
        .build();
    document.to_json().unwrap_or_else(|error| {
        tracing::error!(%error, "cannot write the OpenAPI description");
        String::new()
    })
}

/// The shared response of a problem.
fn problem(status: StatusCode) -> Response {
    let mut response = Response::new(status.canonical_reason().unwrap_or("Problem"));
    let schema = Ref::from_schema_name(ProblemView::name());
    let kind = "application/problem+json".to_owned();
    response
        .content
        .insert(kind, RefOr::T(Content::new(Some(schema))));
    if matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    ) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer);
        let header = HeaderBuilder::new()
            .schema(Some(seconds))
            .description(Some("Seconds until the request may be sent again"))
            .build();
        response
            .headers
            .insert("Retry-After".to_owned(), RefOr::T(header));
    }
    response
}
