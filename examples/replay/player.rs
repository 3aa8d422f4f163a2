//! Plays a transcript against a model of the kernel that it was recorded on.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::fmt;
use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use freebsd_jail::sim::raw::{Errno, Event, Legacy, Pair};
use freebsd_jail::sim::{Kernel, Module, Process, Release};
use freebsd_jail::sys::{
    EVFILT_JAIL, EVFILT_JAILDESC, JAIL_CREATE, NOTE_JAIL_ATTACH, NOTE_JAIL_CHILD, NOTE_JAIL_MULTI,
};
use serde_json::{Value, json};

use super::errno;
use super::transcript::{Given, Line, hex, hex_trimmed};

/// The result of playing a file.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How many calls were compared.
    pub(crate) calls: usize,
    /// The calls whose answers differ from the recording.
    pub(crate) differences: Vec<Difference>,
}

/// A call whose answer differs from the recording.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The line, from 1 on.
    pub(crate) line: usize,
    /// The name of the call.
    pub(crate) call: String,
    /// What the transcript says.
    pub(crate) expected: String,
    /// What the model says.
    pub(crate) got: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, call, expected, got } = self;
        write!(f, "{line}: {call}: expected {expected}, got {got}")
    }
}

/// Plays a file. Its first line tells the kernel that it was recorded on, or else its folder: `freebsd-13.2`,
/// `freebsd-14.2` or `freebsd-15.1`.
pub(crate) fn play(path: &Path) -> Result<Outcome, String> {
    let in_file = |error: String| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
    let mut lines = (1..).zip(text.lines()).peekable();
    let first = lines.peek().map(|(_, text)| Line::parse(text)).transpose().map_err(in_file)?;
    let kernel = match first.filter(|line| line.call() == "kernel") {
        Some(line) => {
            lines.next();
            recorded_on(&line).map_err(in_file)?
        }
        None => of_folder(path).map_err(in_file)?,
    };
    let mut player = Player::new(kernel)?;
    let mut outcome = Outcome::default();
    for (number, text) in lines {
        let wrong = |error: String| format!("{}:{number}: {error}", path.display());
        let line = Line::parse(text).map_err(wrong)?;
        let Some(got) = player.play(&line).map_err(wrong)? else {
            continue;
        };
        outcome.calls += 1;
        let (expected, got) = only_differing(line.answer(), got);
        if expected != got {
            let difference = Difference {
                line: number,
                call: line.call().to_owned(),
                expected: json!(expected).to_string(),
                got: json!(got).to_string(),
            };
            outcome.differences.push(difference);
        }
    }
    Ok(outcome)
}

/// Returns a model of the kernel that a transcript's first line tells of.
fn recorded_on(line: &Line) -> Result<Kernel, String> {
    let osreldate = line.int("osreldate")?;
    let kernel =
        Kernel::with_release(Release::nearest(osreldate).named(osreldate, kept(line.text("release"))));
    kernel.set_hostname(line.text("hostname"));
    if let Some(modules) = line.list("modules") {
        // The model of 15 has it built in; loaded modules follow later.
        kernel.unload(Module::MacDo);
        for module in modules {
            kernel.load(match module {
                "mac_do" => Module::MacDo,
                "linux" => Module::Linux,
                "zfs" => Module::Zfs,
                "vmm" => Module::Vmm,
                file_system => Module::FileSystem(kept(file_system)),
            });
        }
    }
    count_to(&kernel, line.int("jid")?)?;
    Ok(kernel)
}

/// Keeps a short text for as long as the program runs.
fn kept(text: &str) -> &'static str {
    Box::leak(text.into())
}

/// Makes and removes jails until the last had this jid, from which the kernel counts on.
fn count_to(kernel: &Kernel, jid: c_int) -> Result<(), String> {
    let mut last = 0;
    while last < jid {
        let mut none = 0;
        let mut request = [Pair { name: b"persist\0", value: None, len: &mut none }];
        last = kernel.raw().jail_set(&mut request, JAIL_CREATE).map_err(|errno| errno.to_string())?;
        kernel.raw().jail_remove(last).map_err(|errno| errno.to_string())?;
    }
    Ok(())
}

/// Returns a model of the kernel that the recordings of a folder were made on.
fn of_folder(path: &Path) -> Result<Kernel, String> {
    let folder = path.canonicalize().map_err(|error| error.to_string())?;
    let folder = folder.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let release = match folder.as_str() {
        "freebsd-13.2" => Release::FREEBSD_13_2,
        "freebsd-14.2" => Release::FREEBSD_14_2.named(1_402_000, "14.2-BETA1"),
        "freebsd-15.1" => Release::FREEBSD_15_1.named(1_501_502, "15.1-STABLE-renux"),
        _ => {
            return Err(format!(
                "{folder} is not the folder of a known release, and the first line does not tell the kernel"
            ));
        }
    };
    let kernel = Kernel::with_release(release);
    kernel.set_hostname("jailvm");
    Ok(kernel)
}

