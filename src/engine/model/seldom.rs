//! A value that mostly says nothing, and takes next to no room then.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::{Deref, DerefMut};

/// What can say nothing: counters that are 0, all of them.
pub trait Blank: Clone + PartialEq + 'static {
    /// The value that does.
    const BLANK: &'static Self;
}

/// A value that has a place of its own where it says something: of a hundred thousand real servers most have nothing to count.
#[derive(Debug, Clone)]
pub struct Seldom<T>(Option<Box<T>>);

impl<T> Default for Seldom<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Blank> Deref for Seldom<T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::BLANK)
    }
}

impl<T: Blank> DerefMut for Seldom<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_with(|| Box::new(T::BLANK.clone()))
    }
}

impl<T: Blank> From<T> for Seldom<T> {
    fn from(value: T) -> Self {
        Self((value != *T::BLANK).then(|| Box::new(value)))
    }
}

impl<T: Blank> PartialEq for Seldom<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Blank + Eq> Eq for Seldom<T> {}

impl<T: Blank + Serialize> Serialize for Seldom<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Blank + Deserialize<'de>> Deserialize<'de> for Seldom<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Blank for u64 {
        const BLANK: &'static Self = &0;
    }

    #[test]
    fn what_says_nothing_takes_no_place_and_reads_as_the_rest() {
        let (mut number, none): (Seldom<u64>, _) = (7.into(), Seldom::from(0));
        assert_eq!((*number, *none, none.0.is_none()), (7, 0, true));
        *number = 0;
        assert_eq!(number, none);
        let text = serde_json::to_string(&Seldom::from(9_u64)).unwrap();
        assert_eq!((text.as_str(), serde_json::from_str::<Seldom<u64>>(&text).unwrap()), ("9", 9.into()));
    }
}
