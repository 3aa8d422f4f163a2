//! Makes random calls and records the answers.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;

use freebsd_jail::param::Definition;
use freebsd_jail::sim::raw::Errno;
use freebsd_jail::sys::{self, JAIL_CREATE, JAIL_DYING, JAIL_GET_DESC, JAIL_OWN_DESC, JAIL_USE_DESC};
use freebsd_jail::{Catalog, is_jailed};
use serde_json::{Value as Json, json};

use super::errno;
use super::harm::{Build, Circumstances, Names, is_harmful};
use super::kernel::{Answer, Held, Machine, open_directory};
use super::random::Random;
use super::request::{Request, Value, hex, hex_trimmed};
use super::values::{self, Theme};

/// The slots of jail descriptors.
pub(super) const SLOTS: [&str; 4] = ["@a", "@b", "@c", "@d"];
/// The slot of a directory that a child has open.
pub(super) const DIRECTORY: &str = "@e";
const PROCESSES: [&str; 3] = ["p", "q", "r"];
/// How many calls are made before everything is removed again.
const ROUND: usize = 80;
/// What a process can read about its jail, or about all jails.
const SYSCTLS: [&str; 12] = [
    "security.jail.jailed",
    "security.jail.vnet",
    "security.jail.enforce_statfs",
    "security.jail.devfs_ruleset",
    "security.jail.children.max",
    "security.jail.children.cur",
    "security.jail.env",
    "kern.hostname",
    "kern.hostuuid",
    "kern.securelevel",
    "kern.osreldate",
    "kern.osrelease",
];

/// The kernel, the transcript, and what is known of both.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(super) machine: Rc<Machine>,
    file: File,
    pub(super) random: Random,
    pub(super) rows: Vec<&'static Definition>,
    build: Build,
    pub(super) descriptors: bool,
    pub(super) slots: BTreeMap<&'static str, Rc<OwnedFd>>,
    /// What was in slots that got something else, which stays open.
    lost: Vec<Rc<OwnedFd>>,
    held: BTreeMap<&'static str, Held>,
    /// The queue of events.
    pub(super) queue: Option<Rc<OwnedFd>>,
    pub(super) jids: Vec<c_int>,
    pub(super) known_names: Vec<String>,
    names: Names,
    pub(super) theme: Theme,
    pub(super) place: Place,
    /// Whether jails may be given other names.
    renames: bool,
    calls: usize,
}

/// Where the calls are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the program itself, on the host.
    Host,
    /// In a child process on the host, which may attach to a jail.
    Child,
    /// In a child process that has.
    Jail,
}

impl Recorder {
    /// Makes sure that there are no jails, and writes which kernel this is.
    pub(crate) fn new(machine: Machine, file: File, seed: u64) -> Result<Self, String> {
        if is_jailed().map_err(|error| error.to_string())? {
            return Err("this process is in a jail itself".to_owned());
        }
        let catalog = Catalog::current().map_err(|error| error.to_string())?;
        let number = |name: &str| machine.sysctl(name).ok()?.try_into().ok().map(c_int::from_ne_bytes);
        let text = |name: &str| {
            let value = machine.sysctl(name).map_err(|errno| format!("{name}: {errno}"))?;
            Ok::<_, String>(String::from_utf8_lossy(&value).trim_end_matches('\0').to_owned())
        };
        let osreldate = number("kern.osreldate").ok_or("kern.osreldate cannot be read")?;
        let (release, hostname) = (text("kern.osrelease")?, text("kern.hostname")?);
        let racct = machine.sysctl("kern.racct.enable").is_ok_and(|value| value.first() == Some(&1));
        let checked = number("kern.features.invariants") == Some(1);
        let rows = values::rows(|name| catalog.get(name).is_some());
        let mut recorder = Self {
            machine: Rc::new(machine),
            file,
            random: Random::new(seed),
            rows,
            build: Build { osreldate, racct, checked },
            descriptors: false,
            slots: BTreeMap::new(),
            lost: Vec::new(),
            held: BTreeMap::new(),
            queue: None,
            jids: Vec::new(),
            known_names: Vec::new(),
            names: Names::Whole,
            theme: Theme::Permissions,
            place: Place::Host,
            renames: false,
            calls: 0,
        };
        let mut request = Request { flags: JAIL_USE_DESC, ..Request::default() };
        request.give("desc", Value::Slot("@a"));
        recorder.descriptors = recorder.ask(false, &request).0 == Err(Errno(libc::EBADF));
        let mut request = Request { flags: JAIL_DYING, ..Request::default() };
        request.give("lastjid", Value::Int(0));
        if recorder.ask(false, &request).0.is_ok() {
            return Err("this machine has jails, which the model would not know".to_owned());
        }
        // The kernel counts on from the last jid that it has given to a jail.
        let mut request = Request { flags: JAIL_CREATE, ..Request::default() };
        request.give("persist", Value::Null);
        let jid =
            recorder.ask(true, &request).0.map_err(|errno| format!("a jail cannot be created: {errno}"))?;
        let _ = Machine::plain(sys::jail_remove(jid));
        recorder.machine.settle();
        let modules = modules(&catalog);
        recorder.write(&json!({
            "call": "kernel", "release": release, "osreldate": osreldate, "hostname": hostname,
            "modules": modules, "jid": jid,
        }))?;
        Ok(recorder)
    }