type Answer = BTreeMap<&'static str, Value>;

/// Keeps only the members in which two answers differ.
fn only_differing(mut expected: Answer, mut got: Answer) -> (Answer, Answer) {
    let same: Vec<&str> = expected.keys().copied().filter(|key| expected.get(key) == got.get(key)).collect();
    for key in same {
        expected.remove(key);
        got.remove(key);
    }
    (expected, got)
}

/// A process and what it has in its slots.
#[derive(Debug, Clone)]
struct Frame {
    process: Process,
    slots: BTreeMap<String, Rc<Open>>,
    /// What was in a slot that got something else, which stays open.
    lost: Vec<Rc<Open>>,
}

/// What a slot holds. The processes of a transcript are modelled, so a descriptor that a fork copies is one
/// number here, closed when the last of them closes it.
#[derive(Debug)]
enum Open {
    Descriptor(c_int),
    Directory(File),
    Queue(OwnedFd),
}

impl Open {
    fn number(&self) -> c_int {
        match self {
            Self::Descriptor(number) => *number,
            Self::Directory(file) => file.as_raw_fd(),
            Self::Queue(queue) => queue.as_raw_fd(),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Self::Descriptor(number) = self {
            // A process that was killed has closed it.
            let _ = nix::unistd::close(*number);
        }
    }
}

/// A kernel and the processes of a transcript.
#[derive(Debug)]
struct Player {
    kernel: Kernel,
    frame: Frame,
    /// The processes that wait for the one in `frame`.
    waiting: Vec<Frame>,
    /// Processes that sleep in a jail.
    held: BTreeMap<String, Process>,
}

impl Player {
    /// The files and the process of the recording machine.
    fn new(kernel: Kernel) -> Result<Self, String> {
        kernel.only_paths();
        kernel.add_directory("/tmp");
        kernel.add_file("/etc/passwd");
        let process = kernel.process();
        process.chdir("/tmp").map_err(|errno| errno.to_string())?;
        let frame = Frame { process, slots: BTreeMap::new(), lost: Vec::new() };
        Ok(Self { kernel, frame, waiting: Vec::new(), held: BTreeMap::new() })
    }

    /// Makes a line's call and says what to compare, if anything.
    fn play(&mut self, line: &Line) -> Result<Option<Answer>, String> {
        let _guard = self.frame.process.enter();
        let kernel = self.kernel.clone();
        let answer = match line.call() {
            "jail_set" | "jail_get" => self.request(line)?,
            "jail_attach" => plain(kernel.raw().jail_attach(line.int("jid")?)),
            "jail_remove" => plain(kernel.raw().jail_remove(line.int("jid")?)),
            "jail_attach_jd" => plain(kernel.raw().jail_attach_jd(self.number(line.text("desc")))),
            "jail_remove_jd" => plain(kernel.raw().jail_remove_jd(self.number(line.text("desc")))),
            "jail" => returned(self.legacy(line)?),
            "setuid" => {
                let uid = u32::try_from(line.number("uid")).map_err(|error| error.to_string())?;
                plain(kernel.raw().setuid(uid))
            }
            "close" => match self.frame.slots.remove(line.text("desc")) {
                Some(open) => {
                    if let Open::Directory(_) = *open {
                        self.frame.process.close_directory();
                    }
                    plain(Ok(()))
                }
                None => plain(Err(Errno(libc::EBADF))),
            },
            "fstat" => self.fstat(line),
            "sysctl" => self.sysctl(line),
            "hold" => {
                let process = self.frame.process.fork();
                let attached =
                    process.run(|| kernel.raw().jail_attach(line.number("jid").try_into().unwrap_or(-1)));
                self.held.insert(line.text("proc").to_owned(), process);
                plain(attached)
            }
            "kill" => {
                if let Some(process) = self.held.remove(line.text("proc")) {
                    process.kill();
                }
                return Ok(None);
            }
            "fork" => {
                let child = Frame { process: self.frame.process.fork(), ..self.frame.clone() };
                self.waiting.push(std::mem::replace(&mut self.frame, child));
                return Ok(None);
            }
            "wait" => {
                let parent = self.waiting.pop().ok_or("nothing to wait for")?;
                let child = std::mem::replace(&mut self.frame, parent);
                let signal = if child.process.is_running() { 0 } else { libc::SIGKILL };
                child.process.exit();
                BTreeMap::from([("exit", json!(0)), ("signal", json!(signal))])
            }
            "opendir" => {
                let file = File::open("/").map_err(|error| error.to_string())?;
                self.frame.process.open_directory();
                self.frame.slots.insert(line.text("desc").to_owned(), Rc::new(Open::Directory(file)));
                return Ok(None);
            }
            "kqueue" => {
                let queue = kernel.raw().kqueue();
                let answer = plain(queue.as_ref().map(|_| ()).map_err(|errno| *errno));
                if let Ok(queue) = queue {
                    self.frame.slots.insert(line.text("desc").to_owned(), Rc::new(Open::Queue(queue)));
                }
                answer
            }
            "watch" => self.watch(line)?,
            "events" => self.events(line)?,
            "unsupported" => return Ok(None),
            other => return Err(format!("no call known as {other}")),
        };
        Ok(Some(answer))
    }

