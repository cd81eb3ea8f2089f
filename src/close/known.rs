//! Idle timeouts that are well known: which one a silence equals.

use crate::close::verdict::{Side, Silence, SilenceEnd};
use crate::stamp::{MILLISECOND, SECOND};
use serde_json::Value;

/// Where a timeout runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In the server's application.
    Server,
    /// In the client's application.
    Client,
    /// In a device between, which has connections of its own, or closes them in a host's name.
    Proxy,
    /// In a device between that forgets, or in a host.
    Memory,
}

/// A default that many have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Known {
    /// The timeout.
    pub seconds: u32,
    /// Whose it is, and the setting's name.
    pub name: &'static str,
    /// Where it runs.
    pub place: Place,
    /// Where it is told.
    pub source: &'static str,
}

const fn known(seconds: u32, name: &'static str, place: Place, source: &'static str) -> Known {
    Known {
        seconds,
        name,
        place,
        source,
    }
}

/// The well-known ones, shortest first.
pub const TIMEOUTS: &[Known] = &[
    known(
        2,
        "gunicorn's keepalive",
        Place::Server,
        "https://docs.gunicorn.org/en/stable/settings.html#keepalive",
    ),
    known(
        4,
        "undici's keepAliveTimeout (Node.js fetch)",
        Place::Client,
        "https://undici.nodejs.org/#/docs/api/Client",
    ),
    known(
        5,
        "Apache httpd's KeepAliveTimeout",
        Place::Server,
        "https://httpd.apache.org/docs/2.4/mod/core.html#keepalivetimeout",
    ),
    known(
        5,
        "Node.js's server.keepAliveTimeout",
        Place::Server,
        "https://nodejs.org/api/http.html#serverkeepalivetimeout",
    ),
    known(
        5,
        "uvicorn's timeout-keep-alive",
        Place::Server,
        "https://www.uvicorn.org/settings/#timeouts",
    ),
    known(
        30,
        "Jetty's idleTimeout",
        Place::Server,
        "https://jetty.org/docs/jetty/12/operations-guide/modules/standard.html",
    ),
    known(
        60,
        "AWS Application Load Balancer's idle timeout",
        Place::Proxy,
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html",
    ),
    known(
        60,
        "nginx's upstream keepalive_timeout",
        Place::Client,
        "https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive_timeout",
    ),
    known(
        75,
        "nginx's keepalive_timeout",
        Place::Server,
        "https://nginx.org/en/docs/http/ngx_http_core_module.html#keepalive_timeout",
    ),
    known(
        90,
        "IdleConnTimeout of Go's http.DefaultTransport",
        Place::Client,
        "https://pkg.go.dev/net/http#RoundTripper",
    ),
    known(
        120,
        "IIS's connectionTimeout",
        Place::Server,
        "https://learn.microsoft.com/iis/configuration/system.applicationhost/sites/sitedefaults/limits",
    ),
    known(
        130,
        "Kestrel's KeepAliveTimeout",
        Place::Server,
        "https://learn.microsoft.com/aspnet/core/fundamentals/servers/kestrel/options",
    ),
    known(
        240,
        "Azure Load Balancer's idle timeout (4 minutes)",
        Place::Proxy,
        "https://learn.microsoft.com/azure/load-balancer/load-balancer-tcp-idle-timeout",
    ),
    known(
        240,
        "Azure Load Balancer's idle timeout (4 minutes)",
        Place::Memory,
        "https://learn.microsoft.com/azure/load-balancer/load-balancer-tcp-idle-timeout",
    ),
    known(
        350,
        "AWS Network Load Balancer's idle timeout",
        Place::Memory,
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html",
    ),
    known(
        350,
        "AWS NAT gateway's idle timeout",
        Place::Memory,
        "https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html",
    ),
    known(
        600,
        "Google Cloud's firewall connection tracking (10 minutes)",
        Place::Memory,
        "https://cloud.google.com/compute/docs/troubleshooting/general-tips",
    ),
    known(
        600,
        "Google Cloud HTTP load balancer's backend keepalive",
        Place::Client,
        "https://cloud.google.com/load-balancing/docs/https",
    ),
    known(
        3600,
        "Envoy's idle_timeout (1 hour)",
        Place::Proxy,
        "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
    ),
    known(
        7200,
        "Linux's tcp_keepalive_time (2 hours)",
        Place::Memory,
        "Linux: Documentation/networking/ip-sysctl.rst",
    ),
    known(
        7440,
        "the least that RFC 5382 asks of a NAT (2 hours 4 minutes)",
        Place::Memory,
        "RFC 5382 REQ-5",
    ),
    known(
        432_000,
        "Linux's nf_conntrack_tcp_timeout_established (5 days)",
        Place::Memory,
        "Linux: Documentation/networking/nf_conntrack-sysctl.rst",
    ),
];

