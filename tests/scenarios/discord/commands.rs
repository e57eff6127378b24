//! Slash commands end to end: from the sandbox through the real binary to the reply, its buttons and autocomplete.

use std::time::Duration;

use discord_sandbox::{File, Member, Reply, Sandbox, SlashError};

use crate::harness::{Rollcall, Running, Web, assert_contains, wait_for};

/// A bot in the sandbox's home guild.
pub(super) async fn bot() -> (Sandbox, Rollcall) {
    let sandbox = Sandbox::start().await;
    let rollcall = Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_GUILD_ID", sandbox.guild().0.to_string());
    (sandbox, rollcall)
}

pub(super) async fn connected<'a>(sandbox: &Sandbox, rollcall: &'a Rollcall) -> Running<'a> {
    let before = sandbox.record().identifies();
    let running = rollcall.run();
    sandbox
        .wait_for("the bot to identify itself", |record| {
            (record.identifies() > before).then_some(())
        })
        .await;
    sandbox.wait_until_ready().await;
    running
}

/// The rendered reply, with times and ports replaced, because they differ between runs.
fn normalized(reply: &Reply) -> String {
    let mut text = reply.render();
    while let Some(start) = text.find("<t:") {
        let end = start + text[start..].find('>').unwrap();
        text.replace_range(start..=end, "⟨time⟩");
    }
    let words: Vec<String> = text
        .split_inclusive(char::is_whitespace)
        .map(mask_port)
        .collect();
    words.concat()
}

/// Replaces the port of a loopback address.
fn mask_port(word: &str) -> String {
    let Some(at) = word.find("127.0.0.1:") else {
        return word.to_owned();
    };
    let port = at + "127.0.0.1:".len();
    let rest = word[port..].trim_start_matches(|letter: char| letter.is_ascii_digit());
    format!("{}⟨port⟩{rest}", &word[..port])
}

/// The id of the only endpoint.
fn first_id(rollcall: &Rollcall) -> i64 {
    rollcall.list()[0]["id"].as_i64().unwrap()
}

