//! Path parameters: a text that is no valid id gets the same 404 as an id that does not exist.

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde_json::Value;
use utoipa::openapi::Required;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::{PartialSchema as _, ToSchema};

use crate::domain::devices::device::DeviceUuid;
use crate::domain::history::summary::schedule::ScheduleId;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::incidents::note::NoteId;
use crate::domain::key::KeyId;
use crate::domain::monitor::{MonitorId, parse_name};
use crate::domain::notifications::webhook::WebhookId;
use crate::domain::silences::silence::SilenceId;
use crate::http::api::problem::Problem;
use crate::http::api::routes::{Argument, Described};
use crate::http::api::values::{KeyIdText, Name, UuidText};

/// A value in the path of a request.
pub(in crate::http) trait PathParameter: Sized {
    /// Its place in the path, such as `id` for `/servers/{id}`.
    const NAME: &'static str;
    type Schema: ToSchema;

    fn example() -> Value;

    fn read(text: &str) -> Option<Self>;
}

impl PathParameter for DeviceUuid {
    const NAME: &'static str = "uuid";
    type Schema = UuidText;

    fn example() -> Value {
        "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f".into()
    }

    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}

macro_rules! numbers {
    ($($id:ty),*) => {
        $(
            impl PathParameter for $id {
                const NAME: &'static str = "id";
                type Schema = i64;

                fn example() -> Value {
                    17.into()
                }

                fn read(text: &str) -> Option<Self> {
                    text.parse().ok().map(Self)
                }
            }
        )*
    };
}

numbers!(
    MonitorId, IncidentId, NoteId, SilenceId, WebhookId, ScheduleId
);

impl PathParameter for KeyId {
    const NAME: &'static str = "id";
    type Schema = KeyIdText;

    fn example() -> Value {
        "0QmZ1xRj5LpV".into()
    }

    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

/// The name of a group.
#[derive(Debug)]
pub(in crate::http) struct GroupName(pub String);

impl PathParameter for GroupName {
    const NAME: &'static str = "name";
    type Schema = Name;

    fn example() -> Value {
        "web".into()
    }

    fn read(text: &str) -> Option<Self> {
        parse_name(text).ok().map(Self)
    }
}

/// The only parameter of the path, as a handler argument.
#[derive(Debug)]
pub(in crate::http) struct InPath<T>(pub T);

impl<T: PathParameter, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        text.ok()
            .and_then(|Path(text)| T::read(&text))
            .map(Self)
            .ok_or_else(Problem::not_found)
    }
}

impl<T: PathParameter> Argument for InPath<T> {
    fn describe(described: &mut Described) {
        let schema = T::Schema::schema();
        let parameter = ParameterBuilder::new()
            .name(T::NAME)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(schema))
            .example(Some(T::example()));
        described.parameters.push(parameter.build());
        described.refuses(&[StatusCode::NOT_FOUND]);
    }
}