    /// The number in a slot, -1 in an empty one.
    fn number(&self, slot: &str) -> c_int {
        self.frame.slots.get(slot).map_or(-1, |open| open.number())
    }

    fn request(&mut self, line: &Line) -> Result<Answer, String> {
        let given = line.pairs()?;
        let flags = line.int("flags")?;
        let hangs = |(name, _): &(Vec<u8>, Given)| matches!(name.as_slice(), b"meta.\0" | b"env.\0");
        if line.call() == "jail_get" && given.iter().any(hangs) {
            return Err("a jail_get with `meta.` or `env.` hangs a kernel (T16)".to_owned());
        }
        let mut buffers: Vec<(Option<Vec<u8>>, usize)> = Vec::new();
        for (_, value) in &given {
            let bytes = match value {
                Given::Null => None,
                Given::Bytes(bytes) => Some(bytes.clone()),
                Given::Slot(slot) => Some(self.number(slot).to_ne_bytes().to_vec()),
            };
            let len = bytes.as_ref().map_or(0, Vec::len);
            buffers.push((bytes, len));
        }
        let mut request = Vec::new();
        for ((name, _), (bytes, len)) in given.iter().zip(&mut buffers) {
            request.push(Pair { name, value: bytes.as_deref_mut(), len });
        }
        let returned_value = match line.call() {
            "jail_set" => self.kernel.raw().jail_set(&mut request, flags),
            _ => self.kernel.raw().jail_get(&mut request, flags),
        };
        drop(request);
        let mut out = Vec::new();
        for ((_, value), (bytes, len)) in given.iter().zip(&buffers) {
            let bytes = bytes.as_deref().unwrap_or_default();
            let shown = match value {
                Given::Slot(slot) => self.slot_after(slot, bytes),
                _ => hex_trimmed(bytes),
            };
            out.push(json!([len, shown]));
        }
        let mut answer = returned(returned_value);
        answer.insert("out", json!(out));
        Ok(answer)
    }

    /// What a call made of a slot.
    fn slot_after(&mut self, slot: &str, bytes: &[u8]) -> String {
        let number = bytes.try_into().map_or(-1, c_int::from_ne_bytes);
        if number == self.number(slot) {
            return "same".to_owned();
        }
        if number < 0 {
            return "negative".to_owned();
        }
        let old = self.frame.slots.insert(slot.to_owned(), Rc::new(Open::Descriptor(number)));
        self.frame.lost.extend(old);
        "new".to_owned()
    }

    fn legacy(&self, line: &Line) -> Result<Result<c_int, Errno>, String> {
        let bytes = |member| match line.field(member) {
            Ok(Given::Bytes(bytes)) => Ok(Some(bytes)),
            Ok(_) => Ok(None),
            Err(error) => Err(error),
        };
        let string = |member| {
            bytes(member).map(|bytes| bytes.and_then(|bytes| Some(bytes.strip_suffix(&[0])?.to_vec())))
        };
        let (path, hostname, jailname) = (string("path")?, string("host")?, string("name")?);
        let ip4 = bytes("ip4")?.unwrap_or_default();
        let ip6 = bytes("ip6")?.unwrap_or_default();
        let ip4: Vec<Ipv4Addr> =
            ip4.chunks(4).filter_map(|ip| <[u8; 4]>::try_from(ip).ok()).map(Into::into).collect();
        let ip6: Vec<Ipv6Addr> =
            ip6.chunks(16).filter_map(|ip| <[u8; 16]>::try_from(ip).ok()).map(Into::into).collect();
        let jail = Legacy {
            version: u32::try_from(line.number("version")).map_err(|error| error.to_string())?,
            path: path.as_deref(),
            hostname: hostname.as_deref(),
            jailname: jailname.as_deref(),
            ip4: &ip4,
            ip6: &ip6,
        };
        Ok(self.kernel.raw().jail(&jail))
    }

