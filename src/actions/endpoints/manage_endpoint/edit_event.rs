//! What the event about an edit says: each field that changed, with its old and its new value. The values of headers may be
//! secret, so that only the names of headers are stored.

use serde_json::Value;

use super::details;
use crate::actions::field_changes::FieldChanges;
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::millis;
use crate::store::endpoints::endpoint::Description;

pub(super) fn edit_details(before: &Description, after: &Description) -> Value {
    let changes = FieldChanges::default()
        .field("name", before.name.as_str(), after.name.as_str())
        .field(
            "target",
            before.target.to_string(),
            after.target.to_string(),
        )
        .field(
            "interval_ms",
            before.interval.map(millis),
            after.interval.map(millis),
        );
    let http = |description: &Description| description.http_check.clone().unwrap_or_default();
    let (from, to) = (http(before), http(after));
    let mut details = details(after);
    details["changes"] = http_changes(changes, &from, &to).into();
    // Their names may be the same.
    details["has_new_headers"] = (from.headers != to.headers).into();
    details
}

fn http_changes(changes: FieldChanges, from: &HttpCheck, to: &HttpCheck) -> FieldChanges {
    let status = |check: &HttpCheck| match check.expected_status {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    };
    let headers = |check: &HttpCheck| -> Vec<String> {
        let names = check.headers.iter().map(|(name, _)| name.clone());
        names.collect()
    };
    changes
        .field("method", from.method.as_str(), to.method.as_str())
        .field("expected_status", status(from), status(to))
        .field("keyword", from.keyword.as_deref(), to.keyword.as_deref())
        .field("headers", headers(from), headers(to))
        .field("redirects", from.max_redirects, to.max_redirects)
        .field("verify_tls", from.verify_tls, to.verify_tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> Description {
        Description {
            name: "shop".into(),
            target: "https://shop.example/".parse().unwrap(),
            http_check: None,
            interval: None,
        }
    }

    #[test]
    fn an_edit_is_stored_with_old_and_new_values_but_without_values_of_headers() {
        let mut after = shop();
        after.interval = Some(std::time::Duration::from_secs(30));
        after.http_check = Some(HttpCheck {
            headers: vec![("Authorization".into(), "secret".into())],
            verify_tls: false,
            ..HttpCheck::default()
        });
        let details = edit_details(&shop(), &after);
        let expected = serde_json::json!({
            "interval_ms": { "from": null, "to": 30_000 },
            "headers": { "from": [], "to": ["Authorization"] },
            "verify_tls": { "from": true, "to": false },
        });
        assert_eq!(details["changes"], expected);
        assert!(!details.to_string().contains("secret"));
        let mut replaced = after.clone();
        replaced.http_check.as_mut().unwrap().headers[0].1 = "other".into();
        let details = edit_details(&after, &replaced);
        assert_eq!(details["changes"].to_string(), "{}");
        assert_eq!(details["has_new_headers"], true);
    }
}
