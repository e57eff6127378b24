//! The table of routes and their description. A route is added with its permission as a type, and with a handler whose
//! arguments describe themselves: nothing can be added without either.

mod answer;
mod document;
mod example;
mod handler;
mod operation;
pub(in crate::http) mod problem;

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{MethodFilter, on};
use utoipa::openapi::path::{HttpMethod, OperationBuilder, Paths};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::tag::Tag;
use utoipa::openapi::{Ref, RefOr, Schema};

pub(in crate::http) use answer::{Created, Json, JsonLines, NoContent};
pub(in crate::http) use handler::OperationHandler;
pub(in crate::http) use operation::{Answer, Argument, Described, Permission, body_example};

use super::problem::Problem;
use crate::domain::key::KeyKind;
use crate::http::HttpState;
use example::Examples;

/// The path of the API.
pub(in crate::http) const BASE: &str = "/api/v1";

/// Refusals that handlers often declare.
pub(in crate::http) const CONFLICT: &[StatusCode] = &[StatusCode::CONFLICT];
pub(in crate::http) const NOT_FOUND_OR_CONFLICT: &[StatusCode] =
    &[StatusCode::NOT_FOUND, StatusCode::CONFLICT];

/// What people and generated clients read about an operation.
#[derive(Clone, Debug)]
pub(in crate::http) struct About {
    /// Its name in generated clients.
    id: Cow<'static, str>,
    summary: &'static str,
    description: Option<&'static str>,
    /// The statuses of refusals that its arguments do not imply.
    refusals: &'static [StatusCode],
}

/// An operation with its id and its summary.
pub(in crate::http) fn about(id: impl Into<Cow<'static, str>>, summary: &'static str) -> About {
    About {
        id: id.into(),
        summary,
        description: None,
        refusals: &[],
    }
}

impl About {
    pub fn describe(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    pub fn refuses(mut self, refusals: &'static [StatusCode]) -> Self {
        self.refusals = refusals;
        self
    }
}

/// The routes below `/api/v1`.
pub(in crate::http) struct Routes {
    router: Router<HttpState>,
    paths: Paths,
    tags: Vec<Tag>,
    schemas: BTreeMap<String, RefOr<Schema>>,
}

impl Routes {
    pub fn new() -> Self {
        Self {
            router: Router::new(),
            paths: Paths::new(),
            tags: Vec::new(),
            schemas: BTreeMap::new(),
        }
    }

    /// Starts the operations about one noun.
    pub fn tag(&mut self, name: &str, description: &str) {
        let mut tag = Tag::new(name);
        tag.description = Some(description.to_owned());
        self.tags.push(tag);
    }

    pub fn get<P: Permission, T: 'static>(
        &mut self,
        path: &str,
        about: About,
        handler: impl OperationHandler<P, T>,
    ) {
        self.add(HttpMethod::Get, path, about, handler);
    }

    pub fn post<P: Permission, T: 'static>(
        &mut self,
        path: &str,
        about: About,
        handler: impl OperationHandler<P, T>,
    ) {
        self.add(HttpMethod::Post, path, about, handler);
    }

    pub fn put<P: Permission, T: 'static>(
        &mut self,
        path: &str,
        about: About,
        handler: impl OperationHandler<P, T>,
    ) {
        self.add(HttpMethod::Put, path, about, handler);
    }

    pub fn patch<P: Permission, T: 'static>(
        &mut self,
        path: &str,
        about: About,
        handler: impl OperationHandler<P, T>,
    ) {
        self.add(HttpMethod::Patch, path, about, handler);
    }

    pub fn delete<P: Permission, T: 'static>(
        &mut self,
        path: &str,
        about: About,
        handler: impl OperationHandler<P, T>,
    ) {
        self.add(HttpMethod::Delete, path, about, handler);
    }

    fn add<P, T: 'static, H: OperationHandler<P, T>>(
        &mut self,
        method: HttpMethod,
        path: &str,
        about: About,
        handler: H,
    ) {
        let filter = match method {
            HttpMethod::Post => MethodFilter::POST,
            HttpMethod::Put => MethodFilter::PUT,
            HttpMethod::Patch => MethodFilter::PATCH,
            HttpMethod::Delete => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        let router = std::mem::take(&mut self.router);
        self.router = router.route(path, on(filter, handler));
        let mut described = Described::default();
        H::describe(&mut described);
        described.refuses(about.refusals);
        self.describe(method, &format!("{BASE}{path}"), about, described);
    }

    /// Describes an operation outside `/api/v1` that needs no key; its route is added elsewhere.
    pub fn describe_public(
        &mut self,
        method: HttpMethod,
        path: &str,
        about: About,
        described: Described,
    ) {
        self.describe(method, path, about, described);
    }

    /// Adds the description of an operation of the latest tag.
    fn describe(&mut self, method: HttpMethod, path: &str, about: About, described: Described) {
        self.schemas.extend(described.schemas);
        let mut operation = OperationBuilder::new()
            .operation_id(Some(about.id))
            .summary(Some(about.summary))
            .description(about.description)
            .extensions(keys(described.keys))
            .request_body(described.body);
        if let Some(tag) = self.tags.last() {
            operation = operation.tag(&tag.name);
        }
        if !described.parameters.is_empty() {
            operation = operation.parameters(Some(described.parameters));
        }
        if !described.keys.is_empty() {
            let none: [&str; 0] = [];
            operation = operation.security(SecurityRequirement::new("key", none));
        }
        if described.is_key_optional {
            operation = operation.security(SecurityRequirement::default());
        }
        for (status, mut response) in described.answers {
            for content in response.content.values_mut() {
                if let RefOr::T(content) = content {
                    let schema = content.schema.as_ref();
                    content.example = schema.map(|schema| Examples(&self.schemas).of(schema));
                }
            }
            operation = operation.response(status.as_str(), response);
        }
        for status in described.refusals {
            let name = document::problem_name(status);
            operation = operation.response(status.as_str(), Ref::from_response_name(name));
        }
        self.paths
            .add_path_operation(path, vec![method], operation.build());
    }

    /// The router, and the OpenAPI description of everything in it.
    pub fn finish(self) -> (Router<HttpState>, String) {
        let router = self
            .router
            .fallback(async || Problem::not_found())
            .method_not_allowed_fallback(async || Problem::wrong_method());
        let document = document::document(self.paths, self.tags, self.schemas);
        (router, document)
    }
}

/// The extension that lists the kinds of keys, which OpenAPI has no field for.
fn keys(kinds: &[KeyKind]) -> Option<utoipa::openapi::extensions::Extensions> {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    (!words.is_empty()).then(|| [("x-keys", words)].into_iter().collect())
}
