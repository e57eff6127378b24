//! The OpenAPI description of the API: `openapi.json` in this folder. A scenario compares it with the running bot: every
//! route, body and kind of key.

use axum::http::header;
use axum::response::{IntoResponse, Response};

const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /api/openapi.json`, without a key.
pub(in crate::http) async fn document() -> Response {
    let kind = (header::CONTENT_TYPE, "application/json");
    ([kind], DOCUMENT).into_response()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::event::EventKind;

    #[test]
    fn every_event_type_is_described() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let parameters = &document["paths"]["/api/v1/events"]["get"]["parameters"];
        let mut parameters = parameters.as_array().unwrap().iter();
        let types = parameters
            .find(|parameter| parameter["name"] == "type")
            .unwrap();
        let words: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(types["schema"]["enum"], serde_json::json!(words));
    }

    #[test]
    fn the_page_of_the_api_lists_every_request() {
        let page = std::fs::read_to_string("docs/api.md").unwrap();
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let mut count = 0;
        for (path, methods) in document["paths"].as_object().unwrap() {
            let Some(path) = path.strip_prefix("/api/v1") else {
                continue;
            };
            for method in methods.as_object().unwrap().keys() {
                let request = format!("`{} {path}`", method.to_uppercase());
                assert!(page.contains(&request), "{request}");
                count += 1;
            }
        }
        assert!(count > 10);
    }
}
