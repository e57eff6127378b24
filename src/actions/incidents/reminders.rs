//! Whether the reminders of a guild have a responder to mention. Alert settings under which they mention nobody are refused.

use crate::actions::Error;
use crate::domain::discord_id::GuildId;
use crate::store::Tx;
use crate::store::notifications::alert_override;
use crate::store::notifications::alert_settings::AlertSettings;

/// Refuses a change after which reminders would mention nobody. Settings that were like that before may be changed. Roles of
/// overrides are mentioned, too.
pub(super) async fn check(
    tx: &mut Tx<'_>,
    guild: GuildId,
    before: Option<&AlertSettings>,
    reminds_nobody: bool,
) -> Result<(), Error> {
    let reminded_nobody =
        before.is_some_and(|known| known.preferences.policy.reminds_nobody(known.role));
    if !reminds_nobody || reminded_nobody || alert_override::names_role(tx, guild).await? {
        return Ok(());
    }
    Err(Error::Conflict(
        "reminders would mention nobody: there is no on-call role, and nobody to escalate to. Choose a role with `/alerts role role:@on-call`, or turn reminders off with `/alerts escalation remind:off`"
            .into(),
    ))
}
