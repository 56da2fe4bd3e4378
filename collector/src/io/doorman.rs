//! Who wants to come in with a password: so often a minute, and so many looks at passwords at once, for each takes 64 MiB.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{clock, secret};
use crate::account::attempts::Attempts;
use crate::account::password::{self, SALT_OCTETS};
use crate::limits::account::{PASSWORD_WITHIN, PASSWORDS_AT_ONCE};

/// The one who lets in.
#[derive(Debug)]
pub struct Doorman {
    attempts: Mutex<Attempts>,
    looks: Arc<Semaphore>,
}

/// Too many want to come in at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl Default for Doorman {
    fn default() -> Doorman {
        Doorman { attempts: Mutex::default(), looks: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)) }
    }
}

impl Doorman {
    /// Somebody tries.
    ///
    /// # Errors
    /// How long to wait.
    pub fn tries(&self, name: &str, from: IpAddr) -> Result<(), Duration> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).tries(name, from, clock::monotonic())
    }

    /// Somebody tries who gives no name.
    ///
    /// # Errors
    /// How long to wait.
    pub fn tries_nameless(&self, from: IpAddr) -> Result<(), Duration> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).tries_nameless(from, clock::monotonic())
    }

    /// Somebody who gave no name came in from there.
    pub fn came_in_nameless(&self, from: IpAddr) {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).came_in_nameless(from);
    }

    /// Somebody came in from there.
    pub fn came_in(&self, name: &str, from: IpAddr) {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).came_in(name, from);
    }

    /// Does what takes much, beside everything else and few at once.
    async fn look<T: Send + 'static>(&self, doing: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let place = timeout(PASSWORD_WITHIN, Arc::clone(&self.looks).acquire_owned()).await;
        let place = place.map_err(|_| Busy)?.map_err(|_| Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = doing();
            drop(place);
            done
        });
        done.await.map_err(|_| Busy)
    }

    /// Whether a password is right; it takes as long where nothing was kept.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn is_right(&self, password: String, kept: Option<String>) -> Result<bool, Busy> {
        self.look(move || password::is_right(&password, kept.as_deref())).await
    }

    /// What is kept of a password that was chosen.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn kept(&self, password: String) -> Result<String, Busy> {
        let drawn = secret::draw().map_err(|_| Busy)?.hash();
        let mut salt = [0; SALT_OCTETS];
        salt.iter_mut().zip(drawn).for_each(|(octet, drawn)| *octet = drawn);
        self.look(move || password::kept(&password, &salt)).await?.ok_or(Busy)
    }
}
