//! Incidents over HTTP: a program acknowledges an incident and writes notes, and the message in Discord follows in place.

use discord_sandbox::{Reply, Sandbox};
use serde_json::{Value, json};

use super::escalation::wait_for_mention;
use crate::harness::alerting::{bot, with_shop};
use crate::harness::collector::Collector;
use crate::harness::{Answer, Rollcall, Running, Web, wait_for};

/// A program with an admin key of a guild.
struct Program<'a> {
    running: &'a Running<'a>,
    key: String,
}

impl<'a> Program<'a> {
    fn of(rollcall: &Rollcall, running: &'a Running<'_>, guild: &str) -> Self {
        let create = [
            "key", "create", "--kind", "admin", "--guild", guild, "--json",
        ];
        let key = rollcall.done(&create).json()["key"].clone();
        Self {
            running,
            key: key.as_str().unwrap().to_owned(),
        }
    }

    /// The public part of its key.
    fn id(&self) -> &str {
        self.key.split('_').nth(2).unwrap()
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let path = format!("/api/v1{path}");
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        self.running.call(method, &path, &self.key, &body)
    }

    /// The texts of notes, in pages of one note.
    fn pages(&self, notes: &str) -> Vec<Value> {
        let (mut texts, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = format!("{notes}?limit=1{cursor}");
            let list = self.call("GET", &page, &Value::Null).json;
            texts.push(list["notes"][0]["text"].clone());
            match list["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return texts,
            }
        }
    }
}

/// Waits until the only message about the incident passes `is`.
async fn the_incident(sandbox: &Sandbox, what: &str, is: impl Fn(&str) -> bool) -> Reply {
    sandbox
        .wait_for_messages(sandbox.guild(), what, |messages| {
            let about_shop = |one: &&Reply| one.text().contains("🔴 shop is offline");
            let found: Vec<&Reply> = messages.iter().filter(about_shop).collect();
            assert!(found.len() <= 1, "one message for one incident");
            found.into_iter().find(|one| is(&one.text())).cloned()
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_acknowledges_an_incident_and_reminders_stop() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.slash("/alerts escalation remind:15m").await;
    web.goes_down();
    wait_for_mention(&sandbox, "<@&77>", 1).await;
    let posted = the_incident(&sandbox, "the incident", |_| true).await;
    let guild = sandbox.guild().0.to_string();
    let program = Program::of(&rollcall, &running, &guild);
    let open = program.call("GET", "/incidents?state=open", &Value::Null);
    let incident = &open.json["incidents"][0];
    assert_eq!(incident["title"], "🔴 shop is offline", "{open:?}");
    assert_eq!(incident["acknowledged"], Value::Null);
    assert_eq!(incident["outages"][0]["reason"], "refused");
    let acknowledge = format!("/incidents/{}/acknowledge", incident["id"]);
    let foreign = Program::of(&rollcall, &running, "9");
    let refused = foreign.call("POST", &acknowledge, &Value::Null);
    assert_eq!(refused.status, 404, "{refused:?}");
    let done = program.call("POST", &acknowledge, &Value::Null);
    assert_eq!(done.status, 200, "{done:?}");
    let by = format!("key:{}", program.id());
    assert_eq!(done.json["acknowledged"]["by"], by.as_str());
    let again = program.call("POST", &acknowledge, &Value::Null);
    assert_eq!(again.status, 409, "{again:?}");
    let words = format!("Acknowledged: with API key `{}`", program.id());
    let shown = the_incident(&sandbox, &words, |text| text.contains(&words)).await;
    assert_eq!(shown.message_id(), posted.message_id());
    let runs = || running.metric(r#"rollcall_job_runs_total{job="reminders"}"#);
    let before = runs().unwrap();
    rollcall.sql("UPDATE incidents SET escalation_starts_at = escalation_starts_at - 9000000");
    wait_for("the reminders job to run twice", || {
        runs().filter(|now| *now >= before + 2.0)
    });
    wait_for_mention(&sandbox, "<@&77>", 1).await;
    web.recovers();
    wait_for("the incident to be resolved", || {
        let resolved = rollcall.sql("SELECT 'resolved' FROM incidents WHERE ended_at IS NOT NULL");
        resolved.into_iter().next()
    });
    let late = program.call("POST", &acknowledge, &Value::Null);
    assert_eq!(late.status, 409, "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_of_a_program_appear_change_and_disappear_in_the_message() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let hooks = Collector::start();
    let add = format!("/alerts webhook add name:pager url:{}", hooks.url("hook"));
    sandbox.slash(&add).await;
    web.goes_down();
    let posted = the_incident(&sandbox, "the incident", |_| true).await;
    let guild = sandbox.guild().0.to_string();
    let program = Program::of(&rollcall, &running, &guild);
    let open = program.call("GET", "/incidents?state=open", &Value::Null);
    let notes = format!("/incidents/{}/notes", open.json["incidents"][0]["id"]);
    let body = json!({ "text": "@everyone **works**\non it" });
    let foreign = Program::of(&rollcall, &running, "9");
    let refused = foreign.call("POST", &notes, &body);
    assert_eq!(refused.status, 404, "{refused:?}");
    let added = program.call("POST", &notes, &body);
    assert_eq!(added.status, 201, "{added:?}");
    let words = r"\@everyone \*\*works\*\*";
    let shown = the_incident(&sandbox, words, |text| text.contains(words)).await;
    assert_eq!(shown.message_id(), posted.message_id());
    assert!(shown.text().contains(program.id()), "{}", shown.render());
    let note = format!("/notes/{}", added.json["id"]);
    for (method, body) in [("PATCH", &body), ("DELETE", &Value::Null)] {
        let refused = foreign.call(method, &note, body);
        assert_eq!(refused.status, 404, "{refused:?}");
    }
    let edited = program.call("PATCH", &note, &json!({ "text": "it works" }));
    assert_eq!(edited.status, 200, "{edited:?}");
    the_incident(&sandbox, "the edited note", |text| {
        text.contains("it works") && !text.contains("everyone")
    })
    .await;
    wait_for("the webhook to get the note", || {
        let by = format!("key:{}", program.id());
        let is_it = |note: &Value| note["text"] == "it works" && note["by"] == by.as_str();
        let posted = hooks.posted();
        let mut all = posted.iter().map(|one| &one.json["data"]["notes"][0]);
        all.any(is_it).then_some(())
    });
    let second = program.call("POST", &notes, &json!({ "text": "second" }));
    assert_eq!(program.pages(&notes), ["it works", "second"]);
    let second = format!("/notes/{}", second.json["id"]);
    let removed = program.call("DELETE", &second, &Value::Null);
    assert_eq!(removed.status, 204, "{removed:?}");
    let removed = program.call("DELETE", &note, &Value::Null);
    assert_eq!(removed.status, 204, "{removed:?}");
    the_incident(&sandbox, "the message without notes", |text| {
        !text.contains("it works") && !text.contains("Notes")
    })
    .await;
    // The sandbox records a request when it has answered it.
    let edits = wait_for("the record of three edits", || {
        let edits = sandbox.record().requests.into_iter();
        let edits: Vec<_> = edits.filter(|request| request.method == "PATCH").collect();
        (edits.len() >= 3).then_some(edits)
    });
    for edit in edits {
        let mentions = &edit.body["allowed_mentions"];
        assert_eq!(*mentions, json!({ "parse": [] }), "{:?}", edit.path);
    }
}
