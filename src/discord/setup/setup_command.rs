//! `/setup`: starts the setup of a guild, or resumes it where it was left.

use crate::discord::Context;
use crate::discord::setup::screen::{self, Remark};
use crate::discord::setup::state::SetupState;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply;

/// Set up alerts and the first endpoint, step by step
#[poise::command(slash_command, guild_only, default_member_permissions = "MANAGE_GUILD")]
pub(in crate::discord) async fn setup(ctx: Context<'_>) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let state = SetupState::load(ctx.data(), requester.guild).await?;
        Ok(screen::message(
            state.next_step(),
            &state,
            &Remark::default(),
        ))
    };
    reply::answer(ctx, work).await
}
