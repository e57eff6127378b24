//! The body of a call: JSON alone, or JSON with files, which Discord takes as `multipart/form-data`.

use reqwest::multipart::{Form, Part};
use serde_json::Value;

/// A file that is attached to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedFile {
    /// Its name in Discord, such as `summary.csv`: letters, digits, dots, hyphens and underscores.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The body of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallBody {
    /// `null`: the call has no body.
    pub json: Value,
    pub files: Vec<AttachedFile>,
}

impl From<Value> for CallBody {
    fn from(json: Value) -> Self {
        Self {
            json,
            files: Vec::new(),
        }
    }
}

impl CallBody {
    /// A body with files, as Discord reads it.
    pub(super) fn form(self) -> Form {
        let mut form = Form::new().text("payload_json", self.json.to_string());
        for (number, file) in self.files.into_iter().enumerate() {
            let part = Part::bytes(file.bytes).file_name(file.name);
            form = form.part(format!("files[{number}]"), part);
        }
        form
    }
}
