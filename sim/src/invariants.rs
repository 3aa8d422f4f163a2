//! No request makes the model panic or miscount references.

use core::ffi::c_int;

use crate::raw::Pair;

use super::descriptor::Descriptors;
use super::flags::{
    JAIL_ATTACH, JAIL_CREATE, JAIL_DYING, JAIL_GET_DESC, JAIL_OWN_DESC, JAIL_UPDATE, PrisonFlags,
};
use super::prison::{HOST, Key};
use super::process::INIT;
use super::release::Release;
use super::state::State;

/// Numbers that look random and are the same each time: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        let index = usize::try_from(self.below(list.len() as u64)).unwrap_or(0);
        *list.get(index).or(list.first()).expect("a list that is not empty")
    }
}

const NAMES: [&str; 16] =
    ["a", "b", "a.x", "a.y", "a.x.k", "b.x", "", ".", "a.", ".a", "a..b", "7", "12", "0777", "-5", "9z"];
const INTS: [c_int; 12] = [0, 1, 2, 3, 4, 5, -1, -2, 65536, c_int::MAX, c_int::MIN, 999_999];
const PARAMETERS: [&str; 30] = [
    "persist",
    "nopersist",
    "path",
    "securelevel",
    "children.max",
    "enforce_statfs",
    "devfs_ruleset",
    "vnet",
    "ip4",
    "ip4.addr",
    "ip6",
    "ip6.addr",
    "host",
    "host.hostname",
    "host.hostid",
    "allow.sysvipc",
    "allow.nosysvipc",
    "allow.raw_sockets",
    "allow.nosuser",
    "sysvmsg",
    "sysvshm",
    "meta",
    "meta.k",
    "env.k",
    "mac.do",
    "mac.do.rules",
    "osreldate",
    "osrelease",
    "nosuch",
    "dying",
];

/// A value that may or may not fit the parameter.
fn value(random: &mut Random, name: &str) -> Vec<u8> {
    let addresses = |random: &mut Random, first: &[u8], count: u64| {
        let each = |random: &mut Random| [first, &[random.pick(&[1, 2, 3, 9])]].concat();
        (0..count).flat_map(|_| each(random)).collect()
    };
    let count = random.below(4);
    match (random.below(10), name) {
        (0, _) => Vec::new(),
        (1, _) => vec![b'x'; 5000],
        (2, _) => random.pick(&INTS).to_ne_bytes().to_vec(),
        (_, "ip4.addr") => addresses(random, &[10, 0, 0], count),
        (_, "ip6.addr") => addresses(random, &[0xfd; 15], count),
        (_, "path") => b"/usr/jail\0".to_vec(),
        (_, "mac.do.rules") => b"uid=1>uid=0\0".to_vec(),
        (_, "host.hostid") => 7_u64.to_ne_bytes().to_vec(),
        (_, "meta" | "meta.k" | "env.k" | "host.hostname" | "osrelease") => b"v\0".to_vec(),
        _ => random.pick(&[0_i32, 1, 2]).to_ne_bytes().to_vec(),
    }
}

/// Makes one call with a request at random.
fn call(state: &mut State, pid: c_int, random: &mut Random) {
    let mut given: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let key = random.pick(&["name", "jid", "lastjid", "none"]);
    match key {
        "name" => given.push((b"name\0".to_vec(), format!("{}\0", random.pick(&NAMES)).into_bytes())),
        "none" => {}
        key => given.push((format!("{key}\0").into_bytes(), random.pick(&INTS).to_ne_bytes().to_vec())),
    }
    if random.below(3) == 0 {
        given.push((b"name\0".to_vec(), format!("{}\0", random.pick(&NAMES)).into_bytes()));
    }
    if random.below(2) == 0 {
        given.push((b"persist\0".to_vec(), Vec::new()));
    }
    for _ in 0..random.below(4) {
        let name = random.pick(&PARAMETERS);
        given.push((format!("{name}\0").into_bytes(), value(random, name)));
    }
    given.push((b"errmsg\0".to_vec(), vec![0; 40]));
    let mut lens: Vec<usize> = given.iter().map(|(_, value)| value.len()).collect();
    let mut request: Vec<Pair<'_>> = Vec::new();
    for ((name, value), len) in given.iter_mut().zip(&mut lens) {
        request.push(Pair { name, value: Some(value), len });
    }
    let set = [JAIL_CREATE, JAIL_CREATE, JAIL_UPDATE, JAIL_CREATE | JAIL_UPDATE, JAIL_UPDATE | JAIL_ATTACH];
    match random.below(10) {
        0..6 => {
            let how = random.pick(&set) | random.pick(&[0, 0, 0, JAIL_DYING, JAIL_ATTACH]);
            let _ = state.sys_jail_set(pid, &mut request, how);
        }
        6..9 => {
            let how = random.pick(&[0, JAIL_DYING, 0x40]);
            let _ = state.sys_jail_get(pid, &mut request, how);
        }
        _ => {
            let jid = random.pick(&INTS);
            let _ = state.sys_jail_remove(pid, jid);
            let _ = state.sys_jail_attach(pid, random.pick(&INTS));
        }
    }
}

