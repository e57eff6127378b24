//! Messages go to webhooks only at addresses that checks may reach, too.

use std::net::SocketAddr;

use futures_util::future::BoxFuture;

use crate::actions::endpoints::check_runner::{AddressBlocked, CheckRunner};
use crate::domain::endpoints::target::Target;
use crate::notify::webhook::{Closed, Gate};

impl Gate for CheckRunner {
    fn addresses<'a>(
        &'a self,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, Closed>> {
        Box::pin(async move {
            self.admit(target).await.map_err(|error| match error {
                AddressBlocked::Denied => Closed::NotAllowed,
                AddressBlocked::Unresolved => Closed::NotFound,
            })
        })
    }
}
