//! The public requests in the OpenAPI description: pings and pushes. They are described by hand, because their forms are those
//! of other products.

use axum::http::StatusCode;
use utoipa::PartialSchema as _;
use utoipa::openapi::path::{HttpMethod, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, Object, RefOr, Required, Response};

use super::uptime_kuma::PushAnswer;
use crate::http::api::{Described, Routes, UuidText, about};

/// An exit status or a word, as `Signal::from_path` reads it.
const SIGNAL: &str = "^(?:start|success|fail|log|[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])$";
const PING_KEY: &str = "^rc_ping_[0-9A-Za-z]{12}_[0-9A-Za-z]{50}$";
const SLUG: &str = "^[a-z0-9_-]{1,100}$";
const TOKEN: &str = "^[0-9A-Za-z_-]{32,80}$";

pub(in crate::http) fn describe(routes: &mut Routes) {
    routes.tag(
        "pings",
        "Pings and pushes of existing clients. The URL is the only authentication. docs/compatibility.md has all forms.",
    );
    for (method, prefix) in [(HttpMethod::Get, ""), (HttpMethod::Post, "post_")] {
        describe_pings(routes, &method, prefix);
        describe_push(routes, &method, prefix);
    }
}

fn describe_pings(routes: &mut Routes, method: &HttpMethod, prefix: &str) {
    let note = "The body, up to 1 MiB of text, is the log of the run. `/ping/{key}/{slug}` with a ping key does the same for the device with this slug.";
    let uuid = || path("uuid", UuidText::schema());
    let signal = || path("signal", text(SIGNAL, "fail"));
    routes.describe_public(
        method.clone(),
        "/ping/{uuid}",
        about(format!("{prefix}ping"), "Report that a job has succeeded").describe(note),
        pinged(vec![uuid(), run_id()]),
    );
    routes.describe_public(
        method.clone(),
        "/ping/{uuid}/{signal}",
        about(
            format!("{prefix}ping_signal"),
            "Report the start, the result or the exit status of a job",
        )
        .describe(note),
        pinged(vec![uuid(), signal(), run_id()]),
    );
    let example = format!("rc_ping_{}_{}", "0".repeat(12), "0".repeat(50));
    let mut by_slug = pinged(vec![
        path("key", text(PING_KEY, &example)),
        path("slug", text(SLUG, "database-backup")),
        signal(),
        run_id(),
    ]);
    by_slug.answers.push((
        StatusCode::CREATED,
        plain("The device was added, with `?create=1`"),
    ));
    by_slug.answers.push((
        StatusCode::CONFLICT,
        plain("Several devices have this slug"),
    ));
    routes.describe_public(
        method.clone(),
        "/ping/{key}/{slug}/{signal}",
        about(
            format!("{prefix}ping_by_slug"),
            "Report about the job of the device with this slug",
        )
        .describe("`?create=1` adds a device for an unknown slug."),
        by_slug,
    );
}

fn describe_push(routes: &mut Routes, method: &HttpMethod, prefix: &str) {
    let query = |name: &str, description: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(Object::with_type(Type::String)))
            .build()
    };
    let mut described = Described {
        parameters: vec![
            path("token", text(TOKEN, "7f9c24e53b1a4c0e9d2f8a6b5c4d3e2f")),
            query("status", "`up`, or down otherwise. Default: up."),
            query("msg", "Why it is down."),
            query("ping", "How long the job took, in milliseconds."),
        ],
        ..Described::default()
    };
    described.answers::<PushAnswer>(StatusCode::OK, "OK");
    described.answers::<PushAnswer>(StatusCode::NOT_FOUND, "No device has this token");
    described.answers::<PushAnswer>(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
    described.answers::<PushAnswer>(StatusCode::SERVICE_UNAVAILABLE, "Nothing was stored");
    routes.describe_public(
        method.clone(),
        "/api/push/{token}",
        about(format!("{prefix}push"), "Push as in Uptime Kuma")
            .describe("The token is the push token of a device, its uuid, or its key."),
        described,
    );
}

/// What pings answer.
fn pinged(parameters: Vec<Parameter>) -> Described {
    let mut described = Described {
        parameters,
        ..Described::default()
    };
    for (status, text) in [
        (StatusCode::OK, "OK"),
        (StatusCode::BAD_REQUEST, "The path or `rid` is invalid"),
        (StatusCode::NOT_FOUND, "No device has this uuid or slug"),
    ] {
        described.answers.push((status, plain(text)));
    }
    described.refuses(&[
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ]);
    described
}

fn plain(description: &str) -> Response {
    let mut response = Response::new(description);
    let content = Content::new(Some(Object::with_type(Type::String)));
    let kind = "text/plain".to_owned();
    response.content.insert(kind, RefOr::T(content));
    response
}

fn text(pattern: &str, example: &str) -> RefOr<utoipa::openapi::Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .examples([example])
        .into()
}

fn path(name: &str, schema: RefOr<utoipa::openapi::Schema>) -> Parameter {
    let example = match &schema {
        RefOr::T(utoipa::openapi::Schema::Object(object)) => object.examples.first().cloned(),
        _ => None,
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(schema))
        .example(example)
        .build()
}

fn run_id() -> Parameter {
    ParameterBuilder::new()
        .name("rid")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some("The uuid of the run, so that runs may overlap."))
        .schema(Some(UuidText::schema()))
        .build()
}
