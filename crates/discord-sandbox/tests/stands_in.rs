//! Tests the sandbox from outside: what its API refuses, and how its gateway behaves with and without faults.

#![expect(
    clippy::unwrap_used,
    reason = "a failed assumption should fail the test"
)]

use std::time::Duration;

use discord_sandbox::{CloseWith, Member, RestFault, Role, Sandbox};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

struct Api {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Api {
    fn new(sandbox: &Sandbox) -> Self {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        Self {
            client,
            url: format!("{}/api/v10", sandbox.api_url()),
            token: sandbox.token(),
        }
    }

    async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .header("Authorization", format!("Bot {}", self.token));
        let answer = request.json(body).send().await.unwrap();
        let status = answer.status().as_u16();
        (
            status,
            serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null),
        )
    }

    /// Sends a body with a file as the part `files[0]`.
    async fn send_file(&self, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
        let content = format!(
            "--b0\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{body}\r\n\
             --b0\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a.png\"\r\n\r\npng\r\n--b0--\r\n"
        );
        let request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .header("Authorization", format!("Bot {}", self.token))
            .header("Content-Type", "multipart/form-data; boundary=b0");
        let answer = request.body(content).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send(reqwest::Method::GET, path, &Value::Null).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(reqwest::Method::POST, path, &body).await
    }

    /// The only channel of the first guild.
    async fn channel(&self, sandbox: &Sandbox) -> String {
        let (_, guild) = self.get(&format!("/guilds/{}", sandbox.guild().0)).await;
        guild["channels"][0]["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let sandbox = Sandbox::start().await;
    let unauthorized = Api {
        token: "wrong".into(),
        ..Api::new(&sandbox)
    };
    assert_eq!(
        unauthorized.get("/users/@me").await,
        (401, json!({ "message": "401: Unauthorized", "code": 0 }))
    );
}

#[tokio::test]
async fn unknown_and_invalid_requests_have_their_own_codes() {
    let sandbox = Sandbox::start().await;
    let api = Api::new(&sandbox);
    assert_eq!(api.get("/channels/1").await.1["code"], 10003);
    assert_eq!(
        api.post("/interactions/1/x/callback", json!({ "type": 4 }))
            .await
            .1["code"],
        10062
    );
    let (_, me) = api.get("/applications/@me").await;
    let path = format!("/applications/{}/commands", me["id"].as_str().unwrap());
    let bad = json!([{ "name": "Loud", "description": "x" }]);
    let (status, error) = api.send(reqwest::Method::PUT, &path, &bad).await;
    assert_eq!((status, &error["code"]), (400, &json!(50035)));
    assert_eq!(
        error["errors"]["0"]["name"]["_errors"][0]["message"],
        "Command name is invalid"
    );
    let good = json!([{ "name": "idle", "description": "x" }]);
    let (status, list) = api.send(reqwest::Method::PUT, &path, &good).await;
    assert_eq!((status, &list[0]["application_id"]), (200, &me["id"]));
}

#[tokio::test]
async fn messages_are_created_once_per_nonce_edited_and_deleted() {
    let sandbox = Sandbox::start().await;
    let api = Api::new(&sandbox);
    let messages = format!("/channels/{}/messages", api.channel(&sandbox).await);
    let body = json!({ "content": "hello", "nonce": "7", "enforce_nonce": true });
    let (_, first) = api.post(&messages, body.clone()).await;
    let (_, again) = api.post(&messages, body).await;
    assert_eq!(first["id"], again["id"]);
    assert_eq!(
        api.post(&messages, json!({ "content": "" })).await.1["code"],
        50006
    );
    let one = format!("{messages}/{}", first["id"].as_str().unwrap());
    let (_, edited) = api
        .send(reqwest::Method::PATCH, &one, &json!({ "content": "bye" }))
        .await;
    assert_eq!(edited["content"], "bye");
    assert_eq!(
        api.send(reqwest::Method::DELETE, &one, &Value::Null)
            .await
            .0,
        204
    );
    assert_eq!(api.get(&one).await.1["code"], 10008);
}

#[tokio::test]
async fn a_planned_rate_limit_has_its_headers() {
    let sandbox = Sandbox::start().await;
    let api = Api::new(&sandbox);
    sandbox.fail_requests(
        RestFault::GlobalLimit {
            retry_after_ms: 1500,
        },
        "/users",
        1,
    );
    let answer = api
        .client
        .get(format!("{}/users/@me", api.url))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["retry-after"].to_str().unwrap()
        ),
        (429, "2")
    );
    assert_eq!(answer.headers()["x-ratelimit-scope"], "global");
    assert_eq!(answer.json::<Value>().await.unwrap()["retry_after"], 1.5);
    assert_eq!(api.get("/users/@me").await.0, 200);
}

