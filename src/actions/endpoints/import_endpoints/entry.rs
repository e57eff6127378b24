//! One endpoint as written in a file of any format.

use serde::Deserialize;

/// One endpoint as written in a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ImportEntry {
    #[serde(alias = "url")]
    pub target: String,
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
        let host = self.host.as_deref().unwrap_or_default().trim();
        if !self.target.trim().is_empty() || host.is_empty() {
            return self.target.clone();
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
