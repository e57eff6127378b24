//! What the events about alerts say: the settings that changed, each with its old and its new value.

use serde_json::{Value, json};

use crate::actions::field_changes::FieldChanges;
use crate::domain::discord_id::{ChannelId, RoleId};
use crate::domain::millis;
use crate::domain::notifications::alert_policy::{AlertPreferences, Responder};
use crate::store::notifications::alert_override::Override;
use crate::store::notifications::alert_settings::AlertSettings;

/// Where the alerts of a guild go and whom they mention, before and after.
pub(super) fn destination_details(
    before: Option<&AlertSettings>,
    channel: ChannelId,
    role: Option<RoleId>,
) -> Value {
    let changes = destination(FieldChanges::default(), before, channel, role);
    json!({
        "channel": channel.to_string(), "role": text(role), "changes": Value::from(changes),
    })
}

/// All settings before and after.
pub(super) fn choice_details(
    before: Option<&AlertSettings>,
    channel: ChannelId,
    role: Option<RoleId>,
    chosen: &AlertPreferences,
) -> Value {
    let known = before.map(|before| before.preferences).unwrap_or_default();
    let changes = preferences(FieldChanges::default(), &known, chosen);
    let changes = destination(changes, before, channel, role);
    let mut details = stated(chosen);
    details["channel"] = json!(channel.to_string());
    details["role"] = json!(text(role));
    details["changes"] = changes.into();
    details
}

/// The preferences before and after.
pub(super) fn preference_details(before: &AlertPreferences, after: &AlertPreferences) -> Value {
    let mut details = stated(after);
    details["changes"] = preferences(FieldChanges::default(), before, after).into();
    details
}

/// The override of a monitor before and after; `None`: the settings of the guild apply.
pub(super) fn override_details(before: Option<Override>, after: Option<Override>) -> Value {
    let notify = |own: Option<Override>| own.is_none_or(|own| own.notify);
    let role = |own: Option<Override>| text(own.and_then(|own| own.role));
    let changes = FieldChanges::default()
        .field("notify", notify(before), notify(after))
        .field("role", role(before), role(after));
    json!({
        "notify": notify(after), "role": role(after), "is_removed": after.is_none(),
        "changes": Value::from(changes),
    })
}

fn destination(
    changes: FieldChanges,
    before: Option<&AlertSettings>,
    channel: ChannelId,
    role: Option<RoleId>,
) -> FieldChanges {
    let known = before.map(|before| before.channel.to_string());
    changes.field("channel", known, channel.to_string()).field(
        "role",
        text(before.and_then(|before| before.role)),
        text(role),
    )
}

fn preferences(
    changes: FieldChanges,
    before: &AlertPreferences,
    after: &AlertPreferences,
) -> FieldChanges {
    let remind = |chosen: &AlertPreferences| chosen.policy.remind_after.map(millis);
    let escalate =
        |chosen: &AlertPreferences| chosen.policy.escalate.map(|(after, _)| millis(after));
    let role = |chosen: &AlertPreferences| match chosen.policy.escalate {
        Some((_, Responder::Role(id))) => Some(id.to_string()),
        _ => None,
    };
    let user = |chosen: &AlertPreferences| match chosen.policy.escalate {
        Some((_, Responder::User(id))) => Some(id.to_string()),
        _ => None,
    };
    let count = |chosen: &AlertPreferences| chosen.bulk.and_then(|bulk| bulk.count);
    let percent = |chosen: &AlertPreferences| chosen.bulk.and_then(|bulk| bulk.percent);
    let window = |chosen: &AlertPreferences| chosen.bulk.map(|bulk| millis(bulk.window));
    changes
        .field(
            "recovery",
            before.notify_on_recovery,
            after.notify_on_recovery,
        )
        .field(
            "warnings",
            before.notify_on_warning,
            after.notify_on_warning,
        )
        .field("remind_after_ms", remind(before), remind(after))
        .field("escalate_after_ms", escalate(before), escalate(after))
        .field("escalate_role", role(before), role(after))
        .field("escalate_user", user(before), user(after))
        .field("bulk_count", count(before), count(after))
        .field("bulk_percent", percent(before), percent(after))
        .field("bulk_window_ms", window(before), window(after))
}

/// All preferences after an edit.
fn stated(chosen: &AlertPreferences) -> Value {
    let responder = chosen.policy.escalate.map(|(after, responder)| {
        let (kind, id) = match responder {
            Responder::Role(id) => ("role", id.to_string()),
            Responder::User(id) => ("user", id.to_string()),
        };
        json!({ "after_ms": millis(after), kind: id })
    });
    let bulk = chosen.bulk.map(|bulk| {
        json!({ "count": bulk.count, "percent": bulk.percent, "window_ms": millis(bulk.window) })
    });
    json!({
        "recovery": chosen.notify_on_recovery, "warnings": chosen.notify_on_warning,
        "remind_after_ms": chosen.policy.remind_after.map(millis), "escalate": responder, "bulk": bulk,
    })
}

fn text(role: Option<RoleId>) -> Option<String> {
    role.map(|role| role.to_string())
}
