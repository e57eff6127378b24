//! One endpoint as written in a file of any format.

use serde::Deserialize;

/// One endpoint as written in a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ImportEntry {
    pub target: Option<String>,
    pub url: Option<String>,
    /// In place of a target.
    #[serde(alias = "hostname")]
    pub host: Option<String>,
    pub port: Option<serde_json::Value>,
    pub name: Option<String>,
    pub interval: Option<serde_json::Value>,
}

/// The lines of a file, each with its number.
pub(super) type Lines = Vec<(usize, Result<ImportEntry, String>)>;

impl ImportEntry {
    /// The target as typed: its own, or the host with the port if there is one.
    pub fn typed(&self) -> String {
        // Other programs leave a URL without a host where there is none.
        let is_given = |text: &&str| !matches!(text.trim(), "" | "http://" | "https://");
        let url = [self.target.as_deref(), self.url.as_deref()];
        let url = url.into_iter().flatten().find(is_given);
        let host = self.host.as_deref().unwrap_or_default().trim();
        if url.is_some() || host.is_empty() {
            let given = url.or(self.target.as_deref()).or(self.url.as_deref());
            return given.unwrap_or_default().to_owned();
        }
        let port = match &self.port {
            None | Some(serde_json::Value::Null) => String::new(),
            Some(serde_json::Value::String(port)) => port.trim().to_owned(),
            Some(port) => port.to_string(),
        };
        match (
            port.is_empty(),
            host.contains(':') && !host.starts_with('['),
        ) {
            (true, _) => host.to_owned(),
            (false, true) => format!("[{host}]:{port}"),
            (false, false) => format!("{host}:{port}"),
        }
    }
}
