//! A small bot that responds to everything, over the real API and gateway.

use discord_sandbox::Sandbox;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

const EPHEMERAL: u64 = 64;

#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Api {
    pub fn new(sandbox: &Sandbox) -> Self {
        Self {
            client: reqwest::Client::builder().build().unwrap(),
            url: format!("{}/api/v10", sandbox.api_url()),
            token: sandbox.token(),
        }
    }

    pub async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .header("Authorization", format!("Bot {}", self.token));
        let answer = request.json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null)
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.send(reqwest::Method::POST, path, &body).await
    }
}

fn commands() -> Value {
    let text = |name: &str, required: bool| json!({ "type": 3, "name": name, "description": "x", "required": required });
    let mut completed = text("word", true);
    completed["autocomplete"] = json!(true);
    json!([
        { "name": "ping", "description": "x" },
        { "name": "secret", "description": "x" },
        { "name": "think", "description": "x" },
        { "name": "hang", "description": "x" },
        { "name": "form", "description": "x" },
        { "name": "rule", "description": "x", "default_member_permissions": "32" },
        { "name": "send", "description": "x", "options": [
            { "type": 1, "name": "file", "description": "x", "options": [
                { "type": 11, "name": "content", "description": "x", "required": true },
            ]},
            { "type": 1, "name": "word", "description": "x", "options": [
                completed, { "type": 4, "name": "count", "description": "x", "min_value": 1 },
                { "type": 7, "name": "where", "description": "x" },
            ]},
        ]},
    ])
}

fn form() -> Value {
    let input = |id: &str, required: bool| {
        json!({ "type": 1, "components": [
            { "type": 4, "custom_id": id, "label": id, "style": 1, "required": required, "max_length": 5 },
        ]})
    };
    json!({ "type": 9, "data": { "title": "Form", "custom_id": "form", "components": [input("name", true), input("note", false)] } })
}

/// The response to an interaction; `None` for none.
fn response(interaction: &Value) -> Option<Value> {
    let data = &interaction["data"];
    let text = |content: String, flags: u64| {
        Some(json!({ "type": 4, "data": { "content": content, "flags": flags } }))
    };
    match interaction["type"].as_u64()? {
        4 => Some(json!({ "type": 8, "data": { "choices": [{ "name": "One", "value": "1" }] } })),
        5 => text(data["components"].to_string(), 0),
        3 => match data["custom_id"].as_str()? {
            "change" => Some(json!({ "type": 7, "data": { "content": "changed" } })),
            "form" => Some(form()),
            _ => text(data.to_string(), EPHEMERAL),
        },
        _ => match data["name"].as_str()? {
            "hang" => None,
            "think" => Some(json!({ "type": 5 })),
            "form" => Some(form()),
            "secret" => text("hidden".into(), EPHEMERAL),
            _ => text(interaction.to_string(), 0),
        },
    }
}

/// Connects a bot that runs until the test ends.
pub async fn start(sandbox: &Sandbox) -> Api {
    let api = Api::new(sandbox);
    let me = api
        .send(reqwest::Method::GET, "/users/@me", &Value::Null)
        .await;
    let path = format!("/applications/{}/commands", me["id"].as_str().unwrap());
    api.send(reqwest::Method::PUT, &path, &commands()).await;
    let gateway = api
        .send(reqwest::Method::GET, "/gateway", &Value::Null)
        .await;
    let url = gateway["url"].as_str().unwrap();
    let stream = TcpStream::connect(url.trim_start_matches("ws://"))
        .await
        .unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(format!("{url}/?v=10"), stream)
        .await
        .unwrap();
    let presence = json!({ "status": "dnd", "activities": [{ "type": 3, "name": "3 monitors" }] });
    let identify =
        json!({ "op": 2, "d": { "token": sandbox.token(), "intents": 1, "presence": presence } });
    socket
        .send(Message::Text(identify.to_string()))
        .await
        .unwrap();
    let responder = api.clone();
    tokio::spawn(async move {
        while let Some(Ok(Message::Text(text))) = socket.next().await {
            let payload: Value = serde_json::from_str(&text).unwrap();
            if payload["t"] != "INTERACTION_CREATE" {
                continue;
            }
            let interaction = &payload["d"];
            let (id, token) = (
                interaction["id"].as_str().unwrap(),
                interaction["token"].as_str().unwrap(),
            );
            if let Some(response) = response(interaction) {
                responder
                    .post(&format!("/interactions/{id}/{token}/callback"), response)
                    .await;
            }
        }
    });
    sandbox.wait_until_ready().await;
    api
}
