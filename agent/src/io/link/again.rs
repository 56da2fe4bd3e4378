//! What leads in where the last attempt did not: another key, another certificate, root documents that tell of another CA.

use varde_common::message::{CloseReason, RenewalRefusal};

use super::renewing::Renewing;
use super::session::Desk;
use super::ways::Ways;
use super::{LinkError, lane, root_lane};
use crate::behind::Behind;
use crate::io::clock;
use crate::subscription::Subscription;

/// What follows for the next attempt from how the last one ended.
pub(super) enum Follows {
    /// It is made at once, with something else.
    Now,
    /// It waits; why, where that is not what the last one said.
    Later(Option<LinkError>),
}

/// What is remembered from attempt to attempt.
#[derive(Debug, Default)]
pub(super) struct Again {
    behind: Behind,
}

impl Again {
    /// Finds something else to try.
    pub(super) async fn after(
        &mut self,
        error: &LinkError,
        ways: &mut Ways,
        desk: &Desk,
        subscription: &mut Subscription,
        renewing: &mut Renewing,
    ) -> Follows {
        if error.is_of_a_stranger() {
            return self.stranger(error, ways, desk, subscription).await;
        }
        with_another_key(error, ways, renewing).await
    }

    /// Nobody who answers is known by the root document in force: one behind it may know them.
    async fn stranger(
        &mut self,
        error: &LinkError,
        ways: &Ways,
        desk: &Desk,
        subscription: &mut Subscription,
    ) -> Follows {
        if self.behind.may_ask(clock::monotonic()) {
            match root_lane::ask(ways, desk, subscription).await {
                Ok(taken) => {
                    tracing::info!(taken, "root documents were fetched that tell of another CA; asking anew");
                    self.behind.handle_known();
                    return Follows::Now;
                }
                Err(why) => {
                    let random = getrandom::u64().unwrap_or(u64::from(u32::MAX));
                    self.behind.handle_failed(why, clock::monotonic(), random);
                }
            }
        }
        let held = desk.anchor.borrow().root().version;
        let why = self.behind.why().unwrap_or_default().to_owned();
        Follows::Later(Some(LinkError::Stranger { met: Box::new(error.clone()), held, why }))
    }
}

/// Whether another key leads in where this one did not: a new one, one in place of one that has run out or that nobody believes any
/// more, an earlier one.
async fn with_another_key(error: &LinkError, ways: &mut Ways, renewing: &mut Renewing) -> Follows {
    let instead = match error {
        LinkError::RunOut(_) | LinkError::IssuerNotBelieved(_) => Some(lane::renew(ways, renewing).await),
        _ => None,
    };
    let again = match instead.as_ref().unwrap_or(error) {
        LinkError::Renewed => {
            tracing::info!(until = %renewing.certified().until, "a new certificate; the next session stands by it");
            true
        }
        LinkError::NotAccepted(_)
        | LinkError::IssuerNotBelieved(_)
        | LinkError::Closed(CloseReason::Revoked)
        | LinkError::NotRenewed(RenewalRefusal::Unknown | RenewalRefusal::Revoked) => renewing.handle_not_let_in(),
        _ => false,
    };
    match renewing.tls() {
        Ok(tls) => ways.handle_tls(tls),
        Err(why) => return Follows::Later(Some(LinkError::Broken(why))),
    }
    if again { Follows::Now } else { Follows::Later(instead) }
}
