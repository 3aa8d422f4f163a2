//! Random requests: which parameters, of which jail, with which flags.

use std::ffi::c_int;

use freebsd_jail::param::Definition;
use freebsd_jail::sys::{
    JAIL_AT_DESC, JAIL_ATTACH, JAIL_CREATE, JAIL_DYING, JAIL_GET_DESC, JAIL_OWN_DESC, JAIL_UPDATE,
    JAIL_USE_DESC,
};

use super::recorder::{DIRECTORY, Place, Recorder, SLOTS};
use super::request::{Request, Value};
use super::values::{self, NAMES};

/// How much room a request has for the kernel's text.
const ERRMSG: usize = 128;

impl Recorder {
    /// Adds a key to find a jail by, or none, or two: mostly that of a jail that there is.
    fn give_key(&mut self, request: &mut Request) {
        let known = self.random.percent(90);
        let jid = match self.random.pick(&self.jids).filter(|_| known) {
            Some(jid) => jid,
            None => self.random.pick(&[0, 1, 77, 1001, -1, 999_999, c_int::MAX]).unwrap_or(1),
        };
        let place = self.random.below(self.known_names.len());
        let name = match self.known_names.get(place).filter(|_| known) {
            Some(name) => name.clone(),
            None => self.random.pick(&NAMES).unwrap_or_default().to_owned(),
        };
        match self.random.below(100) {
            0..45 => drop(request.give("name", Value::Text(name)).flags),
            45..87 => drop(request.give("jid", Value::Int(jid)).flags),
            87..93 => {
                request.give("jid", Value::Int(jid)).give("name", Value::Text(name));
            }
            _ => {}
        }
    }

