//! The guilds from outside: which of them the bot is in, and the names of what they hold.

mod membership;
mod names;