    /// Makes so many calls.
    pub(crate) fn record(&mut self, calls: usize) -> Result<(), String> {
        let mut next = ROUND;
        while self.calls < calls {
            if self.calls >= next {
                self.clear()?;
                next = self.calls + ROUND;
                self.theme = self.random.pick(&Theme::ALL).unwrap_or(self.theme);
                // After a rename little can be asked from inside jails.
                self.renames = self.random.percent(25);
            }
            if self.jids.is_empty() {
                self.set()?;
                continue;
            }
            match self.random.below(100) {
                0..41 => self.set()?,
                41..66 => self.get()?,
                66..70 => self.remove()?,
                70..74 => self.hold()?,
                74..76 => self.release()?,
                76..78 => self.by_descriptor()?,
                78..80 => self.look_at_descriptor()?,
                80..82 => self.close()?,
                82..83 => self.sysctl()?,
                83..89 => self.events()?,
                _ => self.fork()?,
            }
        }
        self.clear()
    }

    fn write(&mut self, line: &Json) -> Result<(), String> {
        let text = format!("{line}\n");
        self.file.write_all(text.as_bytes()).map_err(|error| error.to_string())
    }

    /// Writes a call and what it returned.
    pub(super) fn note(&mut self, mut line: Json, answer: Answer) -> Result<(), String> {
        let (ret, errno) = match answer {
            Ok(ret) => (ret, String::new()),
            Err(Errno(errno)) => (-1, errno::name(errno)),
        };
        if let Some(members) = line.as_object_mut() {
            members.insert("ret".to_owned(), json!(ret));
            members.insert("errno".to_owned(), json!(errno));
        }
        self.calls += 1;
        self.write(&line)
    }

    /// Makes a call, and returns what it returned and what a transcript says of the values.
    fn ask(&mut self, set: bool, request: &Request) -> (Answer, Json) {
        let numbers = self.slots.iter().map(|(slot, descriptor)| (*slot, descriptor.as_raw_fd())).collect();
        let mut memory = request.memory(&numbers);
        let (answer, lens) = self.machine.request(set, &mut memory, request.flags);
        let mut out = Vec::new();
        for (((_, value), (_, bytes)), len) in request.pairs.iter().zip(&memory).zip(lens) {
            let bytes = bytes.as_deref().unwrap_or_default();
            out.push(match value {
                Value::Slot(slot) => json!([len, self.slot_after(slot, bytes)]),
                _ => json!([len, hex_trimmed(bytes)]),
            });
        }
        (answer, out.into())
    }

