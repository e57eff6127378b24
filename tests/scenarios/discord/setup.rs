//! From the invitation to the first alert: the invite link, the welcome, `/setup` with its screens, and the menu of channels
//! under the first endpoint.

use discord_sandbox::{As, GuildId, Member, Reply, RestFault, Role, Sandbox};

use crate::harness::alerting::{ROLE, bot, the_message, wait_until_online};
use crate::harness::{Rollcall, Web, assert_contains, wait_for};

const WELCOME: &str = "Rollcall is here";

fn with_text(messages: &[Reply], part: &str) -> usize {
    messages
        .iter()
        .filter(|one| one.text().contains(part))
        .count()
}

/// Waits until Rollcall has recorded a guild that was announced after everything else.
async fn until_all_is_recorded(sandbox: &Sandbox, rollcall: &Rollcall) {
    let last = sandbox.invite_bot("Last");
    let recorded = format!(
        "SELECT 'seen' FROM guilds WHERE guild_id = {} AND welcomed_at IS NOT NULL",
        last.0
    );
    wait_for("the last guild to be welcomed", || {
        rollcall.sql(&recorded).pop()
    });
    sandbox
        .wait_for_messages(last, WELCOME, |messages| {
            (with_text(messages, WELCOME) == 1).then_some(())
        })
        .await;
}

/// Gives a guild the on-call role, which only members with a permission may mention.
fn add_role(sandbox: &Sandbox, guild: GuildId) {
    let role = Role::new(ROLE, "on-call");
    sandbox.set_roles(guild, &[role]);
}

