//! Serves metrics of all jails to Prometheus.

mod common;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use common::{Model, Result};
use freebsd_jail::exec::Processes;
use freebsd_jail::{Jail, param};
use lexopt::prelude::*;

const HELP: &str = "\
usage: exporter [--listen ADDRESS:PORT | --once]

Serves metrics of all jails at http://ADDRESS:PORT/metrics, 127.0.0.1:9452 if none is given.

      --listen ADDRESS:PORT  where to serve them
      --once                 print them instead
      --help                 this text";

struct Options {
    listen: String,
    once: bool,
}

fn options() -> Result<Option<Options>> {
    let mut options = Options { listen: "127.0.0.1:9452".to_owned(), once: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("listen") => options.listen = parser.value()?.string()?,
            Long("once") => options.once = true,
            Long("help") => return Ok(None),
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(Some(options))
}

fn main() -> ExitCode {
    common::run("exporter", HELP, options(), |options, model| {
        let _jail = model.map(demonstration).transpose()?;
        if options.once {
            print!("{}", metrics()?);
            return Ok(ExitCode::SUCCESS);
        }
        let listener = TcpListener::bind(&options.listen)?;
        println!("serving http://{}/metrics", listener.local_addr()?);
        for stream in listener.incoming() {
            // Continue if a client disconnects or is slow.
            if let Err(error) = stream.map_err(Into::into).and_then(|stream| answer(&stream)) {
                eprintln!("exporter: {error}");
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Creates a jail with a process and a child jail, if the kernel is a model, which has no jails.
fn demonstration(model: &Model) -> Result<Jail> {
    let www = Jail::builder().name("www").path("/").hostname("www.example.org").children_max(1);
    let www = www.securelevel(1).create_detached()?;
    www.child_builder().name("db").path("/").hostname("a \"quoted\" name").create_detached()?;
    model.kernel().process().fork().run(|| www.attach())?;
    Ok(www)
}

fn answer(stream: &TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // Read the rest of the request: otherwise closing would reset the connection.
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let (status, body) = match request.split(' ').nth(1) {
        Some("/metrics") => match metrics() {
            Ok(metrics) => ("200 OK", metrics),
            Err(error) => ("500 Internal Server Error", format!("{error}\n")),
        },
        _ => ("404 Not Found", "the metrics are at /metrics\n".to_owned()),
    };
    let head = "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\nConnection: close";
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    Ok(())
}

/// The metrics of a jail.
const COUNTS: [(&str, &str); 5] = [
    ("processes", "Processes in the jail, zombies included, without those in jails below."),
    ("zombies", "Processes that have ended and were not waited for."),
    ("children", "Jails below the jail, dying ones included."),
    ("securelevel", "The securelevel of the jail."),
    ("dying", "Whether the jail was removed, and something holds it still."),
];

/// Reads all metrics: one jail_get(2) per jail, and one look at all processes.
fn metrics() -> Result<String> {
    let keys = (
        (param::JID, param::NAME, param::PATH, param::HOST_HOSTNAME),
        (param::CHILDREN_CUR, param::SECURELEVEL, param::DYING),
    );
    let jails = Jail::all().dying(true).get(keys).collect::<freebsd_jail::Result<Vec<_>>>()?;
    let processes = Processes::current()?;
    let mut text = String::from("# HELP freebsd_jail_info What does not change often.\n");
    text.push_str("# TYPE freebsd_jail_info gauge\n");
    for ((jid, name, path, hostname), _) in &jails {
        let [name, path, hostname] =
            [name, path.as_os_str(), hostname].map(|text| label(&text.to_string_lossy()));
        let labels = format!("jid=\"{jid}\",name={name},path={path},hostname={hostname}");
        writeln!(text, "freebsd_jail_info{{{labels}}} 1")?;
    }
    for (at, (count, help)) in COUNTS.into_iter().enumerate() {
        writeln!(text, "# HELP freebsd_jail_{count} {help}\n# TYPE freebsd_jail_{count} gauge")?;
        for ((jid, name, ..), (children, securelevel, is_dying)) in &jails {
            let inside = processes.of(*jid);
            let zombies = inside.iter().filter(|process| process.is_zombie).count();
            let value = match at {
                0 => i64::try_from(inside.len())?,
                1 => i64::try_from(zombies)?,
                2 => i64::from(*children),
                3 => i64::from(*securelevel),
                _ => i64::from(*is_dying),
            };
            let name = label(&name.to_string_lossy());
            writeln!(text, "freebsd_jail_{count}{{jid=\"{jid}\",name={name}}} {value}")?;
        }
    }
    Ok(text)
}

/// Quotes the value of a label.
fn label(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
