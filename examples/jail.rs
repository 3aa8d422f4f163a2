//! Creates, changes and removes jails, as jail(8) does without a configuration file.

mod common;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use common::devfs::Devfs;
use common::{Model, Result, parameter};
use freebsd_jail::param::Value;
use freebsd_jail::{Jail, JailUpdate, param};
use lexopt::Arg::{Long, Short, Value as Word};
use lexopt::ValueExt;

const HELP: &str = "\
usage: jail [-D] [-n NAME] [-u USER] PATH HOSTNAME IP[,IP...] COMMAND [ARGUMENT...]
       jail -c [-D] [-u USER] PARAMETER[=VALUE]... [command=COMMAND [ARGUMENT...]]
       jail -m name=NAME PARAMETER[=VALUE]...
       jail -r [-D] JAIL...

  -c, --create       create a jail; it is removed with its last process, unless `persist` is given
  -m, --modify       change the jail that `name` or `jid` says
  -r, --remove       remove jails, by name or number, and kill their processes
  -D, --devfs        mount devfs on the jail's /dev, by rule set 4, for as long as the jail lives; -r -D unmounts it
  -n, --name NAME    the jail's name
  -u, --user USER    run the command as a user of the host's
      --unconfined   off FreeBSD: run the command on this host, where nothing confines it
  -h, --help         this text";

#[derive(Default)]
struct Options {
    mode: Option<char>,
    devfs: bool,
    unconfined: bool,
    name: Option<String>,
    user: Option<String>,
    words: Vec<String>,
    command: Vec<OsString>,
}

fn options() -> Result<Option<Options>> {
    let mut options = Options::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('c') | Long("create") => options.mode = Some('c'),
            Short('m') | Long("modify") => options.mode = Some('m'),
            Short('r') | Long("remove") => options.mode = Some('r'),
            Short('D') | Long("devfs") => options.devfs = true,
            Short('n') | Long("name") => options.name = Some(parser.value()?.string()?),
            Short('u') | Long("user") => options.user = Some(parser.value()?.string()?),
            Long("unconfined") => options.unconfined = true,
            Short('h') | Long("help") => return Ok(None),
            Word(word) => {
                let word = word.string()?;
                match word.strip_prefix("command=") {
                    // The rest is the command's.
                    Some(command) => options.command = vec![command.into()],
                    None => options.words.push(word),
                }
                if !options.command.is_empty() || (options.mode.is_none() && options.words.len() == 3) {
                    options.command.extend(parser.raw_args()?);
                }
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(Some(options))
}

fn main() -> ExitCode {
    common::run("jail", HELP, options(), |options, model| match (options.mode, &*options.words) {
        (Some('c'), words @ [_, ..]) => create(words.to_vec(), &options, model),
        (Some('m'), words @ [_, ..]) => modify(words, model),
        (Some('r'), jails @ [_, ..]) => remove(jails, options.devfs, model),
        (None, [path, hostname, addresses]) if !options.command.is_empty() => {
            let (ip6, ip4): (Vec<_>, Vec<_>) = addresses.split(',').partition(|ip| ip.contains(':'));
            let mut words = vec![format!("path={path}"), format!("host.hostname={hostname}")];
            words.push(format!("ip4.addr={}", ip4.join(",")));
            words.push(format!("ip6.addr={}", ip6.join(",")));
            create(words, &options, model)
        }
        _ => Err("an argument is missing; see --help".into()),
    })
}

fn create(mut words: Vec<String>, options: &Options, model: Option<&Model>) -> Result<ExitCode> {
    if let Some(model) = model {
        model.allow_exec(options.unconfined);
    }
    words.extend(options.name.iter().map(|name| format!("name={name}")));
    let (mut builder, mut root, mut persist) = (Jail::builder(), PathBuf::from("/"), false);
    for word in &words {
        let (name, value) = parameter::read(word)?;
        match &*name {
            "path" => root = value.try_into()?,
            "persist" => persist = value == Value::Bool(true),
            _ => builder = builder.set_value(&name, &value),
        }
    }
    if options.command.is_empty() && !persist {
        return Err("without `persist` and a command, the jail would be removed at once".into());
    }
    let devfs = options.devfs.then(|| Devfs::mount(&root)).transpose()?;
    let jail = builder.path(&root).create_detached()?;
    println!("{}: created", jail.get(param::NAME.utf8())?);
    let devfs = devfs.and_then(|devfs| devfs.unless(persist));
    let Some((program, arguments)) = options.command.split_first() else { return Ok(ExitCode::SUCCESS) };
    let mut command = jail.command(program);
    command.args(arguments);
    if let Some(user) = &options.user {
        command.user(user);
    }
    let ended = command.status();
    let lives = match &ended {
        _ if persist => true,
        // It is removed with all processes that the command has left.
        Ok(_) => jail.update(&JailUpdate::new().persist(false)).and_then(|()| jail.is_alive())?,
        Err(_) => jail.remove().map(|()| false)?,
    };
    drop(devfs.and_then(|devfs| devfs.unless(lives)));
    Ok(common::status(ended?))
}

fn modify(words: &[String], model: Option<&Model>) -> Result<ExitCode> {
    let starts = |key: &'static str| words.iter().find(move |word| word.starts_with(key));
    let key = starts("jid=").or(starts("name=")).ok_or("`name` or `jid` has to say which jail")?;
    let (_, which) = key.split_once('=').unwrap_or_default();
    let jail = common::open(which, model)?;
    let mut update = JailUpdate::new();
    for word in words.iter().filter(|word| *word != key) {
        let (name, value) = parameter::read(word)?;
        update = update.set_value(&name, &value);
    }
    jail.update(&update)?;
    println!("{which}: modified");
    Ok(ExitCode::SUCCESS)
}

fn remove(jails: &[String], devfs: bool, model: Option<&Model>) -> Result<ExitCode> {
    for name in jails {
        let jail = common::open(name, model)?;
        let root = jail.get(param::PATH)?;
        jail.remove()?;
        drop(devfs.then(|| Devfs::mounted(&root)).transpose()?);
        println!("{name}: removed");
    }
    Ok(ExitCode::SUCCESS)
}
