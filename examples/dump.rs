//! Prints all parameters of all jails as JSON.

mod common;

use std::collections::BTreeMap;
use std::process::ExitCode;

use common::Result;
use freebsd_jail::param::{Kind, Value};
use freebsd_jail::{Catalog, Jail, JailUpdate};

const HELP: &str = "\
usage: dump [--help]

Prints a list of all jails that can be seen, each with all parameters that the kernel has, those of modules included.
Each jail takes one system call.";

fn options() -> Result<Option<()>> {
    match lexopt::Parser::from_env().next()? {
        None => Ok(Some(())),
        Some(lexopt::Arg::Long("help")) => Ok(None),
        Some(argument) => Err(argument.unexpected().into()),
    }
}

fn main() -> ExitCode {
    common::run("dump", HELP, options(), |(), model| {
        if model.is_some() {
            let www = Jail::builder().name("www").path("/usr/jail").children_max(1).create_detached()?;
            www.child_builder().name("db").path("/usr/jail").create_detached()?;
            www.update(&JailUpdate::new().hostname("www.example.org").securelevel(2))?;
        }
        let catalog = Catalog::current()?;
        let keys: Vec<(&str, Kind)> =
            catalog.iter().map(|parameter| (parameter.name(), parameter.kind())).collect();
        let jails = Jail::all().get(&*keys).map(|values| {
            Ok(keys.iter().map(|(name, _)| *name).zip(values?).collect::<BTreeMap<&str, Value>>())
        });
        let jails: Vec<_> = jails.collect::<freebsd_jail::Result<_>>()?;
        println!("{}", serde_json::to_string_pretty(&jails)?);
        Ok(ExitCode::SUCCESS)
    })
}
