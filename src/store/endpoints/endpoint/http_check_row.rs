//! The options of an HTTP check as JSON in one column, which is written and read as a whole and never searched.

use serde::{Deserialize, Serialize};

use crate::domain::endpoints::http_check::{HttpCheck, Method};

#[derive(Serialize, Deserialize)]
struct HttpCheckRow {
    method: String,
    headers: Vec<(String, String)>,
    expected_status: (u16, u16),
    keyword: Option<String>,
    max_redirects: u8,
    verify_tls: bool,
}

pub(super) fn write(http_check: &HttpCheck) -> String {
    let row = HttpCheckRow {
        method: http_check.method.as_str().to_owned(),
        headers: http_check.headers.clone(),
        expected_status: http_check.expected_status,
        keyword: http_check.keyword.clone(),
        max_redirects: http_check.max_redirects,
        verify_tls: http_check.verify_tls,
    };
    serde_json::to_string(&row).unwrap_or_default()
}

/// Reads the column; `None` if it is invalid.
pub(super) fn read(text: &str) -> Option<HttpCheck> {
    let row: HttpCheckRow = serde_json::from_str(text).ok()?;
    Some(HttpCheck {
        method: row.method.parse::<Method>().ok()?,
        headers: row.headers,
        expected_status: row.expected_status,
        keyword: row.keyword,
        max_redirects: row.max_redirects,
        verify_tls: row.verify_tls,
    })
}

/// Whether a column requires a valid certificate; `false` if it is invalid.
pub(in crate::store) fn verifies_tls(text: &str) -> bool {
    read(text).is_some_and(|http_check| http_check.verify_tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_check_options_read_back() {
        let http_check = HttpCheck {
            method: Method::Head,
            headers: vec![("Accept".into(), "a/b".into())],
            expected_status: (200, 204),
            keyword: Some("\"ok\"".into()),
            max_redirects: 2,
            verify_tls: false,
        };
        assert_eq!(read(&write(&http_check)), Some(http_check));
        assert_eq!(read("{}"), None);
    }
}
