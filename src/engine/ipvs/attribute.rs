//! Netlink attributes as bytes: length, type, payload, padding to 4 bytes (`uapi/linux/netlink.h`, `struct nlattr`).
//!
//! Reading never panics and never fails: a broken tail ends the iteration, a payload that is too short is absent. It
//! knows nothing of what an attribute means.

/// Bytes of length and type.
const HEADER: usize = 4;
/// The bits of a type that are not flags (`NLA_TYPE_MASK`).
const TYPE_MASK: u16 = 0x3fff;
/// "The payload is attributes" (`NLA_F_NESTED`).
const NESTED: u16 = 0x8000;

/// The attributes in a payload, in order, as `(type without flags, payload)`.
#[derive(Debug, Clone)]
pub struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    /// Reads `bytes`, which start at an attribute's header.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The first attribute of a type.
    pub fn first(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find(|(k, _)| *k == kind).map(|(_, payload)| payload)
    }

    /// One pass for all types below `N`; of equal ones the last counts, as in the kernel.
    pub fn index<const N: usize>(self) -> Indexed<'a, N> {
        let mut slots = [None; N];
        for (kind, payload) in self {
            if let Some(slot) = slots.get_mut(usize::from(kind)) {
                *slot = Some(payload);
            }
        }
        Indexed(slots)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(u16::from_ne_bytes(array(self.0)?));
        let kind = u16::from_ne_bytes(array(self.0.get(2..)?)?) & TYPE_MASK;
        let payload = self.0.get(HEADER..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, payload))
    }
}

/// Attributes by type.
#[derive(Debug, Clone, Copy)]
pub struct Indexed<'a, const N: usize>([Option<&'a [u8]>; N]);

impl<'a, const N: usize> Indexed<'a, N> {
    /// The payload of a type.
    pub fn get(&self, kind: u16) -> Option<&'a [u8]> {
        *self.0.get(usize::from(kind))?
    }
    /// The first `L` bytes of a payload.
    pub fn array<const L: usize>(&self, kind: u16) -> Option<[u8; L]> {
        array(self.get(kind)?)
    }
    /// A `u16` in the host's order.
    pub fn u16(&self, kind: u16) -> Option<u16> {
        self.array(kind).map(u16::from_ne_bytes)
    }
    /// A `u32` in the host's order.
    pub fn u32(&self, kind: u16) -> Option<u32> {
        self.array(kind).map(u32::from_ne_bytes)
    }
    /// A text up to its NUL; none where it is not UTF-8.
    pub fn text(&self, kind: u16) -> Option<&'a str> {
        text(self.get(kind)?)
    }
}

/// The first `N` bytes, when there are as many.
pub fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}

/// A text up to its NUL; none where it is not UTF-8.
pub fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes.split(|byte| *byte == 0).next()?).ok()
}

/// Attributes under construction.
#[derive(Debug, Clone, Default)]
pub struct Builder(Vec<u8>);

impl Builder {
    /// Appends an attribute. A payload beyond 65,531 bytes, which no attribute can carry, is cut.
    #[must_use]
    pub fn put(self, kind: u16, payload: &[u8]) -> Self {
        self.append(kind, payload)
    }
    /// Appends a `u16` in the host's order.
    #[must_use]
    pub fn u16(self, kind: u16, value: u16) -> Self {
        self.append(kind, &value.to_ne_bytes())
    }
    /// Appends a `u32` in the host's order.
    #[must_use]
    pub fn u32(self, kind: u16, value: u32) -> Self {
        self.append(kind, &value.to_ne_bytes())
    }
    /// Appends a text with its NUL.
    #[must_use]
    pub fn text(self, kind: u16, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.append(kind, &bytes)
    }
    /// Appends attributes as one attribute.
    #[must_use]
    pub fn nest(self, kind: u16, inner: &Self) -> Self {
        self.append(kind | NESTED, &inner.0)
    }
    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    fn append(mut self, kind: u16, payload: &[u8]) -> Self {
        let room = usize::from(u16::MAX) - HEADER;
        let payload = payload.get(..room).unwrap_or(payload);
        let length = u16::try_from(HEADER + payload.len()).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(payload);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_attribute_is_padded_to_four_bytes() {
        assert_eq!(Builder::default().text(6, "rr").finish(), [7, 0, 6, 0, b'r', b'r', 0, 0]);
    }

    proptest! {
        #[test]
        fn what_was_built_is_read_back(list in prop::collection::vec((0..TYPE_MASK, any::<Vec<u8>>()), 0..8)) {
            let built = list.iter().fold(Builder::default(), |builder, (kind, payload)| builder.put(*kind, payload));
            let bytes = built.finish();
            let read: Vec<_> = Attributes::new(&bytes).map(|(kind, payload)| (kind, payload.to_vec())).collect();
            prop_assert_eq!(read, list);
        }

        #[test]
        fn reading_anything_ends(bytes: Vec<u8>) {
            prop_assert!(Attributes::new(&bytes).count() <= bytes.len() / HEADER);
        }
    }
}