struct Client(WebSocketStream<TcpStream>);

impl Client {
    async fn connect(sandbox: &Sandbox) -> Self {
        let (_, gateway) = Api::new(sandbox).get("/gateway").await;
        let url = gateway["url"].as_str().unwrap().to_owned();
        let stream = TcpStream::connect(url.trim_start_matches("ws://"))
            .await
            .unwrap();
        Self(
            tokio_tungstenite::client_async(format!("{url}/?v=10"), stream)
                .await
                .unwrap()
                .0,
        )
    }

    async fn identified(sandbox: &Sandbox) -> (Self, Value) {
        let mut client = Self::connect(sandbox).await;
        assert_eq!(client.next().await["op"], 10);
        client.send(json!({ "op": 2, "d": { "token": sandbox.token(), "intents": 1, "properties": {} } })).await;
        let ready = client.next().await;
        assert_eq!((&ready["t"], &ready["s"]), (&json!("READY"), &json!(1)));
        assert_eq!(client.next().await["t"], "GUILD_CREATE");
        (client, ready)
    }

    async fn identify(&mut self, sandbox: &Sandbox, shard: [u64; 2], intents: u64) {
        let data = json!({ "token": sandbox.token(), "intents": intents, "shard": shard });
        self.send(json!({ "op": 2, "d": data })).await;
    }

    async fn send(&mut self, payload: Value) {
        self.0
            .send(Message::Text(payload.to_string()))
            .await
            .unwrap();
    }

