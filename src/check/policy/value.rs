//! Values of a policy file: names, durations, limits, ports, networks; and what is wrong with them.

use crate::check::policy::error::Mistake;
use crate::check::policy::{Limit, Net};
use crate::close::verdict::Confidence;
use crate::stamp::duration;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeValue};

/// A value and where it stands.
pub(super) type Place<'a, 'i> = &'a Spanned<DeValue<'i>>;

/// One mistake: what, where, what is wrong there.
pub(super) fn mistake(title: impl Into<String>, at: Range<usize>, label: &str) -> Mistake {
    Mistake {
        title: title.into(),
        at,
        label: label.to_owned(),
        help: None,
    }
}

impl Mistake {
    /// The same with what to write instead.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A name of the file in quotes, without what a terminal would obey; cut if it is long.
pub(super) fn quoted(name: &str) -> String {
    const MOST: usize = 60;
    let shown: String = name
        .chars()
        .take(MOST)
        .flat_map(char::escape_debug)
        .collect();
    let more = if name.chars().nth(MOST).is_some() {
        ".."
    } else {
        ""
    };
    format!("`{shown}{more}`")
}

/// "did you mean .." for the name that resembles it most, if one does.
pub(super) fn meant<'a>(name: &str, all: impl Iterator<Item = &'a str>) -> Option<String> {
    const ALIKE: f64 = 0.8;
    let wanted: String = name.chars().take(60).collect::<String>().to_lowercase();
    let likeness =
        |known: &str| strsim::jaro_winkler(&wanted.replace('_', "-"), &known.to_lowercase());
    let all = all.map(|known| (likeness(known), known));
    let best = all.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness > ALIKE)
        .map(|(_, known)| format!("did you mean `{known}`?"))
}

/// As [`meant`], else the whole list.
pub(super) fn choice(name: &str, all: &[&str]) -> String {
    meant(name, all.iter().copied()).unwrap_or_else(|| format!("one of {}", all.join(", ")))
}

/// What kind of value stands there, in words.
pub(super) const fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with decimals",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The value is of another kind than it has to be.
pub(super) fn wrong_kind(value: Place, expected: &str) -> Mistake {
    let found = format!("expected {expected}, found {}", kind(value.get_ref()));
    mistake(found, value.span(), "")
}

pub(super) fn text<'a>(value: Place<'a, '_>, expected: &str) -> Result<&'a str, Mistake> {
    let text = value.get_ref().as_str();
    text.ok_or_else(|| wrong_kind(value, expected))
}

pub(super) fn list<'a, 'i>(
    value: Place<'a, 'i>,
    expected: &str,
) -> Result<&'a DeArray<'i>, Mistake> {
    let list = value.get_ref().as_array();
    list.ok_or_else(|| wrong_kind(value, expected))
}

/// A whole number, not negative.
pub(super) fn count(value: Place) -> Result<u64, Mistake> {
    const EXPECTED: &str = "a whole number, 0 or more";
    let number = value.get_ref().as_integer();
    let number = number.ok_or_else(|| wrong_kind(value, EXPECTED))?;
    let digits = number.as_str().trim_start_matches('+');
    u64::from_str_radix(digits, number.radix()).map_err(|_| {
        let title = format!("expected {EXPECTED}");
        mistake(title, value.span(), "too small or too large")
    })
}

/// A duration such as `"200ms"`.
pub(super) fn span(value: Place) -> Result<i64, Mistake> {
    let text = text(value, "a duration such as \"200ms\", \"1s\"")?;
    let nanos = duration::parse(text);
    let wrong = |why: String| {
        mistake(
            format!("{} is no duration", quoted(text)),
            value.span(),
            &why,
        )
    };
    nanos.map_err(wrong)
}

