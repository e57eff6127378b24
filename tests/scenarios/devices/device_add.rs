//! Devices added in Discord: the reply has what a job needs to send pings.

use discord_sandbox::{Member, Sandbox};

use crate::harness::alerting::{bot, setup, the_message};
use crate::harness::assert_contains;
use crate::harness::copied_lines::{cron_command, install_rollcall, lines_of, run_line, set_job};

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_of_a_device_added_in_discord_is_alerted_with_its_reason() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    sandbox.slash(&setup(&sandbox)).await;
    let added = sandbox
        .slash("/device add name:backup every:1d grace:2h")
        .await;
    assert!(added.is_ephemeral());
    assert_contains(&added, "offline after 1 d 2 h without another ping");
    assert_contains(&added, "Set `PUBLIC_URL`");
    let url = lines_of(&added)[0].clone();
    let shown = sandbox.slash("/devices show device:backup").await;
    assert_contains(&shown, "No heartbeat yet. Run its job");
    assert_contains(&shown, &url);
    let bob = Member::plain(8, "Bob");
    let bob = sandbox.member(&bob).forging();
    let shown = bob.slash("/devices show device:backup").await;
    assert_contains(&shown, "No heartbeat yet. Members with Manage Server");
    assert!(!shown.render().contains("/ping/"), "{}", shown.render());
    let refused = bob.slash("/device add name:mine").await;
    assert_contains(&refused, "Manage Server");
    let path = url.strip_prefix(&format!("http://{}", running.address()));
    let failed = format!("{}/1", path.unwrap());
    let sent = running.call("POST", &failed, "", "one more file\nFATAL: disk full\n");
    assert_eq!(sent.status, 200, "{sent:?}");
    let alert = the_message(&sandbox, "exit status 1: FATAL: disk full").await;
    assert_contains(&alert, "backup");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_an_added_device_work_in_a_shell_and_in_a_crontab() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    let added = sandbox.slash("/device add name:backup every:1d").await;
    let [_, crontab, reported, heartbeat] = lines_of(&added).try_into().unwrap();
    install_rollcall(&rollcall);
    let reported = cron_command(&reported);
    let in_shell = crontab.strip_prefix("0 3 * * * ").unwrap();
    let in_cron = cron_command(&crontab);
    assert_ne!(in_shell, in_cron);
    let fails =
        "#!/bin/sh\nyes 'one %s \\c more' | head -n 2000\necho 'disk 99% full' >&2\nexit 3\n";
    for (job, line, status) in [
        (fails, heartbeat.as_str(), "🟢 backup"),
        (fails, in_shell, "exit status 3: disk 99% full"),
        ("#!/bin/sh\n", in_cron.as_str(), "🟢 backup"),
        (fails, &in_cron, "exit status 3: disk 99% full"),
        ("#!/bin/sh\n", reported.as_str(), "🟢 backup"),
        ("#!/bin/sh\necho done\n", in_shell, "🟢 backup"),
    ] {
        set_job(&rollcall, job);
        if run_line(&rollcall, line, "").is_none() {
            return;
        }
        let shown = sandbox.slash("/devices show device:backup").await;
        assert_contains(&shown, status);
    }
}