/// A timer never runs out early, but a capture sees its beginning and its end at different times.
const EARLY: (i64, i64) = (50 * MILLISECOND, 200);
/// Timers are late by their own grain, and under load.
const LATE: (i64, i64) = (200 * MILLISECOND, 100);

impl Known {
    const fn nanos(&self) -> i64 {
        self.seconds as i64 * SECOND
    }

    /// A timer of so long has run for `nanos`: within 50 ms or half a percent below, 200 ms or one
    /// percent above, whichever is more.
    pub fn equals(&self, nanos: i64) -> bool {
        let timeout = self.nanos();
        let room = |(least, part): (i64, i64)| least.max(timeout / part);
        (timeout - room(EARLY)..=timeout + room(LATE)).contains(&nanos)
    }

    fn may_end(&self, by: Side) -> bool {
        match self.place {
            Place::Server => by == Side::Server,
            Place::Client => by == Side::Client,
            Place::Proxy => true,
            Place::Memory => false,
        }
    }
}

/// The timeouts that side `by` may have closed by, after so many nanoseconds.
pub fn closing(by: Side, nanos: i64) -> impl Iterator<Item = &'static Known> {
    TIMEOUTS
        .iter()
        .filter(move |known| known.may_end(by) && known.equals(nanos))
}

/// The timeouts of what forgets that lie between a silence which was survived and one which was not.
/// With the second alone: those that it equals.
pub fn forgetting(survived: Option<i64>, lost: i64) -> impl Iterator<Item = &'static Known> {
    TIMEOUTS.iter().filter(move |known| {
        let timeout = known.nanos();
        let between = survived.is_some_and(|survived| (survived..=lost).contains(&timeout));
        known.place == Place::Memory && (between || known.equals(lost))
    })
}

/// The timeouts that a silence equals.
pub fn of(silence: &Silence) -> Vec<&'static Known> {
    let nanos = silence.nanos();
    match silence.how {
        _ if silence.at_least => Vec::new(),
        SilenceEnd::Forgotten | SilenceEnd::Unanswered => forgetting(None, nanos).collect(),
        _ => closing(silence.by, nanos).collect(),
    }
}

/// Their names, for a sentence; none without any.
pub fn names(known: &[&Known]) -> Option<String> {
    let names: Vec<&str> = known.iter().map(|known| known.name).collect();
    (!names.is_empty()).then(|| names.join(", or "))
}

/// Their names, for machines.
pub fn list(known: &[&Known]) -> Value {
    known.iter().map(|known| known.name).collect()
}

#[cfg(test)]
mod tests {
    use super::{SECOND, Side, TIMEOUTS, closing, forgetting};

    #[test]
    fn they_stand_in_order_with_a_source_each() {
        assert!(TIMEOUTS.is_sorted_by_key(|known| known.seconds));
        for known in TIMEOUTS {
            let tells = ["https://", "Linux: ", "RFC "];
            assert!(
                tells.iter().any(|t| known.source.starts_with(t)),
                "{known:?}"
            );
        }
    }

    #[test]
    fn a_timeout_is_told_by_seconds_and_side() {
        let names = |by, millis: i64| {
            let all = closing(by, millis * SECOND / 1000);
            all.map(|k| k.seconds).collect::<Vec<_>>()
        };
        assert_eq!(names(Side::Server, 75_001), [75]);
        assert_eq!(names(Side::Client, 75_001), [0_u32; 0]);
        assert_eq!(names(Side::Server, 5_012), [5, 5, 5]);
        assert_eq!(names(Side::Server, 4_900), [0_u32; 0]);
        assert_eq!(names(Side::Server, 5_250), [0_u32; 0]);
        assert_eq!(names(Side::Client, 60_100), [60, 60]);
        let between = forgetting(Some(349 * SECOND), 351 * SECOND);
        assert!(between.map(|k| k.seconds).eq([350, 350]));
        assert_eq!(forgetting(None, 400 * SECOND).count(), 0);
    }
}
