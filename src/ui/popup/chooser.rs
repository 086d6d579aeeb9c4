//! Choosing columns: those that are shown in their order, and below them those that are not.

use crate::ui::rows::columns::{ALL, Chosen, Set};

/// Which set is chosen for, and where the cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chooser {
    /// For which tables.
    pub set: Set,
    /// Which line.
    pub choice: usize,
}

impl Chooser {
    /// Every column with whether it is shown: the shown ones first, in their order.
    pub fn lines(self, chosen: &Chosen) -> Vec<(&'static str, bool)> {
        let shown = chosen.words(self.set);
        let hidden = ALL.iter().map(|column| column.word).filter(|word| !shown.contains(word));
        let hidden: Vec<&str> = hidden.collect();
        shown.into_iter().map(|word| (word, true)).chain(hidden.into_iter().map(|word| (word, false))).collect()
    }

    /// Shows the column under the cursor, or hides it; the cursor stays on its line, for the next one.
    pub fn toggle(self, chosen: &mut Chosen) {
        let Some((word, is_shown)) = self.lines(chosen).get(self.choice).copied() else { return };
        let mut words = chosen.words(self.set);
        if is_shown {
            words.retain(|known| *known != word);
        } else {
            words.push(word);
        }
        chosen.set(self.set, Some(words));
    }

    /// Moves a column that is shown to the left (up) or to the right (down), and the cursor with it.
    pub fn shift(&mut self, chosen: &mut Chosen, is_left: bool) {
        let mut words = chosen.words(self.set);
        let to = if is_left { self.choice.checked_sub(1) } else { Some(self.choice + 1) };
        let Some(to) = to.filter(|to| self.choice.max(*to) < words.len()) else { return };
        words.swap(self.choice, to);
        self.choice = to;
        chosen.set(self.set, Some(words));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_hidden_shown_and_moved_by_the_line_under_the_cursor() {
        let (mut chosen, mut chooser) = (Chosen::default(), Chooser { set: Set::Services, choice: 0 });
        chooser.toggle(&mut chosen);
        assert_eq!(chosen.words(Set::Services).first(), Some(&"Weight"));
        chooser.choice = 1;
        chooser.shift(&mut chosen, true);
        assert_eq!((chooser.choice, chosen.words(Set::Services).first()), (0, Some(&"ActiveConn")));
        // Neither beyond the ends nor among those that are not shown.
        chooser.shift(&mut chosen, true);
        chooser.choice = chosen.words(Set::Services).len();
        let before = chosen.clone();
        chooser.shift(&mut chosen, false);
        assert_eq!(chosen, before);
        chooser.toggle(&mut chosen);
        assert_eq!(chosen.words(Set::Services).last(), Some(&"Forward"));
        assert_eq!(chooser.lines(&chosen).len(), ALL.len());
    }
}
