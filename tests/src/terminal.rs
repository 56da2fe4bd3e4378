//! A program at a terminal: a pseudo-terminal stands where a person would, reads what is asked and types the answer.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::programs::{PATIENCE, Said, eventually};

/// A program whose three streams are one terminal; dropping it kills it, and only it.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    reading: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts a command at a terminal of its own.
    ///
    /// # Errors
    /// When there is no terminal to be had, or the command cannot be started.
    pub fn start(mut command: Command) -> Result<Terminal> {
        let keyboard = File::from(openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).context("no pseudo-terminal")?);
        grantpt(&keyboard)?;
        unlockpt(&keyboard)?;
        let name = ptsname(&keyboard, Vec::new())?;
        let there = File::options().read(true).write(true).open(std::ffi::OsStr::from_bytes(name.as_bytes()))?;
        command.stdin(there.try_clone()?).stdout(there.try_clone()?).stderr(there);
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        // The command holds the program's end too: only when all are closed does the screen end.
        drop(command);
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (mut read, shown) = (keyboard.try_clone()?, screen.clone());
        let reading = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            // EIO, once nobody has it open any more.
            while let Ok(octets @ 1..) = read.read(&mut piece) {
                let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
                shown.extend(piece.iter().take(octets));
            }
        });
        Ok(Terminal { child, keyboard, screen, reading: Some(reading) })
    }

    /// Everything that stands on the screen so far, what was typed too.
    pub fn screen(&self) -> String {
        let screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&screen).replace("\r\n", "\n")
    }

    /// Waits until this stands on the screen.
    ///
    /// # Errors
    /// When it does not come.
    pub fn await_said(&self, text: &str) -> Result<()> {
        let there = eventually(&format!("the screen says {text:?}"), PATIENCE, || {
            Ok(self.screen().contains(text).then_some(()))
        });
        there.with_context(|| self.screen())
    }

    /// Types a line.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub fn type_line(&mut self, line: &str) -> Result<()> {
        Ok(self.keyboard.write_all(format!("{line}\n").as_bytes())?)
    }

    /// Waits for its end. All it said is in `out`: at a terminal the two are one.
    ///
    /// # Errors
    /// When it does not end.
    pub fn end(mut self) -> Result<Said> {
        let status = eventually("the program at the terminal ends", PATIENCE, || Ok(self.child.try_wait()?));
        let status = status.with_context(|| self.screen())?;
        if let Some(reading) = self.reading.take() {
            let _ = reading.join();
        }
        Ok(Said { code: status.code(), out: self.screen(), err: String::new() })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
