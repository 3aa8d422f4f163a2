//! Lists jails, as jls(8) does.

mod common;

use std::collections::BTreeMap;
use std::process::ExitCode;

use common::{Model, Result, parameter};
use freebsd_jail::param::{Kind, Value};
use freebsd_jail::{Catalog, Jail, param};
use lexopt::prelude::*;

const HELP: &str = "\
usage: jls [-dhNn] [--json] [-j JAIL] [PARAMETER...]

Lists jails: number, IP address, host name and path, or these parameters.

  -d, --dying       list those that are being removed, too
  -h                a line of headings above the parameters
  -N, --names       names instead of numbers
  -n, --named       each parameter as name=value; all that the kernel has, if none is given
      --json        an array of objects, of all that the kernel has, if no parameter is given
  -j, --jail JAIL   this jail alone, by name or number
      --help        this text";

#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option")]
struct Options {
    dying: bool,
    headings: bool,
    names: bool,
    named: bool,
    json: bool,
    jail: Option<String>,
    parameters: Vec<String>,
}

fn options() -> Result<Option<Options>> {
    let mut options = Options::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('d') | Long("dying") => options.dying = true,
            Short('h') => options.headings = true,
            Short('N') | Long("names") => options.names = true,
            Short('n') | Long("named") => options.named = true,
            Long("json") => options.json = true,
            Short('j') | Long("jail") => options.jail = Some(parser.value()?.string()?),
            Long("help") => return Ok(None),
            Value(name) => options.parameters.push(name.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(Some(options))
}

fn main() -> ExitCode {
    common::run("jls", HELP, options(), |options, model| list(&options, model))
}

fn list(options: &Options, model: Option<&Model>) -> Result<ExitCode> {
    let mut jails = Vec::new();
    if options.jail.is_some() || model.is_some() {
        jails.push(common::open(options.jail.as_deref().unwrap_or("www"), model)?);
    } else {
        jails = Jail::all().dying(options.dying).collect::<freebsd_jail::Result<_>>()?;
    }
    if options.parameters.is_empty() && !options.named && !options.headings && !options.json {
        return columns(&jails, options.names);
    }
    let mut keys: Vec<(String, Kind)> = Vec::new();
    for name in &options.parameters {
        keys.push((
            name.clone(),
            parameter::kind_of(name)?.ok_or_else(|| format!("unknown parameter: {name}"))?,
        ));
    }
    if keys.is_empty() {
        let all = Catalog::current()?;
        keys.extend(all.iter().map(|parameter| (parameter.name().to_owned(), parameter.kind())));
    }
    if options.headings {
        println!("{}", keys.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" "));
    }
    let mut objects = Vec::new();
    for jail in &jails {
        let values = jail.get(&keys)?;
        let pairs = keys.iter().map(|(name, _)| name.as_str()).zip(&values);
        if options.json {
            objects.push(serde_json::to_value(pairs.collect::<BTreeMap<_, _>>())?);
        } else {
            let field = |(name, value): (&str, &Value)| {
                if options.named { format!("{name}={value}") } else { value.to_string() }
            };
            println!("{}", pairs.map(field).collect::<Vec<_>>().join(" "));
        }
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&serde_json::Value::Array(objects))?);
    }
    Ok(ExitCode::SUCCESS)
}

fn columns(jails: &[Jail], names: bool) -> Result<ExitCode> {
    println!(" {:<15} {:<15} {:<29} Path", if names { "JID/Name" } else { "JID" }, "IP Address", "Hostname");
    for jail in jails {
        let keys =
            (param::JID, param::NAME.utf8(), param::IP4_ADDR, param::HOST_HOSTNAME.utf8(), param::PATH);
        let (jid, name, addresses, hostname, path) = jail.get(keys)?;
        let address = addresses.first().map(ToString::to_string).unwrap_or_default();
        let jail = if names { name } else { jid.to_string() };
        println!(" {jail:<15} {address:<15} {hostname:<29} {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
