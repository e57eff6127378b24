//! Changes to the options of an HTTP check, from any interface: parsed, validated and applied to the current options.

use std::fmt;

use super::http_check::{HttpCheck, HttpCheckError, MAX_REDIRECTS, Method};
use super::target::Scheme;
use crate::patch::Patch;

/// The requested changes; `None` leaves an option as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpCheckChange {
    /// Such as `200` or `200-399`.
    pub status: Option<String>,
    /// `Clear` removes the keyword.
    pub keyword: Patch<String>,
    /// GET, HEAD or OPTIONS.
    pub method: Option<String>,
    /// `Name: value`, one per line.
    pub headers: Option<String>,
    pub redirects: Option<u8>,
    pub verify_tls: Option<bool>,
}

/// An invalid option, by its name in the interfaces, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongOption {
    pub option: &'static str,
    pub error: HttpCheckError,
}

impl fmt::Display for WrongOption {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}`: {}", self.option, self.error)
    }
}

impl HttpCheckChange {
    /// Returns the options after the change; `None` if all have their defaults. A TCP check has no options.
    pub fn apply(
        self,
        before: Option<HttpCheck>,
        scheme: Scheme,
    ) -> Result<Option<HttpCheck>, WrongOption> {
        if scheme == Scheme::Tcp {
            return self.for_tcp();
        }
        let named = |option| move |error| WrongOption { option, error };
        let mut http_check = before.unwrap_or_default();
        if let Some(status) = &self.status {
            http_check.expected_status =
                HttpCheck::parse_status(status).map_err(named("status"))?;
        }
        let keyword = self
            .keyword
            .try_map(|keyword| HttpCheck::parse_keyword(&keyword))
            .map_err(named("keyword"))?;
        http_check.keyword = keyword.apply(http_check.keyword);
        if let Some(method) = &self.method {
            let refuse = || {
                HttpCheckError(
                    "the method must be GET, HEAD or OPTIONS. Example: `HEAD`".to_owned(),
                )
            };
            let method = method.parse::<Method>().ok().ok_or_else(refuse);
            http_check.method = method.map_err(named("method"))?;
        }
        if let Some(headers) = &self.headers {
            http_check.headers = HttpCheck::parse_headers(headers).map_err(named("headers"))?;
        }
        if let Some(redirects) = self.redirects {
            if redirects > MAX_REDIRECTS {
                let error = HttpCheckError(format!(
                    "at most {MAX_REDIRECTS} redirects are followed. Example: `1`"
                ));
                return Err(named("redirects")(error));
            }
            http_check.max_redirects = redirects;
        }
        http_check.verify_tls = self.verify_tls.unwrap_or(http_check.verify_tls);
        Ok(Some(http_check).filter(|http_check| *http_check != HttpCheck::default()))
    }

    fn for_tcp(self) -> Result<Option<HttpCheck>, WrongOption> {
        if self == Self::default() {
            return Ok(None);
        }
        Err(WrongOption {
            option: "target",
            error: HttpCheckError("a tcp endpoint has no HTTP options".into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_apply_to_the_current_options() {
        let change = HttpCheckChange {
            status: Some("204".into()),
            keyword: Patch::Set("ok".into()),
            method: Some("options".into()),
            headers: Some("Accept: text/plain".into()),
            redirects: Some(2),
            verify_tls: Some(false),
        };
        let http_check = change.apply(None, Scheme::Https).unwrap().unwrap();
        assert_eq!(http_check.expected_status, (204, 204));
        assert_eq!(
            (http_check.method, http_check.max_redirects),
            (Method::Options, 2)
        );
        let less = HttpCheckChange {
            keyword: Patch::Clear,
            ..HttpCheckChange::default()
        };
        let http_check = less
            .apply(Some(http_check), Scheme::Https)
            .unwrap()
            .unwrap();
        assert_eq!((&http_check.keyword, http_check.verify_tls), (&None, false));
        let back = HttpCheckChange {
            status: Some("200-399".into()),
            ..HttpCheckChange::default()
        };
        assert_eq!(
            back.apply(None, Scheme::Http),
            Ok(None),
            "default options become `None`"
        );
    }

    #[test]
    fn errors_name_the_invalid_option() {
        let none = HttpCheckChange::default;
        for (change, option) in [
            (
                HttpCheckChange {
                    status: Some("0".into()),
                    ..none()
                },
                "status",
            ),
            (
                HttpCheckChange {
                    keyword: Patch::Set(String::new()),
                    ..none()
                },
                "keyword",
            ),
            (
                HttpCheckChange {
                    method: Some("POST".into()),
                    ..none()
                },
                "method",
            ),
            (
                HttpCheckChange {
                    headers: Some("Host: x".into()),
                    ..none()
                },
                "headers",
            ),
            (
                HttpCheckChange {
                    redirects: Some(11),
                    ..none()
                },
                "redirects",
            ),
        ] {
            assert_eq!(change.apply(None, Scheme::Http).unwrap_err().option, option);
        }
        let on_tcp = HttpCheckChange {
            redirects: Some(1),
            ..none()
        };
        assert_eq!(
            on_tcp.apply(None, Scheme::Tcp).unwrap_err().option,
            "target"
        );
        assert_eq!(none().apply(None, Scheme::Tcp), Ok(None));
    }
}
