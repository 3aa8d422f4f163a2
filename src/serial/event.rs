//! Events, for logs.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::watch::Event;

/// As the jail's jid, null for the host, and a list of the kinds.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut event = serializer.serialize_struct("Event", 2)?;
        event.serialize_field("jid", &self.jid())?;
        event.serialize_field("kinds", &self.kinds().collect::<Vec<_>>())?;
        event.end()
    }
}
