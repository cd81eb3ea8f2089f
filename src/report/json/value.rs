//! What lines are made of: how a value is written, by its type.
//!
//! The bytes are those of the derived `Serialize`, at a sixth of its work: a report of a million
//! flows is mostly such lines. Every struct is taken apart without `..`, so that a new field does
//! not compile until it is written.

use crate::close::figures::Figures;
use crate::report::json::lines::Lines;
use crate::report::json::piece::Piece;
use crate::stamp::Time;
use serde_json::Value;
use smallvec::{Array, SmallVec};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// What a line is made of.
pub(super) trait Json {
    fn write(&self, to: &mut Lines);
}

/// What has a bounded length: several of these after one another are one piece of the line.
pub(super) trait Bounded {
    fn put(&self, to: &mut Piece);
}

impl<T: Bounded> Json for T {
    #[inline]
    fn write(&self, to: &mut Lines) {
        to.piece(|to| self.put(to));
    }
}

/// Writes fields by their names, the first one after `$open`.
macro_rules! fields {
    ($to:ident, $write:ident, $open:literal, $first:ident $(, $field:ident)*) => {
        $to.raw(concat!($open, "\"", stringify!($first), "\":"));
        $first.$write($to);
        $(
            $to.raw(concat!(",\"", stringify!($field), "\":"));
            $field.$write($to);
        )*
    };
}

/// Writes a struct as an object of its fields, which are listed in the order of its declaration.
/// Fields after `;` are left out where they are `None`.
macro_rules! object {
    ($type:ident by $trait:ident::$write:ident to $sink:ident {
        $($field:ident),+ $(; $($optional:ident),+)?
    }) => {
        impl $trait for $type {
            #[inline]
            fn $write(&self, to: &mut $sink) {
                let Self { $($field,)+ $($($optional),+)? } = self;
                fields!(to, $write, "{", $($field),+);
                $($(
                    if let Some(value) = $optional {
                        to.raw(concat!(",\"", stringify!($optional), "\":"));
                        value.$write(to);
                    }
                )+)?
                to.raw("}");
            }
        }
    };
}

pub(super) use {fields, object};

impl Bounded for [u64; 2] {
    fn put(&self, to: &mut Piece) {
        let [in_set, in_file] = self;
        to.raw("[");
        in_set.put(to);
        to.raw(",");
        in_file.put(to);
        to.raw("]");
    }
}

impl Json for Figures {
    fn write(&self, to: &mut Lines) {
        map(self.all(), to);
    }
}

impl Json for BTreeMap<String, u64> {
    fn write(&self, to: &mut Lines) {
        map(self.iter().map(|(name, value)| (name.as_str(), value)), to);
    }
}

fn map<'a, T: Json + 'a>(entries: impl Iterator<Item = (&'a str, &'a T)>, to: &mut Lines) {
    to.raw("{");
    for (i, (name, value)) in entries.enumerate() {
        if i > 0 {
            to.raw(",");
        }
        name.write(to);
        to.raw(":");
        value.write(to);
    }
    to.raw("}");
}

impl Json for Value {
    fn write(&self, to: &mut Lines) {
        match (self, self.as_u64()) {
            (_, Some(number)) => number.write(to),
            (Self::String(text), _) => text.write(to),
            (Self::Array(items), _) => list(items, to),
            _ => to.raw(&self.to_string()),
        }
    }
}

impl<T: Bounded> Json for [T] {
    fn write(&self, to: &mut Lines) {
        let mut before = b'[';
        for items in self.chunks(AT_ONCE) {
            to.piece(|to| {
                for item in items {
                    to.byte(before);
                    item.put(to);
                    before = b',';
                }
            });
        }
        end(self, to);
    }
}

/// Items of a list in one piece: the longest, a TIME-WAIT, has less than a quarter of its room.
const AT_ONCE: usize = 4;

/// What a list ends with, each a text of known length.
#[inline]
fn end<T>(items: &[T], to: &mut Lines) {
    if items.is_empty() {
        to.raw("[]");
    } else {
        to.raw("]");
    }
}

/// A list of what has no bounded length.
pub(super) fn list<T: Json>(items: &[T], to: &mut Lines) {
    let mut before = "[";
    for item in items {
        to.raw(before);
        item.write(to);
        before = ",";
    }
    end(items, to);
}

macro_rules! lists {
    ($($type:ty),+) => {
        $(impl Json for [$type] {
            fn write(&self, to: &mut Lines) {
                crate::report::json::value::list(self, to);
            }
        })+
    };
}
pub(super) use lists;

lists!(String);

impl<T> Json for Vec<T>
where
    [T]: Json,
{
    #[inline]
    fn write(&self, to: &mut Lines) {
        self.as_slice().write(to);
    }
}

impl<T: Array> Json for SmallVec<T>
where
    [T::Item]: Json,
{
    #[inline]
    fn write(&self, to: &mut Lines) {
        self.as_slice().write(to);
    }
}

impl<T: Bounded> Bounded for Option<T> {
    #[inline]
    fn put(&self, to: &mut Piece) {
        match self {
            Some(value) => value.put(to),
            None => to.raw("null"),
        }
    }
}

impl Bounded for Time {
    #[inline]
    fn put(&self, to: &mut Piece) {
        to.time(*self);
    }
}

impl Bounded for IpAddr {
    #[inline]
    fn put(&self, to: &mut Piece) {
        to.raw("\"");
        to.address(*self);
        to.raw("\"");
    }
}

impl Json for str {
    fn write(&self, to: &mut Lines) {
        to.string(self);
    }
}

impl Json for String {
    fn write(&self, to: &mut Lines) {
        self.as_str().write(to);
    }
}

impl Json for Arc<str> {
    fn write(&self, to: &mut Lines) {
        to.name(self);
    }
}

impl Bounded for u64 {
    #[inline]
    fn put(&self, to: &mut Piece) {
        to.number(*self);
    }
}

impl Bounded for i64 {
    fn put(&self, to: &mut Piece) {
        if *self < 0 {
            to.raw("-");
        }
        self.unsigned_abs().put(to);
    }
}

macro_rules! narrow {
    ($($type:ty),+) => {
        $(impl Bounded for $type {
            #[inline]
            fn put(&self, to: &mut Piece) {
                u64::from(*self).put(to);
            }
        })+
    };
}
narrow!(u16, u32);

impl Bounded for bool {
    fn put(&self, to: &mut Piece) {
        to.raw(if *self { "true" } else { "false" });
    }
}
