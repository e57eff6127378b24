//! Reads a request's body in both forms: plain JSON, or multipart with `payload_json` and files.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart};
use axum::http::{Request, header};
use serde_json::Value;

use crate::world::NewFile;

/// The content of a request's body.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub json: Value,
    pub files: Vec<NewFile>,
}

/// The body is neither valid JSON nor valid multipart.
#[derive(Debug)]
pub(super) struct Unreadable;

pub(super) async fn read(content_type: &str, bytes: Bytes) -> Result<Received, Unreadable> {
    if !content_type.starts_with("multipart/form-data") {
        if bytes.is_empty() {
            return Ok(Received::default());
        }
        let json = serde_json::from_slice(&bytes).map_err(|_| Unreadable)?;
        return Ok(Received {
            json,
            files: Vec::new(),
        });
    }
    let request = Request::builder()
        .header(header::CONTENT_TYPE, content_type)
        .body(Body::from(bytes));
    let request = request.map_err(|_| Unreadable)?;
    let mut multipart = Multipart::from_request(request, &())
        .await
        .map_err(|_| Unreadable)?;
    let mut received = Received::default();
    while let Some(field) = multipart.next_field().await.map_err(|_| Unreadable)? {
        let (name, file) = (
            field.name().unwrap_or_default().to_owned(),
            field.file_name().map(str::to_owned),
        );
        let content = field.bytes().await.map_err(|_| Unreadable)?;
        match file {
            Some(file) => {
                // Other names of parts are numbered in their order.
                let number = name
                    .strip_prefix("files[")
                    .and_then(|rest| rest.strip_suffix(']'));
                let number = number.and_then(|number| number.parse().ok());
                received.files.push(NewFile {
                    number: number.unwrap_or(received.files.len() as u64),
                    name: file,
                    content: content.to_vec(),
                });
            }
            None if name == "payload_json" => {
                received.json = serde_json::from_slice(&content).map_err(|_| Unreadable)?;
            }
            None => {}
        }
    }
    Ok(received)
}
