//! The flows of a capture as an expectation would hold them, and the comparison with one.

use super::align::{self, Rest, Step};
use super::class::Class;
use super::difference::{Difference, FlowExample};
use super::file::{CaptureExpectations, Entry, ServiceExpectations};
use super::service::Service;
use super::{Compare, Settings};
use crate::close::verdict::Verdict;
use std::collections::{BTreeMap, BTreeSet};

/// Classes of all services of a capture at most.
const CLASSES: usize = 100_000;
/// Flows that are compared in order, of a capture, at most.
const IN_ORDER: usize = 4_000;
/// Flows shown of a class.
const EXAMPLES: usize = 3;

/// Why a capture cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TooMany {
    /// Nobody would review a file like that.
    #[error(
        "more than {CLASSES} kinds of flows by service: too many to expect; choose with --filter"
    )]
    Classes,
    /// To compare long lists takes too long.
    #[error(
        "more than {IN_ORDER} flows: too many to compare in order; compare them by count, or choose \
         with --filter"
    )]
    InOrder,
}

/// The flows of a capture, by service.
#[derive(Clone, Debug)]
pub struct Observed {
    settings: Settings,
    /// Services that are expected: with address and port, and what stands for several.
    exact: BTreeSet<Service>,
    wide: BTreeSet<Service>,
    services: BTreeMap<Service, Flows>,
    flows: u64,
    classes: usize,
    too_many: Option<TooMany>,
    is_damaged: bool,
}

/// The flows of a service.
#[derive(Clone, Debug, Default)]
struct Flows {
    classes: BTreeMap<Class, Kept>,
    /// Number of flow, its class and the flow, if the order matters.
    order: Vec<(u64, Class, FlowExample)>,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    count: u64,
    examples: Vec<FlowExample>,
}

impl Observed {
    /// Nothing yet. Services are those of what is expected, if anything is.
    #[must_use]
    pub fn new(settings: Settings, expected: Option<&CaptureExpectations>) -> Self {
        let services = expected.iter().flat_map(|expected| &expected.services);
        let services = services.map(|known| known.service);
        let (exact, wide) = services.partition(Service::is_exact);
        Self {
            settings,
            exact,
            wide,
            services: BTreeMap::new(),
            flows: 0,
            classes: 0,
            too_many: None,
            is_damaged: false,
        }
    }

    /// Some of the capture could not be read: what is missing may stand there.
    pub const fn mark_damaged(&mut self) {
        self.is_damaged = true;
    }

    /// Some of the capture could not be read.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// Takes a flow in.
    pub fn see(&mut self, verdict: &Verdict) {
        self.flows += 1;
        if self.too_many.is_some() {
            return;
        }
        let class = Class::of(verdict, self.settings);
        let flows = self.services.entry(self.service(verdict)).or_default();
        if self.settings.compare == Compare::Order {
            let placed = (verdict.flow, class.clone(), FlowExample::of(verdict));
            flows.order.push(placed);
            if self.flows > IN_ORDER as u64 {
                self.too_many = Some(TooMany::InOrder);
            }
        }
        let known = flows.classes.len();
        let kept = flows.classes.entry(class).or_default();
        kept.count += 1;
        if kept.examples.len() < EXAMPLES {
            kept.examples.push(FlowExample::of(verdict));
        }
        self.classes += flows.classes.len() - known;
        if self.classes > CLASSES {
            self.too_many = Some(TooMany::Classes);
        }
    }

    /// How many flows there are.
    #[must_use]
    pub const fn flows(&self) -> u64 {
        self.flows
    }

    fn service(&self, verdict: &Verdict) -> Service {
        let exact = Service::at(verdict.server);
        if self.exact.contains(&exact) {
            return exact;
        }
        let mut wide = self.wide.iter();
        let wide = wide.find(|service| service.holds(verdict.server));
        wide.copied().unwrap_or(exact)
    }

    /// What is expected from now on of a capture of this name.
    pub fn expectations(&self, capture: &str) -> Result<CaptureExpectations, TooMany> {
        self.too_many.map_or(Ok(()), Err)?;
        let services = self.services.iter().map(|(&service, flows)| {
            let flows = match self.settings.compare {
                Compare::Count => flows.by_class(),
                Compare::Order => flows.in_order(),
            };
            ServiceExpectations {
                service,
                flows,
                line: 0,
            }
        });
        Ok(CaptureExpectations {
            capture: Some(capture.to_owned()),
            services: services.collect(),
        })
    }

