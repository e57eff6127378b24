//! The body of a call: JSON alone, or JSON with files, which Discord takes as `multipart/form-data`.

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

/// Divides the parts of a body. Neither JSON nor a file has it by accident.
const BOUNDARY: &str = "rollcall-7d1f0c6b9a3e4582-boundary-c2e8514fb07a96d3";

impl CallBody {
    /// The type and the bytes of a body with files.
    pub(super) fn multipart(&self) -> (String, Vec<u8>) {
        let mut bytes = Vec::new();
        let mut part = |head: String, content: &[u8]| {
            bytes.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
            bytes.extend_from_slice(content);
            bytes.extend_from_slice(b"\r\n");
        };
        part(
            "Content-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json"
                .to_owned(),
            self.json.to_string().as_bytes(),
        );
        for (index, file) in self.files.iter().enumerate() {
            let name = safe(&file.name);
            part(
                format!(
                    "Content-Disposition: form-data; name=\"files[{index}]\"; filename=\"{name}\"\r\n\
                     Content-Type: application/octet-stream"
                ),
                &file.bytes,
            );
        }
        bytes.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary={BOUNDARY}"), bytes)
    }
}

/// A name that cannot end its header.
fn safe(name: &str) -> String {
    let is_safe = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    name.chars()
        .map(|letter| if is_safe(letter) { letter } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_with_files_has_a_part_for_the_message_and_for_each_file() {
        let body = CallBody {
            json: json!({ "content": "x" }),
            files: vec![
                AttachedFile {
                    name: "summary.csv".into(),
                    bytes: vec![0, 255, b'\r', b'\n'],
                },
                AttachedFile {
                    name: "a\"\r\nb".into(),
                    bytes: Vec::new(),
                },
            ],
        };
        let (kind, bytes) = body.multipart();
        assert_eq!(kind, format!("multipart/form-data; boundary={BOUNDARY}"));
        let mut expected = Vec::new();
        for piece in [
            &b"--B\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n{\"content\":\"x\"}\r\n"[..],
            b"--B\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"summary.csv\"\r\nContent-Type: application/octet-stream\r\n\r\n",
            &[0, 255, b'\r', b'\n'],
            b"\r\n--B\r\nContent-Disposition: form-data; name=\"files[1]\"; filename=\"a___b\"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--B--\r\n",
        ] {
            expected.extend_from_slice(piece);
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&bytes).replace(BOUNDARY, "B"), text(&expected));
    }
}