fn well_behaved(reply: &Reply) {
    assert!(reply.is_ephemeral(), "{}", reply.render());
    assert!(
        reply.answered_after() < Duration::from_secs(1),
        "{:?}",
        reply.answered_after()
    );
    assert_eq!(
        reply.json()["allowed_mentions"]["parse"],
        serde_json::json!([]),
        "{}",
        reply.json()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_added_goes_offline_is_listed_and_recovers() {
    let (sandbox, rollcall) = bot().await;
    let running = connected(&sandbox, &rollcall).await;
    let mut web = Web::up();
    let added = sandbox
        .slash(&format!("/endpoint add target:{} name:shop", web.target()))
        .await;
    well_behaved(&added);
    assert_contains(&added, "✅ Added. First check: 🟢 up, ");
    let id = first_id(&rollcall);
    rollcall.wait_until("online", id, |endpoint| endpoint["status"] == "online");
    let nothing = sandbox.slash("/offline_endpoints list").await;
    assert_eq!(nothing.text(), "No endpoints are offline. 🎉");

    web.goes_down();
    rollcall.wait_until("offline", id, |endpoint| endpoint["status"] == "offline");
    let list = sandbox.slash("/offline_endpoints list").await;
    well_behaved(&list);
    insta::assert_snapshot!(normalized(&list), @r"
    (only you see this)
    │ 1 offline endpoint
    │ 🔴 **shop** `http://127.0.0.1:⟨port⟩/`
    │ connection refused · went offline ⟨time⟩ · checked ⟨time⟩ · next check ⟨time⟩
    [Recheck all]
    ");
    let still = sandbox
        .slash(&format!("/offline_endpoints recheck ip:{}", web.target()))
        .await;
    well_behaved(&still);
    assert_contains(&still, "🔴 Still offline");
    assert_contains(&still, "Reason: connection refused");

    web.recovers();
    for (message, button) in [(&still, "Recheck"), (&list, "Recheck all")] {
        let hasty = sandbox.press(message, button).await;
        well_behaved(&hasty);
        assert_contains(&hasty, "You can start one recheck every 3 s. Try again in ");
    }
    // Another member has a rate limit of their own.
    let eve = Member::manager(2, "eve");
    let recovered = sandbox.member(&eve).press(&still, "Recheck").await;
    assert_contains(&recovered, "Back online after");
    for phase in ["Connect: ", "First byte: ", "Total: "] {
        assert_contains(&recovered, phase);
    }
    rollcall.wait_until("online", id, |endpoint| endpoint["is_active"] == true);
    let (code, err, _) = running.stop();
    assert_eq!(code, 0);
    assert!(
        !err.contains("ERROR") && !err.contains(&sandbox.token()),
        "{err}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_count_reactivated_endpoints() {
    let (sandbox, rollcall) = bot().await;
    let rollcall = rollcall.with("PROBE_FAILURES_TO_OFFLINE", "1");
    let mut web = Web::up();
    let home = sandbox.guild().0.to_string();
    rollcall.done(&["endpoint", "add", &web.target(), "--guild", &home]);
    web.goes_down();
    rollcall.done(&["check"]);
    web.recovers();
    rollcall.done(&["recheck", "--hours", "0"]);
    let _running = connected(&sandbox, &rollcall).await;
    wait_for("the first recheck run", || {
        rollcall.log().contains("recheck finished").then_some(())
    });
    let stats = sandbox.slash("/offline_endpoints stats").await;
    well_behaved(&stats);
    insta::assert_snapshot!(normalized(&stats), @r"
    (only you see this)
    │ 1 endpoint
    │ Active **1** (100.0%)
    │ Inactive **0** (0.0%)
    │ 🟢 1 online (100.0%)
    │ Reasons: none
    │ Longest outage: none
    │ Reactivated: 1 in the last 24 h · 1 in the last 7 d
    │ Last automatic recheck: ⟨time⟩
    │ Next automatic recheck: ⟨time⟩
    ");
    let of_range = sandbox.slash("/offline_endpoints stats range:7d").await;
    well_behaved(&of_range);
    for sentence in [
        "1 outage of an endpoint",
        "At most **1** at once · **0** at the end",
        "connection refused × 1",
        "Reactivated: 1",
    ] {
        assert_contains(&of_range, sentence);
    }
    for (range, sentence) in [
        ("93d", "at most 92 days. Example: `90d`"),
        ("yesterdy", "Did you mean `yesterday`?"),
    ] {
        let line = format!("/offline_endpoints stats range:{range}");
        assert_contains(&sandbox.slash(&line).await, sentence);
    }
    let choices = sandbox
        .autocomplete("/offline_endpoints stats range:last")
        .await;
    assert!(
        choices.iter().any(|(name, _)| name == "last month"),
        "{choices:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn recheck_all_requires_manage_server_and_reactivates_all_endpoints() {
    let (sandbox, rollcall) = bot().await;
    let rollcall = rollcall
        .with("PROBE_INTERVAL", "1h")
        .with("PROBE_FAILURES_TO_OFFLINE", "1");
    let mut web = Web::up();
    let home = sandbox.guild().0.to_string();
    for path in ["a", "b", "c"] {
        rollcall.done(&[
            "endpoint",
            "add",
            &format!("{}{path}", web.target()),
            "--guild",
            &home,
        ]);
    }
    web.goes_down();
    rollcall.done(&["check"]);
    let _running = connected(&sandbox, &rollcall).await;
    let plain = Member::plain(7, "bob");
    let seen = sandbox
        .member(&plain)
        .slash("/offline_endpoints list")
        .await;
    assert_eq!(seen.buttons(), [] as [&str; 0]);
    let forged = sandbox
        .member(&plain)
        .press_forged(&seen, "recheck-all")
        .await
        .unwrap();
    assert_contains(&forged, "Manage Server");

    web.recovers();
    let list = sandbox.slash("/offline_endpoints list").await;
    let done = sandbox.press(&list, "Recheck all").await;
    assert_contains(&done, "All 3 endpoints reactivated");
    assert!(
        rollcall
            .list()
            .iter()
            .all(|endpoint| endpoint["is_active"] == true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_long_list_work_after_a_restart() {
    let (sandbox, rollcall) = bot().await;
    let rollcall = rollcall
        .with("PROBE_INTERVAL", "1h")
        .with("PROBE_FAILURES_TO_OFFLINE", "1");
    let home = sandbox.guild().0.to_string();
    let closed = Web::up().address();
    let lines: String = (0..23)
        .map(|index| format!("http://{closed}/{index} item {index:02}\n"))
        .collect();
    std::fs::write(rollcall.path("list.txt"), lines).unwrap();
    rollcall.done(&["endpoint", "import", "list.txt", "--guild", &home]);
    rollcall.done(&["check"]);
    let running = connected(&sandbox, &rollcall).await;
    let first = sandbox.slash("/offline_endpoints list").await;
    assert_contains(&first, "Page 1 of 3 · 23 in total");
    assert_eq!(first.buttons(), ["Next", "Recheck all"]);
    let second = sandbox.press(&first, "Next").await;
    assert_contains(&second, "Page 2 of 3");
    assert_eq!(running.stop().0, 0);

    let _again = connected(&sandbox, &rollcall).await;
    let third = sandbox.press(&second, "Next").await;
    assert_contains(&third, "Page 3 of 3");
    assert_eq!(third.buttons(), ["Previous", "Recheck all"]);
    let beyond = sandbox
        .slash("/offline_endpoints list page:99 reason:\"connection refused\"")
        .await;
    assert_contains(&beyond, "Page 3 of 3");
    let none = sandbox
        .slash("/offline_endpoints list reason:\"timed out\"")
        .await;
    assert_eq!(
        none.text(),
        "No endpoints are offline for this reason (timed out)."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rechecking_an_unknown_address_offers_to_add_it() {
    let (sandbox, rollcall) = bot().await;
    let _running = connected(&sandbox, &rollcall).await;
    let web = Web::up();
    let target = format!("tcp://{}", web.address());
    let unknown = sandbox
        .slash(&format!(
            "/offline_endpoints recheck ip:127.0.0.1 port:{}",
            web.address().port()
        ))
        .await;
    assert_contains(&unknown, "Do you want to add it?");
    let added = sandbox.press(&unknown, &format!("Add {target}")).await;
    assert_contains(&added, "Added.");
    assert_eq!(rollcall.list()[0]["target"], target);

    let plain = Member::plain(7, "bob");
    let refused = sandbox
        .member(&plain)
        .slash("/offline_endpoints recheck ip:203.0.113.99 port:80")
        .await;
    assert_contains(&refused, "Manage Server");
    assert_eq!(refused.buttons(), [] as [&str; 0]);
    let forged = sandbox
        .member(&plain)
        .press_forged(&refused, "add|tcp://203.0.113.99:80")
        .await
        .unwrap();
    assert_contains(&forged, "Manage Server");
    assert_eq!(rollcall.list().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn recheck_asks_for_the_port_if_a_host_has_several() {
    let (sandbox, rollcall) = bot().await;
    let home = sandbox.guild().0.to_string();
    let web = Web::up();
    let port = web.address().port();
    rollcall.done(&["endpoint", "add", &web.target(), "--guild", &home]);
    rollcall.done(&["endpoint", "add", "127.0.0.1:9", "--guild", &home]);
    let _running = connected(&sandbox, &rollcall).await;
    let asks = sandbox
        .slash("/offline_endpoints recheck ip:127.0.0.1")
        .await;
    assert_contains(&asks, "`127.0.0.1` has 2 endpoints: `tcp://127.0.0.1:9`, ");
    // The cooldown is per member.
    let other = Member::manager(2, "eve");
    let named = sandbox
        .member(&other)
        .slash(&format!(
            "/offline_endpoints recheck ip:127.0.0.1 port:{port}"
        ))
        .await;
    assert_contains(&named, "Online");
    let hasty = sandbox
        .member(&other)
        .slash(&format!(
            "/offline_endpoints recheck ip:127.0.0.1 port:{port}"
        ))
        .await;
    assert_contains(&hasty, "You can start one recheck every 3 s. Try again in ");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_registered_once_after_the_home_guild_changes() {
    let (sandbox, mut rollcall) = bot().await;
    let (home, other) = (sandbox.guild(), sandbox.add_guild("Elsewhere"));
    let has = |guild, wanted: bool| {
        let commands = sandbox.commands(guild);
        let mut names: Vec<&str> = commands
            .iter()
            .flat_map(|one| one["name"].as_str())
            .collect();
        names.sort_unstable();
        let is_each_once = names.windows(2).all(|pair| pair[0] != pair[1]);
        is_each_once && names.contains(&"ping") == wanted
    };
    for (setting, in_home, in_other) in [
        (home.0.to_string(), true, false),
        (other.0.to_string(), false, true),
        (String::new(), true, true),
        (home.0.to_string(), true, false),
    ] {
        rollcall = rollcall.with("DISCORD_GUILD_ID", setting);
        let running = rollcall.run();
        wait_for("the lists of commands", || {
            (has(home, in_home) && has(other, in_other)).then_some(())
        });
        running.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_guild_sees_and_changes_nothing() {
    let (sandbox, rollcall) = bot().await;
    let other = sandbox.add_guild("Elsewhere");
    // Global commands, so that the other guild can try them.
    let rollcall = rollcall
        .with("DISCORD_GUILD_ID", "")
        .with("PROBE_FAILURES_TO_OFFLINE", "1");
    let home = sandbox.guild().0.to_string();
    let closed = Web::up().address();
    let output = rollcall.done(&[
        "endpoint",
        "add",
        &format!("http://{closed}/secret-path"),
        "--name",
        "secret",
        "--guild",
        &home,
        "--json",
    ]);
    let id = output.json()["id"].as_i64().unwrap();
    rollcall.done(&["check"]);
    let _running = connected(&sandbox, &rollcall).await;
    let ours = sandbox.slash("/offline_endpoints list").await;
    assert_contains(&ours, "secret");

    let outsider = Member::manager(9, "mallory");
    let there = sandbox.member(&outsider).in_guild(other);
    let mut shown = Vec::new();
    for line in [
        "/offline_endpoints list".to_owned(),
        "/offline_endpoints stats".to_owned(),
        format!("/offline_endpoints recheck ip:#{id}"),
        "/endpoints list all:true".to_owned(),
        format!("/endpoints show endpoint:#{id}"),
        format!("/endpoints show endpoint:http://{closed}/secret-path"),
        format!("/endpoint pause endpoint:#{id}"),
        format!("/endpoint edit endpoint:#{id} name:mine"),
        format!("/endpoint remove endpoint:#{id}"),
        "/endpoint export".to_owned(),
    ] {
        shown.push(there.slash(&line).await);
    }
    for custom_id in [
        "offline|1|any",
        "endpoints|1|all",
        &format!("recheck|{id}"),
        "recheck-all",
    ] {
        shown.push(there.press_forged(&ours, custom_id).await.unwrap());
    }
    for reply in &shown {
        let mut text = reply.text();
        // The reply may repeat what the member typed, nothing else.
        text = text.replace("secret-path", "");
        assert!(!text.contains("secret"), "{}", reply.render());
    }
    assert_eq!(there.autocomplete("/endpoints show endpoint:s").await, []);
    assert_eq!(rollcall.list()[0]["name"], "secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn managing_requires_manage_server_even_if_discord_allows_it() {
    let (sandbox, rollcall) = bot().await;
    let home = sandbox.guild().0.to_string();
    rollcall.done(&[
        "endpoint",
        "add",
        "203.0.113.7:80",
        "--name",
        "door",
        "--guild",
        &home,
    ]);
    let _running = connected(&sandbox, &rollcall).await;
    let plain = Member::plain(7, "bob");
    let lines = [
        "/endpoint add target:203.0.113.8:80",
        "/endpoint edit endpoint:door name:gate",
        "/endpoint pause endpoint:door",
        "/endpoint resume endpoint:door",
        "/endpoint remove endpoint:door",
    ];
    for line in lines {
        assert_eq!(
            sandbox.member(&plain).try_slash(line).await.unwrap_err(),
            SlashError::NotPermitted,
            "{line}"
        );
        let reply = sandbox.member(&plain).forging().slash(line).await;
        assert!(
            reply
                .text()
                .contains("You need the permission **Manage Server**"),
            "{line}: {}",
            reply.render()
        );
    }
    let file = File {
        name: "x.txt".into(),
        description: None,
        content: b"203.0.113.9:80".to_vec(),
    };
    let import = sandbox
        .member(&plain)
        .forging()
        .try_slash_with_file("/endpoint import", "file", file)
        .await
        .unwrap();
    assert_contains(&import, "Manage Server");
    assert_eq!(rollcall.list().len(), 1);
    let read = sandbox
        .member(&plain)
        .slash("/endpoints show endpoint:door")
        .await;
    assert_contains(&read, "203.0.113.7:80");
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_are_managed_entirely_from_discord() {
    let (sandbox, rollcall) = bot().await;
    let _running = connected(&sandbox, &rollcall).await;
    let file = File {
        name: "list.csv".into(),
        description: None,
        content: b"target,name\n203.0.113.7:80,door\nnonsense,x\n203.0.113.8:80,gate\n".to_vec(),
    };
    let imported = sandbox
        .slash_with_file("/endpoint import", "file", file.clone())
        .await;
    well_behaved(&imported);
    insta::assert_snapshot!(normalized(&imported), @r"
    (only you see this)
    │ 2 endpoints added
    │ Line 3: this is neither an address nor a URL. Try `https://nonsense/`
    │ Added: 2
    │ Already exist: 0
    │ Rejected: 1
    ");
    let choices = sandbox.autocomplete("/endpoints show endpoint:doo").await;
    assert_eq!(choices.len(), 1);
    assert_eq!(choices[0].1, "tcp://203.0.113.7:80");
    sandbox
        .slash("/endpoint edit endpoint:door name:portal interval:5m")
        .await;
    let paused = sandbox.slash("/endpoint pause endpoint:portal").await;
    assert_contains(&paused, "Paused **portal**");
    let list = sandbox.slash("/endpoints list all:true").await;
    assert!(
        list.text().contains("2 endpoints") && list.text().contains("⏸️ **portal**"),
        "{}",
        list.render()
    );
    let active = sandbox.slash("/endpoints list").await;
    assert!(
        active.text().contains("1 active endpoint") && !active.text().contains("portal"),
        "{}",
        active.render()
    );
    sandbox.slash("/endpoint resume endpoint:portal").await;
    let exported = sandbox.slash("/endpoint export").await;
    let text = String::from_utf8(exported.files()[0].content.clone()).unwrap();
    assert!(text.contains("tcp://203.0.113.7:80,portal,300s,"), "{text}");
    let removed = sandbox.slash("/endpoint remove endpoint:gate").await;
    assert_eq!(removed.text(), "Removed **gate** `tcp://203.0.113.8:80`.");
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_are_taken_as_people_type_them() {
    let (sandbox, rollcall) = bot().await;
    let _running = connected(&sandbox, &rollcall).await;
    let wrong = sandbox.slash("/endpoint add target:nonsense").await;
    well_behaved(&wrong);
    assert_eq!(
        wrong.text(),
        "`target`: this is neither an address nor a URL. Try `https://nonsense/`."
    );
    // The button adds the nearest valid form.
    let added = sandbox.press(&wrong, "Add https://nonsense/").await;
    assert_contains(&added, "https://nonsense/");
    let web = Web::up();
    let typed = format!("/endpoint add target:localhost:{}", web.address().port());
    let added = sandbox.slash(&typed).await;
    assert_contains(&added, &format!("tcp://localhost:{}", web.address().port()));
    let with_name = sandbox.slash("/endpoint add target:shop name:x").await;
    assert!(
        with_name.text().contains("https://shop/") && !with_name.render().contains("Add https"),
        "the button would lose the name: {}",
        with_name.render()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn http_expectations_can_be_changed() {
    let (sandbox, rollcall) = bot().await;
    let _running = connected(&sandbox, &rollcall).await;
    let web = Web::up();
    sandbox
        .slash(&format!("/endpoint add target:{} name:web", web.target()))
        .await;
    let id = rollcall.list()[0]["id"].as_i64().unwrap();
    let changed = sandbox.slash(r#"/endpoint http endpoint:web keyword:elsewhere method:GET headers:"Authorization: canary""#).await;
    assert_contains(
        &changed,
        "expects the text `elsewhere`; sends the header `Authorization`",
    );
    assert!(!changed.text().contains("canary"), "{}", changed.render());
    let down = rollcall.wait_until("offline", id, |endpoint| endpoint["status"] == "offline");
    assert_eq!(down["inactive_reason"], "keyword_missing");
    sandbox
        .slash("/endpoint http endpoint:web keyword:none status:200")
        .await;
    let recovered = sandbox.slash("/offline_endpoints recheck ip:web").await;
    assert_contains(&recovered, "Back online after");
    let tcp = sandbox
        .slash("/endpoint add target:127.0.0.1:9 name:tcp")
        .await;
    assert_contains(&tcp, "Added.");
    let refused = sandbox.slash("/endpoint http endpoint:tcp keyword:x").await;
    assert_contains(&refused, "a tcp endpoint has no HTTP options");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_cannot_mention_anyone_or_break_the_formatting() {
    let (sandbox, rollcall) = bot().await;
    let home = sandbox.guild().0.to_string();
    let name = "@everyone **<@1>** `x` [y](http://z)";
    rollcall.done(&[
        "endpoint",
        "add",
        "203.0.113.7:80",
        "--name",
        name,
        "--guild",
        &home,
    ]);
    let _running = connected(&sandbox, &rollcall).await;
    let list = sandbox.slash("/endpoints list all:true").await;
    well_behaved(&list);
    assert!(
        !list.text().contains(" @everyone") && !list.text().contains("<@1>"),
        "{}",
        list.render()
    );
    assert_contains(&list, r"\@everyone");
}

#[tokio::test(flavor = "multi_thread")]
async fn ping_shows_the_gateway_latency() {
    let (sandbox, rollcall) = bot().await;
    let running = connected(&sandbox, &rollcall).await;
    let pong = sandbox.slash("/ping").await;
    well_behaved(&pong);
    assert_contains(&pong, "Pong. Gateway latency: ");
    assert!(running.get("/readyz").1.contains("\"gateway\":\"ready\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_token_exits_with_code_4() {
    let (_sandbox, rollcall) = bot().await;
    let rollcall = rollcall.with("DISCORD_TOKEN", "canary.wrong.token");
    let (code, err) = rollcall.run().ended();
    assert_eq!(code, 4);
    assert!(
        err.contains("Reset Token") && !err.contains("canary"),
        "{err}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_about_ten_thousand_endpoints_take_less_than_a_second() {
    let (sandbox, rollcall) = bot().await;
    let rollcall = rollcall
        .with("QUOTA_ENDPOINTS", "20000")
        .with("PROBE_INTERVAL", "24h")
        .with("PROBE_ALLOW", "");
    let lines: String = (0..10_000)
        .map(|index| {
            format!(
                "127.0.{}.{}:{} host {index}\n",
                index / 250,
                index % 250 + 1,
                1000 + index
            )
        })
        .collect();
    std::fs::write(rollcall.path("list.txt"), lines).unwrap();
    let home = sandbox.guild().0.to_string();
    rollcall.done(&["endpoint", "import", "list.txt", "--guild", &home]);
    for _ in 0..3 {
        rollcall.done(&["check", "--concurrent", "200"]);
    }
    let _running = connected(&sandbox, &rollcall).await;
    for line in [
        "/offline_endpoints list page:500",
        "/offline_endpoints stats",
        "/endpoints list all:true page:3",
    ] {
        let reply = sandbox.slash(line).await;
        well_behaved(&reply);
        assert_contains(&reply, "000");
    }
    assert_eq!(
        sandbox
            .autocomplete("/endpoints show \"endpoint:host 999\"")
            .await
            .len(),
        11
    );
}
