//! Hosts that are server on one hop and client on the next, and how connections are used.

use crate::close::vantage::{Point, Vantage};
use crate::close::verdict::Confidence;
use crate::close::words::patterns::Pattern;
use crate::patterns::at::Addr;
use crate::patterns::diagnosis::Diagnosis;
use crate::patterns::figure::{as_seconds, connections, in_words, rate};
use crate::patterns::services::{Service, Services};
use crate::stamp::MILLISECOND;
use foldhash::fast::RandomState;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::HashMap;

/// Hops told of, the busiest first.
const HOPS: usize = 8;
/// Services told of by how their connections are used.
const HABITS: usize = 8;
/// So many connections of one exchange each are a habit.
const MANY: u64 = 10;

/// What is told of hops and habits.
pub(super) fn diagnoses(services: &Services, vantage: &Vantage) -> Vec<Diagnosis> {
    let mut told = proxies(services, vantage);
    let mut single: Vec<&Service> = services.iter().filter(|s| is_per_request(s)).collect();
    single.sort_by_key(|service| Reverse(service.connections));
    told.extend(single.into_iter().take(HABITS).map(per_request));
    told.extend(loopback(services));
    told
}

/// The busiest service of each host.
fn fronts(services: &Services) -> HashMap<Addr, &Service, RandomState> {
    let mut fronts: HashMap<Addr, &Service, RandomState> = HashMap::default();
    for service in services.iter() {
        let front = fronts.entry(service.at.addr).or_insert(service);
        if service.connections > front.connections {
            *front = service;
        }
    }
    fronts
}

fn proxies(services: &Services, vantage: &Vantage) -> Vec<Diagnosis> {
    let fronts = fronts(services);
    // What is captured on the servers' host and goes over its loopback interface, goes on from there.
    let outer = services.iter().filter(|s| !s.is_local());
    let outer = outer.max_by_key(|service| service.connections);
    let outer = outer.filter(|_| vantage.point == Point::Server);
    let mut hops: Vec<(&Service, &Service)> = Vec::new();
    for back in services.iter() {
        if back.is_local() {
            hops.extend(outer.map(|front| (front, back)));
            continue;
        }
        let known = back
            .clients
            .iter()
            .filter(|&&client| client != back.at.addr);
        hops.extend(known.filter_map(|client| Some((*fronts.get(client)?, back))));
    }
    hops.sort_by_key(|(_, back)| Reverse(back.connections));
    let told = hops.into_iter().take(HOPS);
    told.map(|(front, back)| proxy(front, back)).collect()
}

fn proxy(front: &Service, back: &Service) -> Diagnosis {
    let local = if back.is_local() {
        " over its loopback interface"
    } else {
        ""
    };
    let message = format!(
        "{} is server on one hop and client on the next{local}: {}; behind it {}",
        front.at.addr.ip(),
        hop(front),
        hop(back),
    );
    let confidence = if back.is_local() {
        Confidence::Possible
    } else {
        Confidence::Likely
    };
    Diagnosis::of(
        Pattern::Proxy,
        front.connections + back.connections,
        message,
    )
    .rated(crate::close::finding::Severity::Info, confidence)
    .shown_by(&back.example)
    .with("front", figures(front))
    .with("back", figures(back))
}

/// `4 connections to 10.0.0.2:80, 5.0 exchanges each, closed first by the client 3, the server 1; ..`.
fn hop(service: &Service) -> String {
    let least = if is_counted(service) { "" } else { "at least " };
    let each = format!(", {least}{:.1} exchanges each", mean_exchanges(service));
    let [client, server] = service.time_waits;
    format!(
        "{} to {}{each}, closed first by {}, TIME-WAIT of the client {client}, of the server {server}",
        connections(service.connections),
        service.at.endpoint(),
        closers(service),
    )
}

fn closers(service: &Service) -> String {
    let names = [
        "the client",
        "the server",
        "both at once",
        "nobody",
        "unknown",
    ];
    let counted = names.into_iter().zip(service.closers);
    let told = counted.filter(|(_, count)| *count > 0);
    let told: Vec<String> = told
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    told.join(", ")
}

/// Exchanges for each connection.
fn mean_exchanges(service: &Service) -> f64 {
    let figure = |n: u64| u32::try_from(n).map_or(f64::MAX, f64::from);
    figure(service.exchanges) / figure(service.connections.max(1))
}

/// All exchanges of all connections were counted.
const fn is_counted(service: &Service) -> bool {
    service.counted == service.connections
}

fn figures(service: &Service) -> Value {
    let [client, server, both, none, unknown] = service.closers;
    let [own, theirs] = service.time_waits;
    let at = service.at.endpoint();
    json!({
        "addr": at.addr,
        "port": at.port,
        "connections": service.connections,
        "exchanges": service.exchanges,
        "exchanges_are_all": is_counted(service),
        "payload_bytes": service.payload,
        "first_fin": {"client": client, "server": server, "both": both, "none": none,
            "unknown": unknown},
        "time_waits": {"client": own, "server": theirs},
        "aborted": service.aborted,
    })
}

/// Nearly every connection carried one exchange.
const fn is_per_request(service: &Service) -> bool {
    service.connections >= MANY && service.single * 10 >= service.connections * 9
}

fn per_request(service: &Service) -> Diagnosis {
    let [first, last] = service.opened;
    let rate = rate(service.connections - 1, last.since(first));
    let pace = rate.map_or_else(String::new, |rate| format!(", {rate:.1} a second"));
    let [client, server] = service.time_waits;
    let trips = if service.handshakes < MILLISECOND {
        String::new()
    } else {
        format!(
            "{} of handshake round trips and ",
            in_words(service.handshakes)
        )
    };
    let message = format!(
        "{} to {} carried one exchange each{pace}: kept connections would save {trips}most of {} \
         TIME-WAITs (client {client}, server {server})",
        connections(service.connections),
        service.at.endpoint(),
        client + server,
    );
    Diagnosis::of(Pattern::ConnectionPerRequest, service.connections, message)
        .shown_by(&service.example)
        .with("service", figures(service))
        .with("per_second", rate)
        .with("handshake_seconds", as_seconds(service.handshakes))
        .with("time_waits", client + server)
}

/// What is different where both ends are sockets of one host.
fn loopback(services: &Services) -> Option<Diagnosis> {
    let local = services.iter().filter(|service| service.is_local());
    let busiest = local.clone().max_by_key(|service| service.connections)?;
    let (all, doubled, time_waits) = local.fold((0, 0, 0), |(all, doubled, waits), service| {
        let [client, server] = service.time_waits;
        (
            all + service.connections,
            doubled + service.doubled,
            waits + client + server,
        )
    });
    let twice = match doubled {
        0 => String::new(),
        _ => format!("; the records of {doubled} stand in the capture twice and were folded"),
    };
    let message = format!(
        "{} over the loopback interface: both ends are sockets of one host, which holds all TIME-WAITs \
         ({time_waits}){twice}",
        connections(all)
    );
    let told = Diagnosis::of(Pattern::Loopback, all, message)
        .shown_by(&busiest.example)
        .with("connections", all)
        .with("time_waits", time_waits)
        .with("doubled", doubled);
    Some(told)
}
