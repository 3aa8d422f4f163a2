//! Reading the events of a watcher.

use freebsd_jail::Watcher;
use freebsd_jail::watch::{Event, EventKind};

use super::{Host, on_every_kernel};

/// What has happened, in the order of the kinds.
pub fn kinds(event: &Event) -> Vec<EventKind> {
    event.kinds().collect()
}

/// The next event, which has to be there.
#[track_caller]
pub fn next(watcher: &Watcher) -> Event {
    watcher.try_next().expect("asked").expect("an event")
}

/// Checks that there is no event.
#[track_caller]
pub fn nothing(watcher: &Watcher) {
    assert_eq!(watcher.try_next().expect("asked"), None);
}

/// Runs a test on every kernel that has events.
pub fn on_every_kernel_with_events(test: impl Fn(&Host)) {
    on_every_kernel(|host| {
        if host.has_descriptors() {
            test(host);
        }
    });
}
