//! What a card tells of. Most tell of outages; the others say something that a guild must know beside them.

/// What a card tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The outages that are on it.
    Incident,
    /// A webhook was switched off, because it can be reached no more.
    WebhookOff { name: String, reason: String },
}
