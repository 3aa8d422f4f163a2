//! Creates a jail with a network stack of its own, gives it an interface, and takes it back.

mod common;

use std::process::ExitCode;

use common::Result;
use freebsd_jail::{Allow, ErrorKind, Jail, Network};
use lexopt::prelude::*;

const HELP: &str = "\
usage: router [-n NAME] INTERFACE PATH

Creates a jail with a network stack of its own and the root PATH, and moves an interface into it, such as epair0b after
`ifconfig epair create`. The jail is removed at the end, which returns the interface.

  -n, --name NAME   the jail's name (router)
      --help        this text";

struct Options {
    name: String,
    interface: String,
    path: String,
}

fn options() -> Result<Option<Options>> {
    let (mut name, mut words) = (String::from("router"), Vec::new());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('n') | Long("name") => name = parser.value()?.string()?,
            Long("help") => return Ok(None),
            Value(word) => words.push(word.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    match <[String; 2]>::try_from(words) {
        Ok([interface, path]) => Ok(Some(Options { name, interface, path })),
        Err(_) => Err("an interface and a path are needed".into()),
    }
}

fn main() -> ExitCode {
    common::run("router", HELP, options(), |options, model| {
        if let Some(model) = model {
            model.kernel().add_interface(&options.interface);
        }
        // Addresses are set inside; the permissions for that come with the stack.
        let builder = Jail::builder()
            .name(&options.name)
            .path(&options.path)
            .hostname(&options.name)
            .network(Network::own_stack())
            .allow(Allow::RAW_SOCKETS);
        let jail = match builder.create() {
            Err(error) if error.kind() == ErrorKind::UnknownParameter => {
                return Err(format!("this kernel has no network stacks of jails: {error}").into());
            }
            jail => jail?,
        };
        println!("jail {}: network: {}", jail.jid(), jail.info()?.network);
        jail.move_interface(&options.interface)?;
        println!("{} is in the jail", options.interface);
        jail.reclaim_interface(&options.interface)?;
        println!("{} is back", options.interface);
        Ok(ExitCode::SUCCESS)
    })
}