/// Adds the endpoint `shop` in the third step, after a mistake, which loses nothing.
async fn add_shop(ada: &As<'_>, screen: &Reply, web: &Web) -> Reply {
    let form = ada.open_form(screen, "Add an endpoint").await;
    let typed = [("Address", "my shop"), ("Name (default: the host)", "shop")];
    let screen = ada.submit(&form, &typed).await;
    assert_contains(&screen, "step 3 of 4");
    assert_contains(&screen, "contains a space");
    let form = ada.open_form(&screen, "Enter it again").await;
    assert_eq!(form.value("Address"), "my shop");
    let screen = ada.submit(&form, &[("Address", &web.target())]).await;
    assert_contains(&screen, "step 4 of 4");
    assert_contains(&screen, "✅ Added. First check: 🟢 up");
    screen
}

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_from_the_invitation_to_the_first_alert() {
    let sandbox = Sandbox::start().await;
    let (home, channel) = (sandbox.guild(), sandbox.channel(sandbox.guild()));
    let ada = sandbox.member(&Member::manager(1001, "ada"));
    sandbox.open_system_channel(home);
    add_role(&sandbox, home);
    sandbox.set_bot_permissions(home, 19_456);
    sandbox.remove_bot(home);
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let link = wait_for("the invite link", || {
        let log = rollcall.log();
        let link = log
            .split("https://discord.com/oauth2/authorize?client_id=")
            .nth(1)?;
        Some(link.lines().next()?.to_owned())
    });
    assert!(
        link.contains("&scope=bot+applications.commands&permissions=52224"),
        "{link}"
    );

    sandbox.add_bot(home);
    let welcome = the_message(&sandbox, WELCOME).await;
    let screen = ada.press(&welcome, "Set up").await;
    assert!(screen.is_ephemeral(), "{}", screen.render());
    assert_contains(&screen, "step 1 of 4");
    let screen = ada.choose_channel(&screen, channel).await;
    assert_contains(&screen, "step 2 of 4");
    the_message(&sandbox, "Alerts are sent to this channel").await;
    let screen = ada.choose_role(&screen, ROLE).await;
    assert_contains(&screen, "step 3 of 4");
    assert_contains(&screen, "Discord does not notify members of <@&77>");
    let screen = add_shop(&ada, &screen, &web).await;
    let screen = ada.press(&screen, "Send a test alert").await;
    assert_contains(&screen, "The test alert is in");
    let test = the_message(&sandbox, "Test alert").await;
    assert_eq!(
        test.json()["allowed_mentions"]["parse"],
        serde_json::json!([])
    );
    assert_eq!(test.json()["content"], "");

    wait_until_online(&running, 1);
    web.goes_down();
    let alert = the_message(&sandbox, "🔴 shop is offline").await;
    assert_eq!(
        alert.json()["allowed_mentions"]["roles"],
        serde_json::json!([ROLE.to_string()])
    );
    // The same guild is announced again after an outage of Discord.
    sandbox.announce_guild(home);
    until_all_is_recorded(&sandbox, &rollcall).await;
    assert_eq!(with_text(&sandbox.messages(home), WELCOME), 1);
    assert_eq!(rollcall.log().matches("oauth2/authorize").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setup_that_was_left_is_resumed_after_a_restart() {
    let sandbox = Sandbox::start().await;
    let (home, channel) = (sandbox.guild(), sandbox.channel(sandbox.guild()));
    let (ada, bob) = (Member::manager(1001, "ada"), Member::plain(8, "bob"));
    let ada = sandbox.member(&ada);
    sandbox.open_system_channel(home);
    add_role(&sandbox, home);
    // The welcome is tried again, with the same nonce.
    sandbox.fail_requests(RestFault::Status(500), "/messages", 1);
    let (rollcall, web) = (bot(&sandbox), Web::up());
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let welcome = the_message(&sandbox, WELCOME).await;
    let refused = sandbox.member(&bob).press(&welcome, "Set up").await;
    assert_contains(&refused, "Manage Server");
    let first = ada.slash("/setup").await;
    // What is missing is named, and the choice can be made again.
    sandbox.set_bot_permissions(home, 1 << 10);
    let screen = ada.choose_channel(&first, channel).await;
    assert_contains(&screen, "step 1 of 4");
    assert_contains(&screen, "lacks the permission Send Messages or Embed Links");
    sandbox.set_bot_permissions(home, 19_456);
    let other = sandbox.add_guild("Other");
    let theirs = sandbox.channel(other);
    let screen = ada.clone().forging().choose_channel(&screen, theirs).await;
    assert_contains(&screen, "step 1 of 4");
    assert_eq!(sandbox.messages(other).len(), 0);
    let old = ada.choose_channel(&screen, channel).await;
    assert_contains(&old, "step 2 of 4");
    let everyone = ada.choose_role(&old, home.0).await;
    assert_contains(&everyone, "step 2 of 4");
    assert_contains(&everyone, "does not mention @everyone");

    running.kill();
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    let resumed = ada.press(&welcome, "Set up").await;
    assert_contains(&resumed, "step 2 of 4");
    let screen = ada.press(&old, "Skip").await;
    assert_contains(&screen, "step 3 of 4");
    let form = ada.open_form(&screen, "Add an endpoint").await;
    let typed = web.target().replace("http://", "htp://");
    let screen = ada.submit(&form, &[("Address", &typed)]).await;
    let screen = ada.press(&screen, &format!("Add {}", web.target())).await;
    assert_contains(&screen, "mention nobody");
    // The endpoint answers, so no alert meets the failure instead.
    let path = format!("/channels/{channel}/messages");
    sandbox.fail_requests(RestFault::Status(500), &path, 1);
    let screen = ada.press(&screen, "Send a test alert").await;
    assert_contains(&screen, "could not post in");
    // The role was skipped, so the setup goes on behind it.
    assert_contains(&ada.slash("/setup").await, "step 4 of 4");
    ada.slash("/alerts off").await;
    assert_contains(
        &ada.press(&screen, "Send a test alert").await,
        "step 1 of 4",
    );
    until_all_is_recorded(&sandbox, &rollcall).await;
    assert_eq!(with_text(&sandbox.messages(home), WELCOME), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guild_that_lets_nobody_post_gets_no_welcome_and_a_new_invitation_gets_one() {
    let sandbox = Sandbox::start().await;
    let home = sandbox.guild();
    sandbox.open_system_channel(home);
    sandbox.set_bot_permissions(home, 0);
    // No system channel.
    let other = sandbox.add_guild("Other");
    let many: Vec<GuildId> = (0..20).map(|_| sandbox.invite_bot("Many")).collect();
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    until_all_is_recorded(&sandbox, &rollcall).await;
    let messages = |guild| sandbox.messages(guild).len();
    assert_eq!((messages(home), messages(other)), (0, 0));
    for guild in many {
        assert_eq!(with_text(&sandbox.messages(guild), WELCOME), 1);
    }
    sandbox.set_bot_permissions(home, 19_456);
    sandbox.announce_guild(home);
    until_all_is_recorded(&sandbox, &rollcall).await;
    assert_eq!(messages(home), 0);
    sandbox.remove_bot(home);
    sandbox.add_bot(home);
    the_message(&sandbox, WELCOME).await;
    let (code, err, _) = running.stop();
    assert_eq!(code, 0);
    assert!(!err.contains("ERROR") && !err.contains("WARN"), "{err}");
}

async fn nothing_is_recorded_of_what_changes_nothing(ada: &As<'_>, rollcall: &Rollcall) {
    for line in [
        format!("/alerts role role:{ROLE}"),
        "/alerts escalation remind:15m".to_owned(),
        "/alerts escalation".to_owned(),
        "/alerts notifications".to_owned(),
        "/alerts summary".to_owned(),
    ] {
        ada.slash(&line).await;
        let events = || {
            rollcall
                .sql("SELECT kind FROM events WHERE kind LIKE 'alerts%'")
                .len()
        };
        let before = events();
        let unchanged = ada.slash(&line).await;
        assert_contains(
            &unchanged,
            "Nothing changed. The alert settings were so already:",
        );
        assert_eq!(events(), before, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_for_alerts_is_chosen_under_the_first_endpoint() {
    let sandbox = Sandbox::start().await;
    let (home, channel) = (sandbox.guild(), sandbox.channel(sandbox.guild()));
    let ada = sandbox.member(&Member::manager(1001, "ada"));
    let other = sandbox.invite_bot("Other");
    let rollcall = bot(&sandbox).with("DISCORD_GUILD_ID", home.0.to_string());
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    // A guild without commands is not welcomed: its message would have come before this one.
    sandbox.open_system_channel(home);
    sandbox.announce_guild(home);
    the_message(&sandbox, WELCOME).await;
    assert_eq!(sandbox.messages(other).len(), 0);
    let first = ada.slash("/endpoint add target:127.0.0.1:9").await;
    assert!(
        first.render().contains("<Send alerts to …>"),
        "{}",
        first.render()
    );
    let second = ada.slash("/endpoint add target:127.0.0.1:10").await;
    assert!(
        !second.render().contains("Send alerts"),
        "{}",
        second.render()
    );
    let bob = sandbox
        .member(&Member::plain(8, "bob"))
        .choose_channel(&first, channel)
        .await;
    assert_contains(&bob, "Manage Server");
    sandbox.set_bot_permissions(home, 1 << 10);
    let refused = ada.choose_channel(&first, channel).await;
    assert_contains(
        &refused,
        "lacks the permission Send Messages or Embed Links",
    );
    sandbox.set_bot_permissions(home, 19_456);
    let set = ada.choose_channel(&first, channel).await;
    assert_contains(&set, &format!("Channel: <#{channel}>"));
    the_message(&sandbox, "Alerts are sent to this channel").await;
    // The role stays if the channel is set again without one.
    let role = ada.slash(&format!("/alerts role role:{ROLE}")).await;
    assert_contains(&role, "<@&77>");
    let again = ada.slash(&format!("/alerts setup channel:{channel}")).await;
    assert_contains(&again, "<@&77>");
    assert_contains(&again, "The test message has arrived. Nothing changed");
    nothing_is_recorded_of_what_changes_nothing(&ada, &rollcall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_and_a_role_that_the_guild_does_not_have_are_refused() {
    const NO_CHANNEL: &str =
        "This Discord server does not have this channel. It may have been deleted.";
    let sandbox = Sandbox::start().await;
    let (home, channel) = (sandbox.guild(), sandbox.channel(sandbox.guild()));
    let ada = sandbox.member(&Member::manager(1001, "ada"));
    add_role(&sandbox, home);
    let rollcall = bot(&sandbox);
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    let mut screen = ada.slash("/setup").await;
    let theirs = sandbox.channel(sandbox.add_guild("Other"));
    // Deleted after the menu was opened, and one of another guild: what a menu sends is untrusted.
    for missing in [404, theirs] {
        screen = ada.clone().forging().choose_channel(&screen, missing).await;
        assert_contains(&screen, "step 1 of 4");
        assert_contains(&screen, NO_CHANNEL);
    }
    let screen = ada.choose_channel(&screen, channel).await;
    assert_contains(&screen, "step 2 of 4");
    let refused = ada.choose_role(&screen, 404).await;
    assert_contains(&refused, "step 2 of 4");
    assert_contains(&refused, "The role 404 was deleted");
    let roles = || rollcall.sql("SELECT CAST(COALESCE(role_id, 0) AS TEXT) FROM alert_settings");
    assert_eq!(roles(), ["0"]);
    let chosen = ada.choose_role(&refused, ROLE).await;
    assert_contains(&chosen, "step 3 of 4");
    assert_eq!(roles(), [ROLE.to_string()]);
}