/// A number of flows, or a share of them such as `"2.5%"`.
pub(super) fn limit(value: Place) -> Result<Limit, Mistake> {
    const EXPECTED: &str = "a number of flows, or a share such as \"1%\"";
    if value.get_ref().is_integer() {
        return count(value).map(Limit::Flows);
    }
    let text = text(value, EXPECTED)?;
    let share = text.strip_suffix('%').and_then(per_million);
    let wrong = |label: &str| mistake(format!("{} is no limit", quoted(text)), value.span(), label);
    match share {
        None => {
            let number = text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty();
            let help = format!("write {text} without quotes for flows, \"{text}%\" for a share");
            let wrong = wrong(&format!("expected {EXPECTED}"));
            Err(if number { wrong.help(help) } else { wrong })
        }
        Some(1_000_000) => Err(wrong(
            "more than all flows there are not: this cannot be broken",
        )),
        Some(share) if share > 1_000_000 => Err(wrong("more than 100 per cent")),
        Some(share) => Ok(Limit::PerMillion(share)),
    }
}

/// Per cent with up to four decimals.
fn per_million(percent: &str) -> Option<u32> {
    let (whole, decimals) = percent.split_once('.').unwrap_or((percent, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let bad = whole.is_empty() || whole.len() > 4 || decimals.len() > 4 || percent.ends_with('.');
    if bad || !is_number(whole) || !is_number(decimals) {
        return None;
    }
    format!("{whole}{decimals:0<4}").parse().ok()
}

/// A confidence.
pub(super) fn confidence(value: Place) -> Result<Confidence, Mistake> {
    let name = text(value, "a confidence")?;
    let found = Confidence::ALL.iter().find(|known| known.name() == name);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = Confidence::ALL.iter().map(|c| c.name()).collect();
        let title = format!("{} is no confidence", quoted(name));
        mistake(title, value.span(), "").help(choice(name, &names))
    })
}

/// A text for people.
pub(super) fn words(value: Place) -> Result<String, Mistake> {
    let words = text(value, "a text")?;
    if words.trim().is_empty() {
        return Err(mistake("the text is empty", value.span(), ""));
    }
    Ok(words.trim().to_owned())
}

/// One value or a list of them, none twice.
pub(super) fn several<T: PartialEq>(
    value: Place,
    one: impl Fn(Place) -> Result<T, Mistake>,
) -> Result<Vec<T>, Vec<Mistake>> {
    let DeValue::Array(list) = value.get_ref() else {
        return one(value).map(|one| vec![one]).map_err(|wrong| vec![wrong]);
    };
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for item in list {
        match one(item) {
            Ok(item_value) if all.contains(&item_value) => {
                wrong.push(mistake("this is listed twice", item.span(), ""));
            }
            Ok(item_value) => all.push(item_value),
            Err(mistake) => wrong.push(mistake),
        }
    }
    if list.is_empty() {
        wrong.push(mistake("the list is empty", value.span(), "no flow fits"));
    }
    if wrong.is_empty() {
        Ok(all)
    } else {
        Err(wrong)
    }
}

pub(super) fn net(value: Place) -> Result<Net, Mistake> {
    let name = text(value, "an address, or a network such as \"10.0.0.0/8\"")?;
    Net::parse(name).map_err(|(why, instead)| {
        let wrong = mistake(format!("{} is no network", quoted(name)), value.span(), why);
        match instead {
            Some(net) => wrong.help(format!("did you mean \"{net}\"?")),
            None => wrong,
        }
    })
}

pub(super) fn port(value: Place) -> Result<u16, Mistake> {
    const EXPECTED: &str = "a port from 1 to 65535";
    if !value.get_ref().is_integer() {
        return Err(wrong_kind(value, EXPECTED));
    }
    let port = count(value).ok().and_then(|port| u16::try_from(port).ok());
    let port = port.filter(|port| *port > 0);
    port.ok_or_else(|| mistake(format!("expected {EXPECTED}"), value.span(), "no port"))
}

#[cfg(test)]
mod tests {
    use super::per_million;

    #[test]
    fn shares_have_four_decimals() {
        let all = ["0", "1", "2.5", "100", "0.0001", "1000"].map(per_million);
        let expected = [0, 10_000, 25_000, 1_000_000, 1, 10_000_000];
        assert_eq!(all, expected.map(Some));
        for text in [
            "", ".5", "1.", "-1", "+1", "1e2", "0.00001", "12345", " 1", "٣",
        ] {
            assert_eq!(per_million(text), None, "{text}");
        }
    }
}