    fn fstat(&self, line: &Line) -> Answer {
        let number = self.number(line.text("desc"));
        let answer = self.kernel.raw().fstat(number).unwrap_or(Err(Errno(libc::EBADF)));
        let (mode, ino) = answer.unwrap_or((0, 0));
        let cloexec =
            if answer.is_err() { -1 } else { close_on_exec(number).unwrap_or(line.number("cloexec")) };
        let mut shown = plain(answer.map(|_| ()));
        shown.insert("ino", json!(ino));
        shown.insert("mode", json!(format!("{mode:o}")));
        shown.insert("cloexec", json!(cloexec));
        shown
    }

    fn queue(&self, line: &Line) -> Result<Rc<Open>, String> {
        let open = self.frame.slots.get(line.text("queue")).cloned();
        open.filter(|open| matches!(**open, Open::Queue(_))).ok_or_else(|| "no queue".to_owned())
    }

    fn watch(&self, line: &Line) -> Result<Answer, String> {
        let open = self.queue(line)?;
        let Open::Queue(queue) = &*open else { return Err("no queue".to_owned()) };
        let (filter, ident) = match line.text("on") {
            "own" => (EVFILT_JAIL, 0),
            slot => (EVFILT_JAILDESC, usize::try_from(self.number(slot)).unwrap_or(usize::MAX)),
        };
        let fflags = u32::try_from(line.number("fflags")).map_err(|error| error.to_string())?;
        let udata = usize::try_from(line.number("udata")).map_err(|error| error.to_string())?;
        Ok(plain(self.kernel.raw().kevent_add(queue.as_fd(), filter, ident, fflags, udata)))
    }

    fn events(&self, line: &Line) -> Result<Answer, String> {
        let open = self.queue(line)?;
        let Open::Queue(queue) = &*open else { return Err("no queue".to_owned()) };
        let mut told = Vec::new();
        let result = loop {
            match self.kernel.raw().kevent_take(queue.as_fd()) {
                Ok(Some(event)) => told.push(shown(&event)),
                Ok(None) => break Ok(()),
                Err(errno) => break Err(errno),
            }
        };
        let mut answer = plain(result);
        answer.insert("events", json!(told));
        Ok(answer)
    }

    fn sysctl(&self, line: &Line) -> Answer {
        let value = sysctl_by_name(&self.kernel, line.text("name"));
        let mut answer = plain(value.as_ref().map(|_| ()).map_err(|errno| *errno));
        answer.insert("value", json!(hex(&value.unwrap_or_default())));
        answer
    }
}

/// Reads a sysctl by its name, as sysctlbyname(3) does: first its number, then its length, then its value.
fn sysctl_by_name(kernel: &Kernel, name: &str) -> Result<Vec<u8>, Errno> {
    let mut number = [0; 24 * size_of::<c_int>()];
    let len = kernel.raw().sysctl(&[0, 3], Some(&mut number), Some(name.as_bytes()))?;
    let ints = number.chunks_exact(size_of::<c_int>()).take(len / size_of::<c_int>());
    let mib: Vec<c_int> = ints.filter_map(|bytes| bytes.try_into().ok()).map(c_int::from_ne_bytes).collect();
    let mut value = vec![0; kernel.raw().sysctl(&mib, None, None)?];
    let len = kernel.raw().sysctl(&mib, Some(&mut value), None)?;
    value.truncate(len);
    Ok(value)
}

/// How a transcript writes an event. The pid of a process is another than the recorded one.
fn shown(event: &Event) -> Value {
    let Event { udata, flags, fflags, data, .. } = *event;
    let pid =
        fflags & NOTE_JAIL_ATTACH != 0 && fflags & (NOTE_JAIL_CHILD | NOTE_JAIL_MULTI) == 0 && data != 0;
    let data = if pid { json!("pid") } else { json!(data) };
    json!([udata, flags, fflags, data])
}

/// Whether a descriptor is closed when a program is executed, where the host tells.
fn close_on_exec(number: c_int) -> Option<i64> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).ok()?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    let flags = i64::from_str_radix(flags.trim(), 8).ok()?;
    Some(i64::from(flags & i64::from(libc::O_CLOEXEC) != 0))
}

/// The answer of a call that returns 0.
fn plain(result: Result<(), Errno>) -> Answer {
    returned(result.map(|()| 0))
}

/// The answer of a call that returns a number.
fn returned(result: Result<c_int, Errno>) -> Answer {
    let (ret, errno) = match result {
        Ok(ret) => (ret, String::new()),
        Err(Errno(errno)) => (-1, errno::name(errno)),
    };
    BTreeMap::from([("ret", json!(ret)), ("errno", json!(errno))])
}