    /// Any parameter, mostly one of those that this round is about.
    fn any_row(&mut self) -> Option<&'static Definition> {
        let theme: Vec<&'static Definition> =
            self.rows.iter().copied().filter(|row| self.theme.has(row)).collect();
        let rows = if self.random.percent(75) && !theme.is_empty() { &theme } else { &self.rows };
        self.random.pick(rows)
    }

    /// Adds what a new jail is to be called.
    fn give_new_name(&mut self, request: &mut Request) {
        if self.random.percent(88) {
            let name = self.random.pick(&NAMES).unwrap_or_default();
            request.give("name", Value::Text(name.to_owned()));
        }
        if self.random.percent(8) {
            let jid = self.random.pick(&[77, 78, 79, 1001, 0, -1]).unwrap_or(0);
            request.give("jid", Value::Int(jid));
        }
    }

    /// Adds what takes a descriptor or returns one.
    fn give_descriptor(&mut self, request: &mut Request) {
        if !self.descriptors || self.random.percent(70) {
            return;
        }
        let how = [
            JAIL_GET_DESC,
            JAIL_GET_DESC,
            JAIL_OWN_DESC,
            JAIL_USE_DESC,
            JAIL_USE_DESC,
            JAIL_AT_DESC,
            JAIL_AT_DESC,
        ];
        request.flags |= self.random.pick(&how).unwrap_or(0);
        if self.random.percent(15) {
            request.flags |= self.random.pick(&how).unwrap_or(0);
        }
        if self.random.percent(95) {
            let used = request.flags & (JAIL_USE_DESC | JAIL_AT_DESC) != 0 && self.random.percent(90);
            let full: Vec<&'static str> =
                self.slots.keys().copied().filter(|slot| *slot != DIRECTORY).collect();
            let slot = self.random.pick(if used && !full.is_empty() { &full } else { &SLOTS });
            request.give("desc", Value::Slot(slot.unwrap_or("@a")));
        }
    }

    pub(super) fn set(&mut self) -> Result<(), String> {
        let operations =
            [JAIL_CREATE, JAIL_CREATE, JAIL_CREATE, JAIL_UPDATE, JAIL_UPDATE, JAIL_CREATE | JAIL_UPDATE];
        let mut request = Request { flags: self.random.pick(&operations).unwrap_or(0), ..Request::default() };
        let creates = request.flags & JAIL_CREATE != 0;
        let by_descriptor = request.flags & JAIL_USE_DESC != 0 && self.random.percent(70);
        if creates {
            self.give_new_name(&mut request);
        } else if !by_descriptor {
            self.give_key(&mut request);
        }
        if creates && self.random.percent(96) || self.random.percent(10) {
            request.give(if self.random.percent(97) { "persist" } else { "nopersist" }, Value::Null);
        }
        if creates && request.flags & JAIL_UPDATE == 0 && self.random.percent(60) {
            request.give("path", Value::Text("/".to_owned()));
        }
        if creates && self.random.percent(30) {
            let most = self.random.pick(&[1, 2, 5, 9]).unwrap_or(1);
            request.give("children.max", Value::Int(most));
        }
        for _ in 0..self.random.below(5) {
            let Some(row) = self.any_row() else { break };
            // A network stack takes long to make.
            let rare =
                row.name() == "vnet" && self.random.percent(70) || matches!(row.name(), "jid" | "name");
            // A new jail that fails there stays dying for ever (T18).
            let late = creates && matches!(row.name(), "mac.do" | "mac.do.rules");
            if (rare || late || !values::is_settable(row, creates)) && self.random.percent(93) {
                continue;
            }
            let name = values::name_of(&mut self.random, row);
            let value = values::to_set(&mut self.random, &name, row);
            request.give(&name, value);
        }
        if self.random.percent(2) {
            request.give("allow.nosuch", Value::Null);
        }
        if self.random.percent(if self.descriptors { 4 } else { 15 }) {
            // Before descriptors came, this revives a dying jail.
            request.flags |= JAIL_DYING;
        }
        if self.random.percent(1) {
            request.flags ^= 1 << self.random.below(10);
        }
        request.flags &= !JAIL_ATTACH;
        if self.place == Place::Child && self.random.percent(20) {
            request.flags |= JAIL_ATTACH;
        }
        self.give_errmsg(&mut request);
        let Some(answer) = self.request(true, &request)? else { return Ok(()) };
        if let Ok(jid) = answer {
            self.remember(jid);
            self.remember_name(&request);
            if request.flags & JAIL_ATTACH != 0 {
                self.place = Place::Jail;
            }
        }
        Ok(())
    }

    fn remember(&mut self, jid: c_int) {
        if !self.jids.contains(&jid) {
            self.jids.push(jid);
        }
        if self.jids.len() > 12 {
            self.jids.remove(0);
        }
    }

    fn remember_name(&mut self, request: &Request) {
        let last = request.pairs.iter().rev().find(|(name, _)| name == "name");
        let Some((_, Value::Text(name))) = last.filter(|_| request.flags & JAIL_AT_DESC == 0) else {
            return;
        };
        if !self.known_names.contains(name) {
            self.known_names.push(name.clone());
        }
        if self.known_names.len() > 10 {
            self.known_names.remove(0);
        }
    }

    fn give_errmsg(&mut self, request: &mut Request) {
        if self.random.percent(85) {
            request.give("errmsg", Value::Room(ERRMSG));
        }
    }

    pub(super) fn get(&mut self) -> Result<(), String> {
        let mut request = Request::default();
        if self.random.percent(15) {
            request.flags |= JAIL_DYING;
        }
        self.give_descriptor(&mut request);
        let by_descriptor = request.flags & JAIL_USE_DESC != 0 && self.random.percent(80);
        if by_descriptor {
        } else if self.random.percent(20) {
            let last = self.random.pick(&[0, 1, 5, 77, 999_999, -1]).unwrap_or(0);
            request.give("lastjid", Value::Int(last));
        } else {
            self.give_key(&mut request);
        }
        for _ in 0..self.random.below(8) {
            let Some(row) = self.any_row() else { break };
            let name = values::name_of(&mut self.random, row);
            let value = values::to_read(&mut self.random, row);
            request.give(&name, value);
        }
        if self.random.percent(1) {
            request.flags ^= 1 << self.random.below(10);
        }
        self.give_errmsg(&mut request);
        let answer = self.request(false, &request)?;
        if let Some(Ok(jid)) = answer {
            self.remember(jid);
        }
        Ok(())
    }
}