    /// Takes what a call made of a slot.
    fn slot_after(&mut self, slot: &'static str, bytes: &[u8]) -> &'static str {
        let number = bytes.try_into().map_or(-1, c_int::from_ne_bytes);
        if number == self.slots.get(slot).map_or(-1, AsRawFd::as_raw_fd) {
            return "same";
        }
        if number < 0 {
            return "negative";
        }
        let new = Rc::new(self.machine.own(number));
        self.lost.extend(self.slots.insert(slot, new));
        "new"
    }

    /// Makes a jail_set(2) or jail_get(2) unless that would do harm, and writes it.
    pub(super) fn request(&mut self, set: bool, request: &Request) -> Result<Option<Answer>, String> {
        let used = request.slot().and_then(|slot| self.slots.get(slot));
        let stat = used.and_then(|descriptor| self.machine.fstat(descriptor).ok());
        let now = Circumstances {
            build: self.build,
            names: self.names,
            inside: self.place == Place::Jail,
            alive: stat.is_some_and(|(inode, _, _)| inode != 0),
        };
        if is_harmful(set, request, now) {
            return Ok(None);
        }
        if set {
            let names = self.names.after(request);
            if names != self.names && !self.renames {
                return Ok(None);
            }
            self.names = names;
        }
        let (answer, out) = self.ask(set, request);
        let call = if set { "jail_set" } else { "jail_get" };
        let line = json!({"call": call, "flags": request.flags, "in": request.written(), "out": out});
        self.note(line, answer)?;
        if answer.is_err() && request.flags & (JAIL_GET_DESC | JAIL_OWN_DESC) != 0 {
            // The kernel has closed a descriptor (T1).
            self.machine.settle();
        }
        Ok(Some(answer))
    }

    fn any_jid(&mut self) -> c_int {
        self.random.pick(&self.jids).unwrap_or(1)
    }

    fn remove(&mut self) -> Result<(), String> {
        let jid = self.any_jid();
        let answer = Machine::plain(sys::jail_remove(jid));
        self.note(json!({"call": "jail_remove", "jid": jid}), answer)?;
        self.machine.settle();
        Ok(())
    }

    fn by_descriptor(&mut self) -> Result<(), String> {
        let Some(slot) = self.random.pick(&SLOTS).filter(|_| self.descriptors) else { return Ok(()) };
        let Some(descriptor) = self.slots.get(slot).cloned() else { return Ok(()) };
        if self.place == Place::Child && self.random.percent(50) {
            let answer = Machine::plain(sys::jail_attach_jd(descriptor.as_fd()));
            if answer.is_ok() {
                self.place = Place::Jail;
            }
            return self.note(json!({"call": "jail_attach_jd", "desc": slot}), answer);
        }
        if self.place == Place::Jail {
            return Ok(());
        }
        let answer = Machine::plain(sys::jail_remove_jd(descriptor.as_fd()));
        self.note(json!({"call": "jail_remove_jd", "desc": slot}), answer)?;
        self.machine.settle();
        Ok(())
    }

    fn look_at_descriptor(&mut self) -> Result<(), String> {
        let Some(slot) = self.random.pick(&SLOTS) else { return Ok(()) };
        let Some(descriptor) = self.slots.get(slot) else { return Ok(()) };
        let stat = self.machine.fstat(descriptor);
        let (inode, mode, close_on_exec) = stat.unwrap_or((0, 0, -1));
        let line = json!({
            "call": "fstat", "desc": slot, "ino": inode, "mode": format!("{mode:o}"), "cloexec": close_on_exec,
        });
        self.note(line, stat.map(|_| 0))
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(slot) = self.random.pick(&SLOTS) else { return Ok(()) };
        if self.place == Place::Jail || !self.slots.contains_key(slot) {
            return Ok(());
        }
        self.close_slot(slot)
    }

    fn close_slot(&mut self, slot: &'static str) -> Result<(), String> {
        self.slots.remove(slot);
        self.note(json!({"call": "close", "desc": slot}), Ok(0))?;
        self.machine.settle();
        Ok(())
    }

    fn sysctl(&mut self) -> Result<(), String> {
        let list = self.place != Place::Jail && self.random.percent(30);
        let name = if list { "security.jail.list" } else { self.random.pick(&SYSCTLS).unwrap_or_default() };
        let value = self.machine.sysctl(name);
        let shown = hex(value.as_deref().unwrap_or_default());
        self.note(json!({"call": "sysctl", "name": name, "value": shown}), value.map(|_| 0))
    }

    fn hold(&mut self) -> Result<(), String> {
        let Some(process) = self.random.pick(&PROCESSES).filter(|it| !self.held.contains_key(it)) else {
            return Ok(());
        };
        let jid = self.any_jid();
        let (slots, lost) = (&mut self.slots, &mut self.lost);
        let close = || {
            slots.clear();
            lost.clear();
        };
        let (answer, held) = self.machine.hold(jid, close)?;
        self.held.insert(process, held);
        self.note(json!({"call": "hold", "proc": process, "jid": jid}), answer)
    }

    fn release(&mut self) -> Result<(), String> {
        let Some(process) = self.random.pick(&PROCESSES) else { return Ok(()) };
        let Some(held) = self.held.remove(process) else { return Ok(()) };
        held.end()?;
        self.machine.settle();
        self.write(&json!({"call": "kill", "proc": process}))
    }

    /// Makes some calls in a child process, which may attach to a jail.
    fn fork(&mut self) -> Result<(), String> {
        self.write(&json!({"call": "fork"}))?;
        let random = self.random.fork();
        let renames = self.renames;
        let machine = Rc::clone(&self.machine);
        // A modelled child is this same process. What a real one does to its copies is lost with it.
        let saved = machine.model().map(|_| {
            let known = (self.jids.clone(), self.known_names.clone());
            (self.slots.clone(), self.random.clone(), known)
        });
        let (names, lost) = (self.names, self.lost.len());
        let (status, signal) = machine.in_child(|| {
            self.random = random;
            self.place = Place::Child;
            if let Err(error) = self.live() {
                eprintln!("record: {error}");
            }
        })?;
        if let Some(saved) = saved {
            (self.slots, self.random, (self.jids, self.known_names)) = saved;
            self.lost.truncate(lost);
        }
        self.place = Place::Host;
        // What a child did to names is not known here.
        self.names = if renames { Names::Suspect } else { names };
        self.calls += 5;
        self.machine.settle();
        self.write(&json!({"call": "wait", "exit": status, "signal": signal}))
    }

    /// What a child does.
    fn live(&mut self) -> Result<(), String> {
        if self.random.percent(10) {
            let directory = open_directory(&self.machine)?;
            self.slots.insert(DIRECTORY, Rc::new(directory));
            self.write(&json!({"call": "opendir", "desc": DIRECTORY}))?;
        }
        for step in 0..4 + self.random.below(12) {
            match self.random.below(100) {
                0..80 if step == 0 => self.attach()?,
                0..5 if self.place == Place::Child => self.attach()?,
                5..8 => {
                    let answer = self.machine.setuid(1001);
                    self.note(json!({"call": "setuid", "uid": 1001}), answer)?;
                }
                8..40 => self.set()?,
                40..75 => self.get()?,
                75..80 => self.remove()?,
                80..85 => self.by_descriptor()?,
                85..88 => self.look_at_descriptor()?,
                88..90 => self.close()?,
                90..93 if self.slots.contains_key(DIRECTORY) => {
                    if let Some(model) = self.machine.model() {
                        model.process().close_directory();
                    }
                    self.close_slot(DIRECTORY)?;
                }
                _ => self.sysctl()?,
            }
        }
        Ok(())
    }

    fn attach(&mut self) -> Result<(), String> {
        let jid = self.any_jid();
        let answer = Machine::plain(sys::jail_attach(jid));
        if answer.is_ok() {
            self.place = Place::Jail;
        }
        self.note(json!({"call": "jail_attach", "jid": jid}), answer)
    }

    /// Ends every process, closes every descriptor, and removes every jail.
    fn clear(&mut self) -> Result<(), String> {
        for process in PROCESSES {
            if let Some(held) = self.held.remove(process) {
                held.end()?;
                self.machine.settle();
                self.write(&json!({"call": "kill", "proc": process}))?;
            }
        }
        for slot in SLOTS {
            if self.slots.contains_key(slot) {
                self.close_slot(slot)?;
            }
        }
        let mut request = Request::default();
        request.give("lastjid", Value::Int(0));
        while let Some(Ok(jid)) = self.request(false, &request)? {
            let answer = Machine::plain(sys::jail_remove(jid));
            self.note(json!({"call": "jail_remove", "jid": jid}), answer)?;
            self.machine.settle();
            answer.map_err(|errno| format!("jail {jid} cannot be removed: {errno}"))?;
        }
        self.end_events()?;
        self.jids.clear();
        self.known_names.clear();
        self.names = Names::Whole;
        Ok(())
    }
}

/// The modules that have given the kernel parameters, as `replay` knows them.
fn modules(catalog: &Catalog) -> Vec<&str> {
    let by_parameter = [
        ("mac.do.rules", "mac_do"),
        ("linux.osname", "linux"),
        ("zfs.mount_snapshot", "zfs"),
        ("allow.vmm", "vmm"),
    ];
    let present = by_parameter.into_iter().filter(|(name, _)| catalog.get(name).is_some());
    let file_systems = catalog.iter().filter_map(|row| row.name().strip_prefix("allow.mount."));
    present.map(|(_, module)| module).chain(file_systems.filter(|name| *name != "zfs")).collect()
}
