//! A vector whose places are used again.

use crate::flow::pool::Pieces;

/// Things by their places. A place that was given back is the next to be used.
#[derive(Debug)]
pub(super) struct Slab<T> {
    items: Pieces<T>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            items: Pieces::default(),
            free: Vec::new(),
        }
    }
}

impl<T: Default> Slab<T> {
    /// Takes a thing in; gives its place.
    pub(super) fn insert(&mut self, item: T) -> u32 {
        if let Some(at) = self.free.pop() {
            if let Some(slot) = self.items.get_mut(at as usize) {
                *slot = item;
            }
            return at;
        }
        self.items.push(item);
        self.items.len() as u32 - 1
    }

    pub(super) fn get(&self, at: u32) -> Option<&T> {
        self.items.get(at as usize)
    }

    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        self.items.get_mut(at as usize)
    }

    /// Two different ones.
    pub(super) fn both(&mut self, a: u32, b: u32) -> Option<[&mut T; 2]> {
        self.items.both(a as usize, b as usize)
    }

    /// Gives a place back.
    pub(super) fn remove(&mut self, at: u32) {
        if let Some(slot) = self.items.get_mut(at as usize) {
            *slot = T::default();
            self.free.push(at);
        }
    }

    /// There is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.items.len() == self.free.len()
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) const fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Slab;

    #[test]
    fn places_are_used_again() {
        let mut slab = Slab::default();
        let places = [7, 8, 9].map(|item| slab.insert(item));
        slab.remove(places[1]);
        assert_eq!(slab.len(), 2);
        assert_eq!(slab.insert(10), places[1]);
        assert_eq!(slab.insert(11), 3);
        assert_eq!((slab.get(0), slab.get(1)), (Some(&7), Some(&10)));
        assert_eq!(slab.both(0, 3), Some([&mut 7, &mut 11]));
        assert_eq!(slab.both(0, 0), None);
        let last = (12..2000).map(|item| slab.insert(item)).last();
        assert_eq!(
            last.and_then(|at| slab.both(at, 0)),
            Some([&mut 1999, &mut 7])
        );
    }
}
