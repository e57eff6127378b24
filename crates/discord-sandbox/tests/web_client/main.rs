//! Tests the page's server with real HTTP: what each route answers, and what it refuses.

#![expect(
    clippy::unwrap_used,
    reason = "a failed assumption should fail the test"
)]

mod bot;
mod page;

use discord_sandbox::Sandbox;
use page::{ADA, Page, SAM, read};
use serde_json::{Value, json};

#[tokio::test]
async fn the_page_and_its_files_are_served_with_a_policy() {
    let page = Page::open().await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/client/client.css", "text/css; charset=utf-8"),
        ("/client/client.js", "text/javascript; charset=utf-8"),
    ] {
        let answer = page.http.get(page.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), kind);
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
    }
    let html = page
        .http
        .get(page.url("/"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(!html.contains("style=") && !html.contains("onclick") && !html.contains("http"));
    // Every file that the page and its scripts name is there.
    for name in [
        "store",
        "dom",
        "markdown",
        "text",
        "message",
        "components",
        "form",
        "composer",
    ] {
        let answer = page
            .http
            .get(page.url(&format!("/client/{name}.js")))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{name}");
    }
    for unknown in ["/client/other.js", "/other", "/client/..%2findex.html"] {
        let (status, body) = page.get(unknown).await;
        assert_eq!(status, 404, "{unknown}");
        assert!(body["error"].as_str().unwrap().ends_with('.'));
    }
}

#[tokio::test]
async fn the_client_is_on_loopback_only() {
    let sandbox = Sandbox::start().await;
    let error = sandbox
        .serve_client("0.0.0.0:0".parse().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    let taken = sandbox
        .serve_client("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let error = sandbox.serve_client(taken.address()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn pages_of_other_sites_are_refused() {
    let page = Page::open().await;
    let port = page.served.address().port();
    let get = |host: String| page.http.get(page.url("/api/state")).header("Host", host);
    for own in ["127.0.0.1", "localhost", "[::1]"] {
        assert_eq!(read(get(format!("{own}:{port}"))).await.0, 200, "{own}");
    }
    for other in [
        "evil.example".into(),
        format!("evil.example:{port}"),
        "127.0.0.1:1".into(),
        "127.0.0.1".into(),
    ] {
        assert_eq!(read(get(other.clone())).await.0, 403, "{other}");
    }
    let command = page.command(ADA, "ping");
    let post = || page.http.post(page.url("/api/command"));
    let own = post().header("Origin", format!("http://localhost:{port}"));
    assert_eq!(read(own.json(&command)).await.0, 200);
    for origin in ["http://evil.example", "null", "https://127.0.0.1"] {
        let request = post().header("Origin", origin).json(&command);
        assert_eq!(read(request).await.0, 403, "{origin}");
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
    ] {
        let request = post()
            .header("Content-Type", kind)
            .body(command.to_string());
        assert_eq!(read(request).await.0, 415, "{kind}");
    }
    assert_eq!(read(post().body(command.to_string())).await.0, 415);
    let upload = page
        .http
        .put(page.url("/api/files/a"))
        .header("Content-Type", "text/plain");
    assert_eq!(read(upload.body("a")).await.0, 415);
    assert_eq!(
        page.messages(ADA).await.len(),
        1,
        "only the own page's command was sent"
    );
}

#[tokio::test]
async fn the_state_has_everything_by_name() {
    let page = Page::open().await;
    let (_, parts) = page.get("/api/state").await;
    let world = &parts["world"];
    assert_eq!(
        (
            &world["bot"]["name"],
            &world["bot"]["status"],
            &world["bot"]["activity"]
        ),
        (
            &json!("Robot"),
            &json!("dnd"),
            &json!("Watching 3 monitors")
        )
    );
    let guild = &world["guilds"][0];
    assert_eq!(
        (&guild["name"], &guild["channels"][0]["name"]),
        (&json!("Shop"), &json!("general"))
    );
    assert_eq!(guild["channels"][1]["name"], "alerts");
    assert_eq!(
        guild["roles"][0],
        json!({ "id": "77", "name": "on-call", "color": "#00ff10" })
    );
    assert_eq!(guild["members"][0]["roles"], json!(["77"]));
    assert_eq!(guild["members"][1]["name"], "sam");
    let commands = &parts[format!("commands:{}", page.sandbox.guild().0)];
    assert_eq!(commands.as_array().unwrap().len(), 7);
    let unnamed = page.sandbox.add_guild("Other");
    let world = &page.get("/api/state").await.1["world"];
    assert_eq!(world["guilds"][1]["id"], unnamed.0.to_string());
    assert_eq!(world["guilds"][1]["members"][0]["name"], "ada");
    page.sandbox.close_gateway(discord_sandbox::CloseWith::Drop);
    let mut events = page.events(ADA).await;
    events.until_bot("offline").await;
}

#[tokio::test]
async fn only_known_members_have_a_state_and_events() {
    let page = Page::open().await;
    for path in ["state", "events"] {
        assert_eq!(page.get(&format!("/api/{path}?member=5")).await.0, 404);
        for query in ["?member=x", "?other=1", "?"] {
            assert_eq!(
                page.get(&format!("/api/{path}{query}")).await.0,
                400,
                "{path}{query}"
            );
        }
    }
    assert_eq!(page.get("/api/events").await.0, 400);
}

#[tokio::test]
async fn messages_come_change_and_vanish_as_events() {
    let page = Page::open().await;
    let mut events = page.events(SAM).await;
    events.until("nothing", <[Value]>::is_empty).await;
    page.run(ADA, "ping").await;
    let messages = events
        .until("the reply", |messages| messages.len() == 1)
        .await;
    assert_eq!(
        messages[0]["used"],
        json!({ "member": ADA, "command": "ping" })
    );
    assert_eq!(
        (&messages[0]["edited"], &messages[0]["ephemeral"]),
        (&Value::Null, &json!(false))
    );
    let event: Value = serde_json::from_str(messages[0]["content"].as_str().unwrap()).unwrap();
    assert_eq!(event["member"]["user"]["username"], "ada");
    let path = format!(
        "/channels/{}/messages/{}",
        page.main_channel(),
        messages[0]["id"].as_str().unwrap()
    );
    page.api
        .send(reqwest::Method::PATCH, &path, &json!({ "content": "new" }))
        .await;
    let is_edited =
        |messages: &[Value]| messages[0]["content"] == "new" && messages[0]["edited"].is_u64();
    events.until("the edit", is_edited).await;
    page.api
        .send(reqwest::Method::DELETE, &path, &Value::Null)
        .await;
    events.until("the deletion", <[Value]>::is_empty).await;
}

#[tokio::test]
async fn the_newest_hundred_messages_of_a_channel_are_shown() {
    let page = Page::open().await;
    for number in 0..101 {
        page.sent(json!({ "content": number.to_string() })).await;
    }
    let messages = page.messages(ADA).await;
    assert_eq!(
        (messages.len(), &messages[0]["content"]),
        (100, &json!("1"))
    );
}

#[tokio::test]
async fn an_ephemeral_message_is_seen_by_one_member_until_dismissed() {
    let page = Page::open().await;
    page.run(ADA, "secret").await;
    assert_eq!(page.messages(SAM).await, [] as [Value; 0]);
    let messages = page.messages(ADA).await;
    assert_eq!(
        (&messages[0]["content"], &messages[0]["ephemeral"]),
        (&json!("hidden"), &json!(true))
    );
    let dismiss = |member: &str| json!({ "member": member, "message": messages[0]["id"] });
    assert_eq!(page.post("dismiss", &dismiss(SAM)).await.0, 404);
    assert_eq!(page.post("dismiss", &dismiss(ADA)).await.0, 200);
    assert_eq!(page.messages(ADA).await, [] as [Value; 0]);
    assert_eq!(page.post("dismiss", &dismiss(ADA)).await.0, 404);
    let public = page.sent(json!({ "content": "x" })).await;
    assert_eq!(
        page.post("dismiss", &json!({ "member": ADA, "message": public }))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn a_deferred_response_is_shown_as_thinking() {
    let page = Page::open().await;
    page.run(ADA, "think").await;
    let messages = page.messages(SAM).await;
    assert_eq!(
        (messages.len(), &messages[0]["thinking"]),
        (1, &json!(true))
    );
    assert_eq!(messages[0]["used"]["command"], "think");
}

#[tokio::test]
async fn a_bot_that_does_not_respond_is_reported() {
    let page = Page::open().await;
    let (status, body) = page.post("command", &page.command(ADA, "hang")).await;
    assert_eq!(
        (status, &body["error"]),
        (504, &json!("The application did not respond."))
    );
}

/// The body of a command with options, each a name and a value.
fn command(member: &str, channel: &str, path: &[&str], options: &[[&str; 2]]) -> Value {
    let options = options.iter();
    let options: Vec<Value> = options
        .map(|[name, value]| json!({ "name": name, "value": value }))
        .collect();
    json!({ "member": member, "channel": channel, "path": path, "options": options })
}

async fn expect_refusal(page: &Page, status: u16, why: &str, body: Value) {
    let (found, answer) = page.post("command", &body).await;
    assert_eq!((found, &answer["error"]), (status, &json!(why)), "{body}");
}

#[tokio::test]
async fn commands_that_discord_would_not_send_are_refused() {
    let page = Page::open().await;
    let home = page.main_channel();
    for (status, why, member, channel, path) in [
        (404, "There is no such member.", "5", &*home, &["ping"][..]),
        (404, "There is no such channel.", ADA, "5", &["ping"]),
        (
            422,
            "`channel` must be an id, as in \"1001\".",
            ADA,
            "x",
            &["ping"],
        ),
        (
            404,
            "There is no command /nothing.",
            ADA,
            &home,
            &["nothing"],
        ),
        (
            404,
            "There is no command /send nothing.",
            ADA,
            &home,
            &["send", "nothing"],
        ),
        (
            422,
            "/send needs one of its subcommands.",
            ADA,
            &home,
            &["send"],
        ),
        (
            403,
            "This member does not see that command.",
            SAM,
            &home,
            &["rule"],
        ),
        (
            422,
            "The option \"word\" is required.",
            ADA,
            &home,
            &["send", "word"],
        ),
    ] {
        expect_refusal(&page, status, why, command(member, channel, path, &[])).await;
    }
    let permitted = page
        .post("command", &command(ADA, &home, &["rule"], &[]))
        .await;
    assert_eq!(permitted.0, 200);
    let garbage = page
        .http
        .post(page.url("/api/command"))
        .header("Content-Type", "application/json")
        .body("{");
    assert_eq!(read(garbage).await.0, 400);
}

#[tokio::test]
async fn options_that_discord_would_not_send_are_refused() {
    let page = Page::open().await;
    let home = page.main_channel();
    let send = |option: [&str; 2]| command(ADA, &home, &["send", "word"], &[["word", "x"], option]);
    for (why, option) in [
        ("Other:1: the command has no such option.", ["other", "1"]),
        ("Count:0: the number is out of range.", ["count", "0"]),
        ("Count:x: the value has the wrong type.", ["count", "x"]),
        (
            "Where:#none: the value has the wrong type.",
            ["where", "#none"],
        ),
    ] {
        expect_refusal(&page, 422, why, send(option)).await;
    }
    assert_eq!(page.post("command", &send(["count", "1"])).await.0, 200);
}

#[tokio::test]
async fn a_command_comes_from_the_channel_of_the_member_with_names() {
    let page = Page::open().await;
    let alerts = page.sandbox.channels(page.sandbox.guild())[1]
        .id
        .to_string();
    let options =
        json!([{ "name": "word", "value": "a \"b\" \\" }, { "name": "where", "value": "#alerts" }]);
    let body =
        json!({ "member": SAM, "channel": alerts, "path": ["send", "word"], "options": options });
    assert_eq!(page.post("command", &body).await.0, 200);
    let messages = page.messages(ADA).await;
    assert_eq!(messages[0]["channel"], json!(alerts));
    let event: Value = serde_json::from_str(messages[0]["content"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&event["channel_id"], &event["channel"]["name"]),
        (&json!(alerts), &json!("alerts"))
    );
    assert_eq!(
        event["data"]["options"][0]["options"][0]["value"],
        "a \"b\" \\"
    );
    assert_eq!(
        event["data"]["resolved"]["channels"][&alerts]["name"],
        "alerts"
    );
}

#[tokio::test]
async fn the_bot_completes_the_focused_option() {
    let page = Page::open().await;
    let body = |options: Value, focused: Value| json!({ "member": ADA, "channel": page.main_channel(), "path": ["send", "word"], "options": options, "focused": focused });
    let typed = json!([{ "name": "word", "value": "o" }]);
    let (status, answer) = page
        .post("complete", &body(typed.clone(), json!("word")))
        .await;
    assert_eq!(
        (status, &answer["choices"]),
        (200, &json!([{ "name": "One", "value": "1" }]))
    );
    assert_eq!(
        page.post("complete", &body(typed, Value::Null)).await.0,
        422
    );
    let unknown = json!([{ "name": "nothing", "value": "" }]);
    assert_eq!(
        page.post("complete", &body(unknown, json!("nothing")))
            .await
            .0,
        422
    );
}

fn button(id: &str) -> Value {
    json!({ "type": 2, "style": 1, "label": id, "custom_id": id })
}

#[tokio::test]
async fn buttons_are_pressed_unless_they_cannot_be() {
    let page = Page::open().await;
    let mut disabled = button("off");
    disabled["disabled"] = json!(true);
    let link = json!({ "type": 2, "style": 5, "label": "Docs", "url": "https://example.org" });
    let menu =
        json!({ "type": 3, "custom_id": "menu", "options": [{ "label": "A", "value": "a" }] });
    let rows = json!([
        { "type": 1, "components": [button("change"), disabled, link] }, { "type": 1, "components": [menu] },
    ]);
    let message = page
        .sent(json!({ "content": "x", "components": rows }))
        .await;
    let press =
        |member: &str, id: &str| json!({ "member": member, "message": message, "custom_id": id });
    for id in ["off", "nothing", "Docs", "menu", ""] {
        assert_eq!(page.post("component", &press(ADA, id)).await.0, 404, "{id}");
    }
    assert_eq!(page.post("component", &press("5", "change")).await.0, 404);
    let unknown = json!({ "member": ADA, "message": "5", "custom_id": "change" });
    assert_eq!(
        page.post("component", &unknown).await.1["error"],
        "There is no such message."
    );
    assert_eq!(
        page.post("component", &press(SAM, "change")).await,
        (200, json!({}))
    );
    assert_eq!(page.messages(ADA).await[0]["content"], "changed");
}

#[tokio::test]
async fn menus_take_only_what_they_offer() {
    let page = Page::open().await;
    let option = |value: &str| json!({ "label": value, "value": value });
    let strings = json!({ "type": 3, "custom_id": "strings", "min_values": 1, "max_values": 2, "options": [option("a"), option("b"), option("c")] });
    let roles = json!({ "type": 6, "custom_id": "roles" });
    let channels = json!({ "type": 8, "custom_id": "channels", "channel_types": [0] });
    let voice = json!({ "type": 8, "custom_id": "voice", "channel_types": [2] });
    let mentionable = json!({ "type": 7, "custom_id": "any", "max_values": 2 });
    let rows: Vec<Value> = [strings, roles, channels, voice, mentionable]
        .into_iter()
        .map(|menu| json!({ "type": 1, "components": [menu] }))
        .collect();
    let message = page
        .sent(json!({ "content": "x", "components": rows }))
        .await;
    let home = page.main_channel();
    for (status, menu, values) in [
        (200, "strings", json!(["a"])),
        (200, "strings", json!(["c", "a"])),
        (422, "strings", json!([])),
        (422, "strings", json!(["a", "b", "c"])),
        (422, "strings", json!(["d"])),
        (200, "roles", json!(["77"])),
        (422, "roles", json!(["x"])),
        (200, "channels", json!([home])),
        (422, "channels", json!(["5"])),
        (422, "voice", json!([home])),
        (200, "any", json!(["77", SAM])),
        (422, "nothing", json!(["a"])),
    ] {
        let body =
            json!({ "member": ADA, "message": message, "custom_id": menu, "values": values });
        let (found, answer) = page.post("component", &body).await;
        assert_eq!(found, status, "{body} {answer}");
    }
    let last = page.messages(ADA).await.pop().unwrap();
    let data: Value = serde_json::from_str(last["content"].as_str().unwrap()).unwrap();
    assert_eq!(data["resolved"]["roles"]["77"]["name"], "on-call");
    assert_eq!(data["resolved"]["users"][SAM]["username"], "sam");
    assert_eq!(
        (&last["replies_to"], &last["ephemeral"]),
        (&json!(message), &json!(true))
    );
}

#[tokio::test]
async fn a_form_is_opened_checked_and_submitted() {
    let page = Page::open().await;
    let opened = page.run(ADA, "form").await;
    assert_eq!(opened["form"]["title"], "Form");
    let submit = |member: &str, values: Value| json!({ "member": member, "interaction": opened["interaction"], "values": values });
    let (status, refused) = page
        .post("form", &submit(ADA, json!({ "note": "123456" })))
        .await;
    assert_eq!(
        (status, &refused["fields"]),
        (
            422,
            &json!({ "name": "This field is required", "note": "Must be between 0 and 5 in length." })
        )
    );
    assert_eq!(
        page.post("form", &submit(SAM, json!({ "name": "x" })))
            .await
            .0,
        404
    );
    let unknown = json!({ "member": ADA, "interaction": "5", "values": {} });
    assert_eq!(page.post("form", &unknown).await.0, 404);
    assert_eq!(
        page.post("form", &submit(ADA, json!({ "name": "12345" })))
            .await
            .0,
        200
    );
    let messages = page.messages(ADA).await;
    assert!(messages[0]["content"].as_str().unwrap().contains("12345"));
    let message = page.sent(json!({ "content": "x", "components": [{ "type": 1, "components": [button("form")] }] })).await;
    let press = json!({ "member": SAM, "message": message, "custom_id": "form" });
    assert_eq!(
        page.post("component", &press).await.1["form"]["custom_id"],
        "form"
    );
}

#[tokio::test]
async fn bodies_have_limits() {
    const FILE_LIMIT: usize = 10 * 1024 * 1024;
    const ACTION_LIMIT: usize = 256 * 1024;
    let page = Page::open().await;
    let put = |size: usize| {
        let request = page
            .http
            .put(page.url("/api/files/list.txt"))
            .header("Content-Type", "application/octet-stream");
        read(request.body(vec![b'x'; size]))
    };
    let (status, uploaded) = put(FILE_LIMIT).await;
    assert_eq!(status, 200);
    assert_eq!(put(FILE_LIMIT + 1).await.0, 413);
    let body = |id: &Value| {
        json!({
            "member": ADA, "channel": page.main_channel(), "path": ["send", "file"], "files": [{ "name": "content", "id": id }],
        })
    };
    assert_eq!(page.post("command", &body(&uploaded["id"])).await.0, 200);
    assert_eq!(page.post("command", &body(&json!("5"))).await.0, 422);
    let messages = page.messages(ADA).await;
    let event: Value = serde_json::from_str(messages[0]["content"].as_str().unwrap()).unwrap();
    let file = &event["data"]["resolved"]["attachments"][uploaded["id"].as_str().unwrap()];
    assert_eq!(
        (&file["filename"], &file["size"]),
        (&json!("list.txt"), &json!(FILE_LIMIT))
    );

    let command = page.command(ADA, "ping").to_string();
    let send = |size: usize| {
        let padded = format!("{command}{}", " ".repeat(size - command.len()));
        read(
            page.http
                .post(page.url("/api/command"))
                .header("Content-Type", "application/json")
                .body(padded),
        )
    };
    assert_eq!(send(ACTION_LIMIT).await.0, 200);
    assert_eq!(send(ACTION_LIMIT + 1).await.0, 413);
}

#[tokio::test]
async fn files_of_messages_are_images_or_downloads() {
    let page = Page::open().await;
    let boundary = "b0";
    let part = |number: u64, name: &str, content: &str| {
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"files[{number}]\"; filename=\"{name}\"\r\n\r\n{content}\r\n"
        )
    };
    let payload = json!({ "attachments": [{ "id": 0, "description": "A line." }] });
    let body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{payload}\r\n{}{}--{boundary}--\r\n",
        part(0, "a.gif", "GIF89a"),
        part(1, "evil.svg", "<svg/>")
    );
    let url = format!(
        "{}/api/v10/channels/{}/messages",
        page.sandbox.api_url(),
        page.main_channel()
    );
    let request = page
        .http
        .post(url)
        .header("Authorization", format!("Bot {}", page.sandbox.token()));
    let kind = format!("multipart/form-data; boundary={boundary}");
    assert_eq!(
        read(request.header("Content-Type", kind).body(body))
            .await
            .0,
        200
    );
    let message = &page.messages(ADA).await[0];
    let files = message["files"].as_array().unwrap();
    assert_eq!(
        (&files[0]["is_image"], &files[1]["is_image"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        (&files[0]["description"], &files[1]["description"]),
        (&json!("A line."), &json!(null))
    );
    let get = |index: usize| {
        page.http
            .get(page.url(files[index]["url"].as_str().unwrap()))
            .send()
    };
    let (image, other) = (get(0).await.unwrap(), get(1).await.unwrap());
    assert_eq!(image.headers()["content-type"], "image/gif");
    assert_eq!(other.headers()["content-type"], "application/octet-stream");
    assert_eq!(other.headers()["content-disposition"], "attachment");
    assert_eq!(other.text().await.unwrap(), "<svg/>");
    assert_eq!(page.get("/files/5/0").await.0, 404);
}

#[tokio::test]
async fn buttons_in_direct_messages_are_refused() {
    let page = Page::open().await;
    page.api
        .post("/users/@me/channels", json!({ "recipient_id": ADA }))
        .await;
    let body =
        json!({ "content": "x", "components": [{ "type": 1, "components": [button("change")] }] });
    let sent = page
        .api
        .post(&format!("/channels/{ADA}/messages"), body)
        .await;
    assert_eq!(page.messages(ADA).await.len(), 1);
    assert_eq!(page.messages(SAM).await.len(), 0);
    let press =
        |member: &str| json!({ "member": member, "message": sent["id"], "custom_id": "change" });
    assert_eq!(page.post("component", &press(ADA)).await.0, 409);
    assert_eq!(page.post("component", &press(SAM)).await.0, 404);
}