/// Makes a descriptor and, half the time, closes it.
fn describe(state: &mut State, pid: c_int, random: &mut Random) {
    let (mut desc, mut jid) = ((-1 as c_int).to_ne_bytes(), random.pick(&INTS).to_ne_bytes());
    let (mut desc_len, mut jid_len) = (4, 4);
    let mut request = [
        Pair { name: b"desc\0", value: Some(&mut desc), len: &mut desc_len },
        Pair { name: b"jid\0", value: Some(&mut jid), len: &mut jid_len },
    ];
    let how = random.pick(&[JAIL_GET_DESC, JAIL_OWN_DESC]) | random.pick(&[0, JAIL_DYING]);
    let _ = state.sys_jail_get(pid, &mut request, how);
    if random.below(2) == 0 {
        let made = state.processes.get(pid).made.clone();
        if !made.is_empty() {
            state.close_descriptor(random.pick(&made));
        }
    }
}

/// Counts the references of every prison, and compares them with the prison's counts.
fn check(state: &State) {
    for (jid, key) in &state.all {
        let prison = state.prison(*key);
        assert_eq!(prison.id, *jid);
        assert_eq!(
            prison.childcount,
            c_int::try_from(state.below(*key).len()).expect("few jails"),
            "{prison:?}"
        );
        let persists = i64::from(prison.flags.contains(PrisonFlags::PERSIST));
        let children = i64::try_from(prison.children.len()).expect("few jails");
        let descriptors = i64::try_from(prison.descriptors.len()).expect("few descriptors");
        let (credentials, running) = state.processes.holding(*key);
        assert_eq!(prison.urefs, persists + children + running, "{prison:?}");
        assert_eq!(prison.refs, persists + children + credentials + descriptors, "{prison:?}");
        let parent = prison.parent.expect("every jail is in one");
        assert!(state.prison(parent).children.contains(key));
    }
}

#[test]
fn no_request_panics_or_miscounts_references() {
    // Miri is a thousand times slower.
    let (seeds, calls) = if cfg!(miri) { (2, 40) } else { (40, 200) };
    for release in Release::ALL {
        for seed in 1..seeds {
            let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
            let mut state = State::new(release);
            let mut processes = vec![INIT];
            for _ in 0..calls {
                let pid = random.pick(&processes);
                match random.below(12) {
                    0 => processes.push(state.fork(pid)),
                    1 if pid != INIT => {
                        state.end(pid);
                        state.reap(pid);
                        processes.retain(|each| *each != pid);
                    }
                    2 if pid != INIT && random.below(4) == 0 => {
                        let _ = state.setuid(pid, 1001);
                    }
                    3 if release.descriptors => describe(&mut state, pid, &mut random),
                    _ if pid == INIT => {
                        let child = state.fork(pid);
                        call(&mut state, child, &mut random);
                        processes.push(child);
                    }
                    _ => call(&mut state, pid, &mut random),
                }
                check(&state);
            }
            finish(&mut state, processes);
        }
    }
}

/// Ends everything. After that, only jails of creations that failed late may exist (T18).
fn finish(state: &mut State, processes: Vec<c_int>) {
    for pid in processes {
        if pid != INIT {
            state.end(pid);
            state.reap(pid);
        }
    }
    state.descriptors = Descriptors::default();
    let top: Vec<Key> = state.prison(HOST).children.clone();
    for key in top {
        let jid = state.prison(key).id;
        let _ = state.sys_jail_remove(INIT, jid);
    }
    assert!(state.release.late_failure_leaks || state.all.is_empty(), "{:?}", state.all);
}
