//! Pictures in Discord: which replies and messages have them, and that everything is complete without them.

use discord_sandbox::{Member, Reply, RestFault, Sandbox};
use serde_json::{Value, json};

use crate::harness::alerting::{
    bot, end_backoff, the_message, wait_until_delivered, wait_until_online, with_shop,
};
use crate::harness::{Rollcall, Running, Web, assert_contains, wait_for};

/// View Channel, Send Messages and Embed Links, but not Attach Files.
const WITHOUT_FILES: u64 = 19_456;

/// The only file of a reply, and what its embed shows.
fn the_picture(reply: &Reply) -> (Vec<u8>, String) {
    let [file] = reply.files() else {
        panic!("one picture: {}", reply.render());
    };
    let shown = &reply.embeds()[0]["image"]["url"];
    assert_eq!(shown, &json!(format!("attachment://{}", file.name)));
    let description = file.description.clone().unwrap();
    (file.content.clone(), description)
}

fn pixels(png: &[u8]) -> (u32, u32) {
    let header = minipng::decode_png_header(png).unwrap();
    (header.width(), header.height())
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_have_a_picture_with_its_text_in_the_colors_of_the_discord_server() {
    let sandbox = Sandbox::start().await;
    let (rollcall, web) = (bot(&sandbox), Web::up());
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox
        .slash("/endpoint edit endpoint:shop name:Магазин店")
        .await;
    let bob = Member::plain(7, "bob");
    let bob = || sandbox.member(&bob);
    let shown = bob().slash("/endpoints show endpoint:Магазин店").await;
    let (dark, description) = the_picture(&shown);
    assert_eq!(pixels(&dark), (1_000, 340));
    assert!(dark.len() <= 25_000, "{}", dark.len());
    assert!(
        description.starts_with("Latency of Магазин店, 24h."),
        "{description}"
    );
    assert_contains(&shown, "In the picture, `#1` is 店.");
    let history = bob()
        .slash("/history show monitor:Магазин店 range:today")
        .await;
    let (_, description) = the_picture(&history);
    assert!(
        description.starts_with("Latency of Магазин店, today."),
        "{description}"
    );

    let refused = bob().try_slash("/settings pictures theme:light").await;
    assert!(refused.is_err(), "{refused:?}");
    let set = sandbox.slash("/settings pictures theme:light").await;
    assert_contains(&set, "Pictures are now light.");
    let set = sandbox.slash("/settings pictures").await;
    assert_contains(&set, "Pictures are light.");
    let (light, _) = the_picture(&bob().slash("/endpoints show endpoint:Магазин店").await);
    assert_ne!(light[..200], dark[..200], "the palette differs");

    // Bob has had three of the ten pictures that a member gets per minute.
    for _ in 4..=10 {
        the_picture(&bob().slash("/endpoints show endpoint:Магазин店").await);
    }
    let beyond = bob().slash("/endpoints show endpoint:Магазин店").await;
    assert_contains(
        &beyond,
        "Without its picture: you get at most 10 per minute.",
    );
    assert_contains(&beyond, "Status: 🟢");
    assert_eq!(
        (beyond.files().len(), &beyond.embeds()[0]["image"]),
        (0, &Value::Null)
    );
    the_picture(&sandbox.slash("/endpoints show endpoint:Магазин店").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_attach_files_replies_are_text_and_one_of_them_says_so() {
    let sandbox = Sandbox::start().await;
    let (rollcall, web) = (bot(&sandbox), Web::up());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.set_bot_permissions(sandbox.guild(), WITHOUT_FILES);
    const REMARK: &str = "if it has the permission Attach Files";
    let show = async || {
        let reply = sandbox.slash("/endpoints show endpoint:shop").await;
        assert_contains(&reply, "Status: 🟢");
        assert_eq!(reply.files().len(), 0);
        reply.text().contains(REMARK)
    };
    assert!(show().await, "the first one of the week");
    assert!(!show().await);
    // The remark is stored.
    assert_eq!(running.stop().0, 0);
    let _running = rollcall.run();
    sandbox.wait_until_connected().await;
    assert!(!show().await);
    rollcall.sql(
        "UPDATE guild_settings SET attach_files_remark_at = attach_files_remark_at - 604800000",
    );
    assert!(show().await, "a week later");
    sandbox.set_bot_permissions(sandbox.guild(), WITHOUT_FILES | (1 << 15));
    the_picture(&sandbox.slash("/endpoints show endpoint:shop").await);
}

/// The shop was offline, and its message is about to say that it no longer is.
async fn with_open_incident<'a>(
    sandbox: &Sandbox,
    rollcall: &'a Rollcall,
    web: &mut Web,
) -> Running<'a> {
    let running = with_shop(sandbox, rollcall, web).await;
    web.goes_down();
    the_message(sandbox, "🔴 shop is offline").await;
    wait_until_delivered(&running);
    running
}

/// The bodies of all edits of messages in channels.
fn edits(sandbox: &Sandbox) -> Vec<Value> {
    let requests = sandbox.record().requests.into_iter();
    let edits = requests.filter(|one| one.method == "PATCH" && one.path.contains("/channels/"));
    edits.map(|one| one.body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolved_incident_gets_its_picture_exactly_once_over_a_crash() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_open_incident(&sandbox, &rollcall, &mut web).await;
    assert!(
        edits(&sandbox)
            .iter()
            .all(|edit| edit["attachments"].is_null())
    );
    // Discord makes the edit, but its answer is lost, and Rollcall crashes.
    sandbox.fail_requests(RestFault::NoAnswer, "/channels/", 1);
    web.recovers();
    let resolved = the_message(&sandbox, "🟢 shop was offline for").await;
    assert_eq!(resolved.files().len(), 1, "{}", resolved.render());
    running.kill();
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let again = |edit: &Value| edit["attachments"][0]["id"] == 0;
    wait_for("the edit to be made again", || {
        end_backoff(&rollcall);
        (edits(&sandbox).iter().filter(|edit| again(edit)).count() == 2).then_some(())
    });
    wait_until_delivered(&running);
    let resolved = the_message(&sandbox, "🟢 shop was offline for").await;
    let [file] = resolved.files() else {
        panic!("one picture: {}", resolved.render());
    };
    assert_eq!(pixels(&file.content), (1_000, 340));
    let description = file.description.as_deref().unwrap();
    let expected = "Latency of shop, 1 h around the outage. Median ";
    assert!(description.starts_with(expected), "{description}");
    assert!(description.contains("Offline for "), "{description}");

    // Later edits keep it, and no further one has a picture.
    let home = sandbox.guild().0.to_string();
    let made = rollcall.done(&[
        "key", "create", "--kind", "admin", "--guild", &home, "--json",
    ]);
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let incident =
        rollcall.sql("SELECT CAST(MAX(id) AS TEXT) FROM incidents WHERE kind = 'incident'");
    let path = format!("/api/v1/incidents/{}/notes", incident[0]);
    let added = running.call("POST", &path, &key, r#"{"text": "the cable was loose"}"#);
    assert_eq!(added.status, 201, "{added:?}");
    let noted = the_message(&sandbox, "the cable was loose").await;
    assert_eq!(noted.files(), resolved.files());
    wait_until_delivered(&running);
    assert_eq!(edits(&sandbox).iter().filter(|edit| again(edit)).count(), 2);
    assert!(edits(&sandbox).last().unwrap().get("attachments").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_attach_files_a_resolved_incident_is_text_alone() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_open_incident(&sandbox, &rollcall, &mut web).await;
    sandbox.set_bot_permissions(sandbox.guild(), WITHOUT_FILES);
    web.recovers();
    let resolved = the_message(&sandbox, "🟢 shop was offline for").await;
    wait_until_delivered(&running);
    wait_until_online(&running, 1);
    assert_eq!(resolved.files(), []);
    let broken = rollcall.sql("SELECT CAST(COUNT(*) AS TEXT) FROM destinations WHERE broken_at IS NOT NULL OR suspected_at IS NOT NULL");
    assert_eq!(broken, ["0"], "the channel works");
}
