//! The REST API: authentication, the record of requests, planned faults; the handlers are in the files below.

mod body;
mod channels;
mod commands;
mod interactions;
pub(crate) mod limits;
mod lookups;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::faults::RestFault;
use crate::record;
use crate::shared::Shared;
use limits::Mistake;

type SharedState = State<Arc<Shared>>;

/// Limit of a request's body, in bytes; Discord's own limit for files is lower.
const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// Serves forever.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let with_token = bot_routes()
        .merge(command_routes())
        .merge(message_routes())
        .layer(middleware::from_fn_with_state(
            Arc::clone(&shared),
            require_token,
        ));
    let app = Router::new()
        .nest("/api/v10", with_token.merge(interaction_routes()))
        .route("/sandbox/files/{message}/{id}", get(lookups::file))
        .route("/sandbox/uploads/{id}", get(lookups::upload))
        .fallback(async || error(StatusCode::NOT_FOUND, 0, "404: Not Found"))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&shared),
            record_and_fail,
        ))
        .with_state(shared);
    // Ends with the runtime.
    let _ = axum::serve(listener, app).await;
}

type Routes = Router<Arc<Shared>>;

fn bot_routes() -> Routes {
    Router::new()
        .route("/gateway", get(lookups::gateway))
        .route("/gateway/bot", get(lookups::gateway_bot))
        .route("/users/@me", get(lookups::me))
        .route("/users/@me/channels", post(lookups::open_direct_messages))
        .route("/applications/@me", get(lookups::application))
        .route("/oauth2/applications/@me", get(lookups::application))
        .route("/guilds/{guild}", get(lookups::guild))
        .route("/guilds/{guild}/roles", get(lookups::roles))
        .route("/guilds/{guild}/members/{user}", get(lookups::member))
        .route(
            "/guilds/{guild}/scheduled-events",
            post(lookups::make_event),
        )
        .route(
            "/guilds/{guild}/scheduled-events/{event}",
            delete(lookups::delete_event),
        )
        .route("/channels/{channel}", get(lookups::channel))
}

fn command_routes() -> Routes {
    let everywhere = put(commands::overwrite_global)
        .get(commands::list_global)
        .post(commands::create_global);
    let in_guild = put(commands::overwrite_guild)
        .get(commands::list_guild)
        .post(commands::create_guild);
    Router::new()
        .route("/applications/{app}/commands", everywhere)
        .route(
            "/applications/{app}/commands/{command}",
            patch(commands::edit_global).delete(commands::delete_global),
        )
        .route("/applications/{app}/guilds/{guild}/commands", in_guild)
        .route(
            "/applications/{app}/guilds/{guild}/commands/{command}",
            delete(commands::delete_guild),
        )
}

fn message_routes() -> Routes {
    let one = get(channels::get)
        .patch(channels::edit)
        .delete(channels::delete);
    Router::new()
        .route(
            "/channels/{channel}/messages",
            post(channels::create).get(channels::list),
        )
        .route("/channels/{channel}/messages/{message}", one)
}

/// Routes whose token is in the path, so no other one is required.
fn interaction_routes() -> Routes {
    let one = get(interactions::get)
        .patch(interactions::edit)
        .delete(interactions::delete);
    Router::new()
        .route(
            "/interactions/{interaction}/{token}/callback",
            post(interactions::callback),
        )
        .route("/webhooks/{app}/{token}", post(interactions::follow_up))
        .route("/webhooks/{app}/{token}/messages/{message}", one)
}

/// Discord's error body.
fn error(status: StatusCode, code: u32, message: &str) -> Response {
    (
        status,
        axum::Json(json!({ "message": message, "code": code })),
    )
        .into_response()
}

/// 400 with code 50035 (50006 for an empty message), every mistake at its path.
fn invalid(mistakes: &[Mistake]) -> Response {
    let mut errors = json!({});
    for mistake in mistakes {
        let mut node = &mut errors;
        for step in mistake.path.split('.') {
            node = &mut node[step];
        }
        node["_errors"] = json!([{ "code": "BASE_TYPE_BAD_LENGTH", "message": mistake.message }]);
    }
    let code = if mistakes
        .iter()
        .any(|mistake| mistake.message == "Cannot send an empty message")
    {
        50006
    } else {
        50035
    };
    let body = json!({ "message": "Invalid Form Body", "code": code, "errors": errors });
    (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
}

async fn require_token(State(shared): SharedState, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if given != format!("Bot {}", shared.read().token) {
        return error(StatusCode::UNAUTHORIZED, 0, "401: Unauthorized");
    }
    next.run(request).await
}

/// Records every request, and responds with a planned fault if there is one.
async fn record_and_fail(State(shared): SharedState, request: Request, next: Next) -> Response {
    let (method, path) = (
        request.method().to_string(),
        request.uri().path().to_owned(),
    );
    let is_api = path.starts_with("/api/");
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return error(
            StatusCode::PAYLOAD_TOO_LARGE,
            40005,
            "Request entity too large",
        );
    };
    let content_type = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let fault = if is_api {
        shared.read().rest_plan.take(&path)
    } else {
        None
    };
    let response = match fault {
        Some(RestFault::NoAnswer) => {
            next.run(Request::from_parts(parts, Body::from(bytes.clone())))
                .await;
            let body = json_of(&content_type, &bytes).await;
            let unanswered = record::Request {
                method,
                path,
                body,
                status: 0,
            };
            shared.change(|world| world.record.requests.push(unanswered));
            return std::future::pending().await;
        }
        Some(fault) => faulty(fault),
        None => {
            next.run(Request::from_parts(parts, Body::from(bytes.clone())))
                .await
        }
    };
    if is_api {
        let body = json_of(&content_type, &bytes).await;
        let status = response.status().as_u16();
        shared.change(|world| {
            world.record.requests.push(record::Request {
                method,
                path,
                body,
                status,
            });
        });
    }
    response
}

async fn json_of(content_type: &str, bytes: &Bytes) -> Value {
    match body::read(content_type, bytes.clone()).await {
        Ok(body) => body.json,
        Err(_) => Value::Null,
    }
}

fn faulty(fault: RestFault) -> Response {
    let limited = |milliseconds: u64, is_global: bool| {
        let seconds = std::time::Duration::from_millis(milliseconds).as_secs_f64();
        let scope = if is_global { "global" } else { "user" };
        let headers = [
            ("retry-after", format!("{}", seconds.ceil())),
            ("x-ratelimit-limit", "5".to_owned()),
            ("x-ratelimit-remaining", "0".to_owned()),
            ("x-ratelimit-reset-after", format!("{seconds:.3}")),
            ("x-ratelimit-bucket", "sandbox".to_owned()),
            ("x-ratelimit-scope", scope.to_owned()),
            ("x-ratelimit-global", is_global.to_string()),
        ];
        let body = json!({ "message": "You are being rate limited.", "retry_after": seconds, "global": is_global, "code": 0 });
        (StatusCode::TOO_MANY_REQUESTS, headers, axum::Json(body)).into_response()
    };
    match fault {
        RestFault::Status(status) => StatusCode::from_u16(status)
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            .into_response(),
        RestFault::Error { status, code } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            error(status, code, "planned")
        }
        RestFault::RouteLimit { retry_after_ms } => limited(retry_after_ms, false),
        RestFault::GlobalLimit { retry_after_ms } => limited(retry_after_ms, true),
        // It has no response: a request with this fault waits forever before it gets here.
        RestFault::NoAnswer => StatusCode::NO_CONTENT.into_response(),
    }
}
