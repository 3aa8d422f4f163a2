//! A process in a jail, which holds the jail even when it has been killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use freebsd_jail::{Jail, sim};

/// A process in a jail. Once killed it is a zombie, which holds its jail, until it is buried.
#[derive(Debug)]
#[must_use]
pub struct Inmate(Kind);

#[derive(Debug)]
enum Kind {
    Modelled(sim::Process),
    Real(Child),
}

impl super::Host {
    /// Starts a process in a jail.
    pub fn inmate(&self, jail: &Jail) -> Inmate {
        if let Some(model) = self.model() {
            let process = model.process().fork();
            process.run(|| jail.attach()).expect("attached");
            return Inmate(Kind::Modelled(process));
        }
        let mut child = Command::new("/usr/sbin/jexec")
            .arg(jail.jid().to_string())
            .args(["/bin/sh", "-c", "echo inside; exec sleep 600"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("jexec");
        let mut line = String::new();
        let output = child.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("a line");
        assert_eq!(line, "inside\n");
        Inmate(Kind::Real(child))
    }
}

impl Inmate {
    /// Returns the process's number.
    pub fn pid(&self) -> u32 {
        match &self.0 {
            Kind::Modelled(process) => process.pid(),
            Kind::Real(child) => child.id(),
        }
    }

    /// Kills the process, if it was not killed with its jail, and waits for it.
    pub fn bury(mut self) {
        self.end();
    }

    fn end(&mut self) {
        match &mut self.0 {
            Kind::Modelled(process) => process.kill(),
            Kind::Real(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

impl Drop for Inmate {
    fn drop(&mut self) {
        self.end();
    }
}
