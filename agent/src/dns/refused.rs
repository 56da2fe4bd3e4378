//! Why octets are no DNS message that is read, and how often that was so.

/// Why octets are no DNS message we read, or where its answers end too soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadMessage {
    /// Ends before the header, the question or a record does.
    #[error("the message ends before what it announces")]
    CutShort,
    /// Another opcode than 0: NOTIFY, UPDATE, a stateful operation, or no DNS at all.
    #[error("the message is no standard query or response to one (opcode is not 0)")]
    OtherOpcode,
    /// QDCOUNT is 0.
    #[error("the message has no question")]
    NoQuestion,
    /// A label that is neither plain nor a pointer (0x40, 0x80: RFC 6891 section 5, RFC 2673).
    #[error("a name holds a label of an obsolete or unknown type")]
    LabelType,
    /// A compression pointer that does not point to something earlier.
    #[error("a compression pointer in a name does not point backwards")]
    PointerNotBackwards,
    /// More compression pointers than allowed for one name or for one message.
    #[error("the message holds more compression pointers than a reader should follow")]
    TooManyPointers,
    /// A name over 255 octets.
    #[error("a name is longer than 255 octets")]
    NameTooLong,
    /// The name in a CNAME record does not fill its data.
    #[error("the data of a record has another length than the name in it")]
    DataLength,
    /// The names of one message are longer together than allowed.
    #[error("the names in the message are longer together than a reader should read")]
    NamesTooLong,
}

impl BadMessage {
    /// Every reason, in the order they are shown.
    pub const ALL: [BadMessage; 9] = [
        BadMessage::CutShort,
        BadMessage::OtherOpcode,
        BadMessage::NoQuestion,
        BadMessage::LabelType,
        BadMessage::PointerNotBackwards,
        BadMessage::TooManyPointers,
        BadMessage::NameTooLong,
        BadMessage::DataLength,
        BadMessage::NamesTooLong,
    ];

    /// The reason as a key for counters: lower case, underscores.
    pub fn key(self) -> &'static str {
        match self {
            BadMessage::CutShort => "dns_cut_short",
            BadMessage::OtherOpcode => "dns_other_opcode",
            BadMessage::NoQuestion => "dns_no_question",
            BadMessage::LabelType => "dns_label_type",
            BadMessage::PointerNotBackwards => "dns_pointer_not_backwards",
            BadMessage::TooManyPointers => "dns_too_many_pointers",
            BadMessage::NameTooLong => "dns_name_too_long",
            BadMessage::DataLength => "dns_data_length",
            BadMessage::NamesTooLong => "dns_names_too_long",
        }
    }
}

/// How many messages were refused, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefusedMessages([u64; BadMessage::ALL.len()]);

impl RefusedMessages {
    /// Counts one.
    pub fn count(&mut self, reason: BadMessage) {
        if let Some(count) = self.0.get_mut(reason as usize) {
            *count += 1;
        }
    }

    /// How many for this reason.
    pub fn of(&self, reason: BadMessage) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// Each reason with its number, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (BadMessage, u64)> {
        BadMessage::ALL.into_iter().zip(self.0)
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}