    async fn next(&mut self) -> Value {
        match self.0.next().await.unwrap().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// The code of the close frame that ends the connection.
    async fn end(&mut self) -> Option<u16> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}

#[tokio::test]
async fn a_bot_that_identifies_is_ready_and_its_heartbeats_are_acknowledged() {
    let sandbox = Sandbox::start().await;
    let (mut client, ready) = Client::identified(&sandbox).await;
    assert_eq!(ready["d"]["guilds"][0]["id"], sandbox.guild().0.to_string());
    client.send(json!({ "op": 1, "d": 2 })).await;
    assert_eq!(client.next().await["op"], 11);
    client
        .send(json!({ "op": 3, "d": { "status": "idle" } }))
        .await;
    let status = sandbox
        .wait_for("the presence", |record| {
            record.presence().map(|presence| presence["status"].clone())
        })
        .await;
    assert_eq!(status, "idle");
}

#[tokio::test]
async fn a_wrong_token_closes_the_gateway_with_4004() {
    let sandbox = Sandbox::start().await;
    let mut client = Client::connect(&sandbox).await;
    client.next().await;
    client
        .send(json!({ "op": 2, "d": { "token": "wrong" } }))
        .await;
    assert_eq!(client.end().await, Some(4004));
}

#[tokio::test]
async fn a_resumed_session_gets_what_it_missed() {
    let sandbox = Sandbox::start().await;
    let (mut client, ready) = Client::identified(&sandbox).await;
    sandbox.close_gateway(CloseWith::Code(4000));
    assert_eq!(client.end().await, Some(4000));
    sandbox.dispatch("SOMETHING", &json!({ "x": 1 }));
    let resume = json!({ "op": 6, "d": { "token": sandbox.token(), "session_id": ready["d"]["session_id"], "seq": 2 } });
    let mut again = Client::connect(&sandbox).await;
    again.next().await;
    again.send(resume.clone()).await;
    let missed = again.next().await;
    assert_eq!(
        (&missed["t"], &missed["s"]),
        (&json!("SOMETHING"), &json!(3))
    );
    assert_eq!(again.next().await["t"], "RESUMED");

    sandbox.set_faults(|faults| faults.refuse_resume = true);
    let mut refused = Client::connect(&sandbox).await;
    refused.next().await;
    refused.send(resume).await;
    assert_eq!(
        refused.next().await,
        json!({ "op": 9, "s": null, "t": null, "d": false })
    );
}

#[tokio::test]
async fn faults_behave_as_documented() {
    let sandbox = Sandbox::start().await;
    sandbox.set_faults(|faults| faults.never_ack = true);
    let (mut client, _) = Client::identified(&sandbox).await;
    client.send(json!({ "op": 1, "d": 2 })).await;
    sandbox.ask_to_reconnect();
    assert_eq!(client.next().await["op"], 7, "an ack came first");
    sandbox.close_gateway(CloseWith::Empty);
    assert_eq!(client.end().await, None);

    sandbox.reset_faults();
    sandbox.set_faults(|faults| faults.broken_ready = true);
    let mut client = Client::connect(&sandbox).await;
    client.next().await;
    client.identify(&sandbox, [0, 1], 1).await;
    // The previous IDENTIFY was less than five seconds ago.
    assert_eq!(client.next().await["op"], 9);
    let sandbox = Sandbox::start().await;
    sandbox.set_faults(|faults| faults.broken_ready = true);
    let mut client = Client::connect(&sandbox).await;
    client.next().await;
    client.identify(&sandbox, [0, 1], 1).await;
    assert_eq!(client.next().await["d"], json!({ "v": 10 }));
}

#[tokio::test]
async fn sessions_start_only_when_discord_would_allow_it() {
    let sandbox = Sandbox::builder().shards(2).start().await;
    for (shard, intents, code) in [([2, 2], 1, 4010), ([0, 1], 1, 4011), ([0, 2], 1 << 1, 4014)] {
        let mut client = Client::connect(&sandbox).await;
        client.identify(&sandbox, shard, intents).await;
        assert_eq!(client.end().await, Some(code), "{shard:?} {intents}");
    }
    let sandbox = Sandbox::builder()
        .session_starts(0, Duration::from_secs(60))
        .start()
        .await;
    let mut client = Client::connect(&sandbox).await;
    client.identify(&sandbox, [0, 1], 1).await;
    assert_eq!(client.end().await, Some(4004));
    assert_eq!(sandbox.record().identifies_over_limit, 1);
}

#[tokio::test]
async fn too_many_presence_updates_end_the_connection() {
    let sandbox = Sandbox::start().await;
    let (mut client, _) = Client::identified(&sandbox).await;
    for _ in 0..6 {
        client.send(json!({ "op": 3, "d": {} })).await;
    }
    assert_eq!(client.end().await, Some(4008));
}

#[tokio::test]
async fn names_are_in_requests_and_in_what_the_gateway_sends() {
    let sandbox = Sandbox::builder()
        .guild_name("Shop")
        .bot_name("Robot")
        .start()
        .await;
    let guild = sandbox.guild();
    let role = Role::new(7, "on-call").with_color(0x12_34_56).mentionable();
    sandbox.set_roles(guild, &[role]);
    sandbox.add_members(guild, &[Member::plain(1, "ada"), Member::plain(2, "sam")]);
    sandbox.add_members(guild, &[Member::plain(2, "eve")]);
    let general = sandbox.channel(guild);
    sandbox.set_channel_name(general, "lobby");

    let api = Api::new(&sandbox);
    let path = format!("/guilds/{}", guild.0);
    let (_, shown) = api.get(&path).await;
    assert_eq!(
        (&shown["name"], &shown["member_count"]),
        (&json!("Shop"), &json!(3))
    );
    assert_eq!(shown["roles"][0]["name"], "@everyone");
    let role = &shown["roles"][1];
    assert_eq!(
        (&role["name"], &role["color"], &role["mentionable"]),
        (&json!("on-call"), &json!(0x12_34_56), &json!(true))
    );
    for (id, name) in [(2, "eve"), (9, "member")] {
        let (_, member) = api.get(&format!("{path}/members/{id}")).await;
        assert_eq!(member["user"]["username"], name);
    }
    assert_eq!(
        api.get(&format!("/channels/{general}")).await.1["name"],
        "lobby"
    );
    assert_eq!(api.get("/users/@me").await.1["username"], "Robot");
}

#[tokio::test]
async fn channels_and_members_are_announced_by_name() {
    let sandbox = Sandbox::builder().granted_intents(1 << 1).start().await;
    let guild = sandbox.guild();
    sandbox.add_members(guild, &[Member::plain(1, "ada")]);
    let mut client = Client::connect(&sandbox).await;
    client.next().await;
    client.identify(&sandbox, [0, 1], 1 << 1).await;
    client.next().await;
    let created = client.next().await;
    assert_eq!(created["d"]["members"][0]["user"]["username"], "ada");
    assert_eq!(created["d"]["channels"][0]["name"], "general");
    let alerts = sandbox.add_channel(guild, "alerts");
    let added = client.next().await;
    assert_eq!(
        (&added["t"], &added["d"]["name"], &added["d"]["position"]),
        (&json!("CHANNEL_CREATE"), &json!("alerts"), &json!(1))
    );
    sandbox.set_channel_name(alerts, "incidents");
    let renamed = client.next().await;
    assert_eq!(
        (&renamed["t"], &renamed["d"]["name"]),
        (&json!("CHANNEL_UPDATE"), &json!("incidents"))
    );
    assert_eq!(sandbox.channels(guild)[1].name, "incidents");
    let (status, _) = Api::new(&sandbox)
        .post(
            &format!("/channels/{alerts}/messages"),
            json!({ "content": "x" }),
        )
        .await;
    assert_eq!((status, sandbox.messages(guild).len()), (200, 0));
    assert_eq!(sandbox.messages_in(alerts)[0].text(), "x");
}

#[tokio::test]
async fn members_are_sent_only_with_their_intent() {
    let sandbox = Sandbox::start().await;
    sandbox.add_members(sandbox.guild(), &[Member::plain(1, "ada")]);
    let path = format!("/guilds/{}", sandbox.guild().0);
    let (_, shown) = Api::new(&sandbox).get(&path).await;
    assert_eq!(shown["members"], json!([]));
}

#[tokio::test]
async fn files_of_a_message_are_replaced_kept_and_removed_by_edits() {
    let sandbox = Sandbox::start().await;
    let api = Api::new(&sandbox);
    let messages = format!("/channels/{}/messages", api.channel(&sandbox).await);
    let listed =
        |description: &str| json!({ "attachments": [{ "id": 0, "description": description }] });
    let patch = reqwest::Method::PATCH;
    let (status, posted) = api
        .send_file(reqwest::Method::POST, &messages, &listed("one"))
        .await;
    assert_eq!(
        (status, &posted["attachments"][0]["description"]),
        (200, &json!("one"))
    );
    let path = format!("{messages}/{}", posted["id"].as_str().unwrap());
    let (_, edited) = api.send_file(patch.clone(), &path, &listed("two")).await;
    assert_eq!(edited["attachments"].as_array().unwrap().len(), 1);
    assert_eq!(edited["attachments"][0]["description"], "two");
    let (_, kept) = api
        .send(patch.clone(), &path, &json!({ "content": "x" }))
        .await;
    assert_eq!(kept["attachments"], edited["attachments"]);
    let (status, error) = api.send(patch.clone(), &path, &listed("lost")).await;
    let reason = &error["errors"]["attachments"]["0"]["id"]["_errors"][0]["message"];
    assert_eq!((status, reason), (400, &json!("Attachment data not found")));
    let (_, removed) = api.send(patch, &path, &json!({ "attachments": [] })).await;
    assert_eq!(removed["attachments"], json!([]));
}

#[tokio::test]
async fn files_need_the_permission_attach_files() {
    let sandbox = Sandbox::start().await;
    let api = Api::new(&sandbox);
    let messages = format!("/channels/{}/messages", api.channel(&sandbox).await);
    let (_, posted) = api.post(&messages, json!({ "content": "x" })).await;
    let path = format!("{messages}/{}", posted["id"].as_str().unwrap());
    // View Channel, Send Messages and Embed Links.
    sandbox.set_bot_permissions(sandbox.guild(), 19_456);
    for (method, path) in [
        (reqwest::Method::POST, &messages),
        (reqwest::Method::PATCH, &path),
    ] {
        let (status, error) = api
            .send_file(method, path, &json!({ "content": "y" }))
            .await;
        assert_eq!((status, &error["code"]), (403, &json!(50013)), "{path}");
    }
    let (_, found) = api.get(&path).await;
    assert_eq!(found["content"], "x");
}
