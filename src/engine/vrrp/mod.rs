//! The protocol, pure (layer 1): packets, the receive ladder, timers, the state machine, announcements.
