//! What a browser does: it reads the state, receives events and sends actions.

use std::time::Duration;

use discord_sandbox::{Member, Role, Sandbox, WebClient};
use serde_json::{Map, Value, json};

use crate::bot::{self, Api};

pub const ADA: &str = "1001";
pub const SAM: &str = "1002";

/// A sandbox with a bot, and its client.
pub struct Page {
    pub sandbox: Sandbox,
    pub api: Api,
    pub served: WebClient,
    pub http: reqwest::Client,
}

impl Page {
    pub async fn open() -> Self {
        let sandbox = Sandbox::builder()
            .guild_name("Shop")
            .bot_name("Robot")
            .start()
            .await;
        let guild = sandbox.guild();
        sandbox.set_roles(guild, &[Role::new(77, "on-call").with_color(0x00_FF_10)]);
        let members = [
            Member::manager(1001, "ada").with_role(77),
            Member::plain(1002, "sam"),
        ];
        sandbox.add_members(guild, &members);
        sandbox.add_channel(guild, "alerts");
        let api = bot::start(&sandbox).await;
        let served = sandbox
            .serve_client("127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self {
            sandbox,
            api,
            served,
            http,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.served.url().trim_end_matches('/'))
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        read(self.http.get(self.url(path))).await
    }

    pub async fn post(&self, what: &str, body: &Value) -> (u16, Value) {
        read(self.http.post(self.url(&format!("/api/{what}"))).json(body)).await
    }

    pub fn main_channel(&self) -> String {
        self.sandbox.channel(self.sandbox.guild()).to_string()
    }

    /// The body of a command without options in the first channel.
    pub fn command(&self, member: &str, name: &str) -> Value {
        json!({ "member": member, "channel": self.main_channel(), "path": [name] })
    }

    /// Sends a command without options, which the bot answers.
    pub async fn run(&self, member: &str, name: &str) -> Value {
        let (status, body) = self.post("command", &self.command(member, name)).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// What a member sees.
    pub async fn parts(&self, member: &str) -> Value {
        let (status, parts) = self.get(&format!("/api/state?member={member}")).await;
        assert_eq!(status, 200);
        parts
    }

    /// The messages that a member sees, oldest first.
    pub async fn messages(&self, member: &str) -> Vec<Value> {
        messages_in(self.parts(member).await.as_object().unwrap())
    }

    /// Sends a message of the bot to the first channel and returns its id.
    pub async fn sent(&self, body: Value) -> String {
        let path = format!("/channels/{}/messages", self.main_channel());
        self.api.post(&path, body).await["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub async fn events(&self, member: &str) -> Events {
        let request = self
            .http
            .get(self.url(&format!("/api/events?member={member}")));
        Events {
            answer: request.send().await.unwrap(),
            text: String::new(),
            parts: Map::new(),
        }
    }
}

pub async fn read(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null),
    )
}

fn messages_in(parts: &Map<String, Value>) -> Vec<Value> {
    let messages = parts.iter().filter(|(key, _)| key.starts_with("message:"));
    messages.map(|(_, message)| message.clone()).collect()
}

/// A connection that receives changes, and what they add up to.
pub struct Events {
    answer: reqwest::Response,
    text: String,
    parts: Map<String, Value>,
}

impl Events {
    /// Receives changes until the messages are as expected.
    pub async fn until(&mut self, what: &str, is_there: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        loop {
            let messages = messages_in(&self.parts);
            if !self.parts.is_empty() && is_there(&messages) {
                return messages;
            }
            self.receive(what).await;
        }
    }

    /// Receives changes until the bot has this status.
    pub async fn until_bot(&mut self, status: &str) {
        let is_there = |parts: &Map<String, Value>| {
            let world = parts.get("world");
            world.is_some_and(|world| world["bot"]["status"] == status)
        };
        while !is_there(&self.parts) {
            self.receive(status).await;
        }
    }

    async fn receive(&mut self, what: &str) {
        let chunk = self.answer.chunk().await;
        let chunk = chunk.unwrap_or_else(|error| panic!("{what}: {error}; {:?}", self.parts));
        let chunk = chunk.unwrap();
        self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        while let Some((event, rest)) = self.text.clone().split_once("\n\n") {
            rest.clone_into(&mut self.text);
            self.apply(event);
        }
    }

    fn apply(&mut self, event: &str) {
        // Comments keep the connection open.
        let Some(data) = event.strip_prefix("data: ") else {
            return;
        };
        let mut data: Value = serde_json::from_str(data).unwrap();
        if data["all"] == true {
            self.parts.clear();
        }
        for key in data["unset"].as_array().unwrap() {
            self.parts.remove(key.as_str().unwrap());
        }
        self.parts.append(data["set"].as_object_mut().unwrap());
    }
}