    /// What differs from what is expected, by service.
    pub fn compare(&self, expected: &CaptureExpectations) -> Result<Vec<Difference>, TooMany> {
        self.too_many.map_or(Ok(()), Err)?;
        let mut differences = Vec::new();
        let none = Flows::default();
        let known = expected.services.iter();
        let known: BTreeMap<Service, &[Entry]> = known
            .map(|known| (known.service, known.flows.as_slice()))
            .collect();
        let all = known.keys().chain(self.services.keys()).copied();
        for service in all.collect::<BTreeSet<Service>>() {
            let entries = known.get(&service).copied().unwrap_or_default();
            let flows = self.services.get(&service).unwrap_or(&none);
            differences.extend(match self.settings.compare {
                Compare::Count => flows.counted(service, entries),
                Compare::Order => flows.ordered(service, entries)?,
            });
        }
        Ok(differences)
    }
}

impl Flows {
    fn by_class(&self) -> Vec<Entry> {
        let classes = self.classes.iter();
        let entries = classes.map(|(class, kept)| Entry {
            count: kept.count,
            verdict: class.clone(),
        });
        entries.collect()
    }

    /// The flows by their first frame.
    fn placed(&self) -> Vec<&(u64, Class, FlowExample)> {
        let mut placed: Vec<_> = self.order.iter().collect();
        placed.sort_by_key(|(flow, _, _)| *flow);
        placed
    }

    /// Runs of flows of one class.
    fn in_order(&self) -> Vec<Entry> {
        let placed = self.placed();
        let runs = placed.chunk_by(|a, b| a.1 == b.1);
        let entries = runs.filter_map(|run| {
            let (_, class, _) = run.first()?;
            Some(Entry {
                count: run.len() as u64,
                verdict: class.clone(),
            })
        });
        entries.collect()
    }

    fn counted(&self, service: Service, entries: &[Entry]) -> Vec<Difference> {
        let mut expected: BTreeMap<&Class, u64> = BTreeMap::new();
        for entry in entries {
            let count = expected.entry(&entry.verdict).or_default();
            *count = count.saturating_add(entry.count);
        }
        let found = |class: &Class| self.classes.get(class).map_or(0, |kept| kept.count);
        let missing = expected.iter().map(|(class, count)| {
            let less = count.saturating_sub(found(class));
            (*class, less)
        });
        let mut missing: Vec<Rest> = missing.filter(|(_, less)| *less > 0).collect();
        let unexpected = self.classes.iter().map(|(class, kept)| {
            let known = expected.get(class).copied().unwrap_or(0);
            (class, kept.count.saturating_sub(known))
        });
        let mut unexpected: Vec<Rest> = unexpected.filter(|(_, more)| *more > 0).collect();
        let pairs = align::by_likeness(&mut missing, &mut unexpected);
        let mut differences = Vec::new();
        for (a, b, count) in pairs {
            if let (Some((was, _)), Some((is, _))) = (missing.get(a), unexpected.get(b)) {
                let of = (service, count);
                let found = (*is, self.examples(is));
                differences.push(Difference::new(of, Some(was), Some(found)));
            }
        }
        for (class, count) in missing.into_iter().filter(|(_, count)| *count > 0) {
            differences.push(Difference::new((service, count), Some(class), None));
        }
        for (class, count) in unexpected.into_iter().filter(|(_, count)| *count > 0) {
            let found = (class, self.examples(class));
            differences.push(Difference::new((service, count), None, Some(found)));
        }
        differences
    }

    fn examples(&self, class: &Class) -> Vec<FlowExample> {
        let kept = self.classes.get(class);
        kept.map(|kept| kept.examples.clone()).unwrap_or_default()
    }

    fn ordered(&self, service: Service, entries: &[Entry]) -> Result<Vec<Difference>, TooMany> {
        // Numbers stand for classes: they are compared often.
        let mut numbers: BTreeMap<&Class, usize> = BTreeMap::new();
        let mut number = |class| {
            let next = numbers.len();
            *numbers.entry(class).or_insert(next)
        };
        let mut expected: Vec<(usize, &Class)> = Vec::new();
        for entry in entries {
            let class = number(&entry.verdict);
            let count = usize::try_from(entry.count).unwrap_or(usize::MAX);
            if count > IN_ORDER.saturating_sub(expected.len()) {
                return Err(TooMany::InOrder);
            }
            expected.extend(std::iter::repeat_n((class, &entry.verdict), count));
        }
        let placed = self.placed();
        let found: Vec<usize> = placed.iter().map(|(_, class, _)| number(class)).collect();
        let was: Vec<usize> = expected.iter().map(|(class, _)| *class).collect();
        let steps = align::in_order(&was, &found);
        let one = (service, 1);
        let was = |at: usize| expected.get(at).map(|(_, class)| *class);
        let is = |at: usize| {
            let (_, class, example) = placed.get(at)?;
            Some((class, vec![example.clone()]))
        };
        let differences = steps.into_iter().map(|step| match step {
            Step::Changed(a, b) => Difference::new(one, was(a), is(b)),
            Step::Missing(a) => Difference::new(one, was(a), None),
            Step::Unexpected(b) => Difference::new(one, None, is(b)),
        });
        Ok(differences.collect())
    }
}
