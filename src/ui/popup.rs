//! What may lie over the main screen: help, forms, and the preview that every write goes through.

use crate::engine::{Answer, CommandRequest, Family, Forwarding, RealServerKey, ServiceKey, Weight};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One line of text being typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    text: String,
    /// Characters before the cursor.
    cursor: usize,
}

impl Field {
    /// A field with a text in it and the cursor behind it.
    pub fn with(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cursor: text.chars().count(), text }
    }
    /// What stands in it.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The text before the cursor and from it on.
    pub fn split(&self) -> (&str, &str) {
        self.text.split_at(self.byte(self.cursor))
    }
    fn byte(&self, chars: usize) -> usize {
        self.text.char_indices().nth(chars).map_or(self.text.len(), |(at, _)| at)
    }
    /// Puts text in at the cursor; control characters stay out, and 200 characters are enough for anything asked here.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars().filter(|c| !c.is_control()) {
            if self.text.chars().count() < 200 {
                self.text.insert(self.byte(self.cursor), c);
                self.cursor += 1;
            }
        }
    }
    /// Edits; true when the key was one for a text field.
    pub fn edit(&mut self, key: &KeyEvent) -> bool {
        let length = self.text.chars().count();
        match key.code {
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => *self = Self::default(),
            KeyCode::Char(_) if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => return false,
            KeyCode::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.byte(self.cursor));
            }
            KeyCode::Delete if self.cursor < length => {
                self.text.remove(self.byte(self.cursor));
            }
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = (self.cursor + 1).min(length),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = length,
            _ => return matches!(key.code, KeyCode::Backspace | KeyCode::Delete),
        }
        true
    }
}

/// What lies over the main screen. The topmost takes the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Popup {
    /// All keys, from this line on.
    Help {
        /// First line shown.
        scroll: usize,
    },
    /// The filter being typed; `before` comes back with Esc.
    Filter {
        /// The text.
        field: Field,
        /// The filter until now.
        before: String,
    },
    /// An order for a demonstration being typed.
    Order(Field),
    /// A new weight for a real server.
    Weight(WeightForm),
    /// A real server to be.
    AddServer(AddServerForm),
    /// What a command would do, and whether it shall.
    Preview(Box<PreviewPopup>),
}

/// `w`: a weight for one real server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightForm {
    /// The service's key.
    pub service: String,
    /// The server.
    pub server: RealServerKey,
    /// Its weight now and in the file.
    pub weights: (u32, u32),
    /// What is typed.
    pub field: Field,
}

impl WeightForm {
    /// The weight, or what is wrong with the text.
    pub fn weight(&self) -> Result<Weight, String> {
        parse_weight(self.field.text())
    }
}

fn parse_weight(text: &str) -> Result<Weight, String> {
    let number: u32 = text.trim().parse().map_err(|_| "weight is a number from 0 to 2147483647".to_owned())?;
    Weight::new(number).map_err(|error| error.to_string())
}

/// The fields of [`AddServerForm`], in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddField {
    /// Address and port.
    Address,
    /// Weight.
    Weight,
    /// Forwarding.
    Forward,
}

/// `a`: a real server for a service, with defaults from its siblings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddServerForm {
    /// The service.
    pub service: ServiceKey,
    /// Address and port.
    pub address: Field,
    /// Weight.
    pub weight: Field,
    /// Forwarding.
    pub forward: Forwarding,
    /// The field that takes the keys.
    pub focus: AddField,
    /// Servers that the service has already, as far as they are loaded.
    pub taken: Vec<String>,
}

impl AddServerForm {
    /// The server's address, or what is wrong with it for this service.
    pub fn key(&self) -> Result<RealServerKey, String> {
        let key: RealServerKey = self.address.text().trim().parse().map_err(|_| {
            format!("write address and port, like {}", self.taken.first().map_or("10.0.0.71:80", String::as_str))
        })?;
        if self.taken.contains(&key.to_string()) {
            return Err(format!("{key} is in this service already"));
        }
        if Family::of(key.0.ip()) != self.service.family() && self.forward != Forwarding::Tun {
            return Err(format!("{} forwards within one address family only", self.forward.ipvsadm_name()));
        }
        match self.service.port() {
            Some(port) if self.forward.keeps_port() && port != 0 && key.0.port() != port => {
                Err(format!("{} can't change the port: use {port}", self.forward.ipvsadm_name()))
            }
            _ => Ok(key),
        }
    }
    /// The weight, or what is wrong with it.
    pub fn weight(&self) -> Result<Weight, String> {
        parse_weight(self.weight.text())
    }
    /// To the next (or previous) field.
    pub const fn step(&mut self, back: bool) {
        self.focus = match (self.focus, back) {
            (AddField::Address, false) | (AddField::Forward, true) => AddField::Weight,
            (AddField::Weight, false) | (AddField::Address, true) => AddField::Forward,
            (AddField::Forward, false) | (AddField::Weight, true) => AddField::Address,
        };
    }
    /// The next forwarding method that can be configured.
    pub const fn next_forward(&mut self) {
        self.forward = match self.forward {
            Forwarding::Nat => Forwarding::Dr,
            Forwarding::Dr => Forwarding::Tun,
            Forwarding::Tun | Forwarding::Local => Forwarding::Nat,
        };
    }
}

/// How far a command has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// The engine was asked what it would do.
    Asking,
    /// It said so; Enter does it.
    Ready(Box<Answer>),
    /// It is being done.
    Committing(Box<Answer>),
    /// It will not be done, and why.
    Refused(String),
}

/// A command between dry run and commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewPopup {
    /// What is asked, `drain 10.0.3.21:80`.
    pub title: String,
    /// The request as a dry run.
    pub request: CommandRequest,
    /// Number of the request under way.
    pub serial: u64,
    /// How far it is.
    pub phase: Phase,
    /// A word that has to be typed whatever the engine's preview says.
    pub always_type: Option<String>,
    /// What is typed of it.
    pub typed: Field,
    /// What changed since the preview that was about to be committed.
    pub changed: Vec<String>,
}

impl PreviewPopup {
    /// The word to type before Enter does it.
    pub fn required(&self) -> Option<&str> {
        match &self.phase {
            Phase::Ready(answer) => answer.preview.confirm.as_deref().or(self.always_type.as_deref()),
            Phase::Asking | Phase::Committing(_) | Phase::Refused(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(service: &str, address: &str, forward: Forwarding) -> AddServerForm {
        AddServerForm {
            service: service.parse().unwrap(),
            address: Field::with(address),
            weight: Field::with("1"),
            forward,
            focus: AddField::Address,
            taken: vec!["10.0.0.71:80".to_owned()],
        }
    }

    #[test]
    fn a_field_edits_by_character_and_not_by_byte() {
        let mut field = Field::with("日本");
        let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
        field.edit(&key(KeyCode::Left));
        field.insert("a\x1bb");
        assert_eq!(field.text(), "日ab本");
        field.edit(&key(KeyCode::Backspace));
        field.edit(&key(KeyCode::Delete));
        assert_eq!((field.text(), field.split()), ("日a", ("日a", "")));
        field.edit(&KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
        assert_eq!(field.text(), "");
    }

    #[test]
    fn a_server_is_checked_against_its_service_while_it_is_typed() {
        assert!(form("tcp/10.0.0.1:80", "10.0.0.72:80", Forwarding::Dr).key().is_ok());
        for (address, forward, says) in [
            ("10.0.0.72", Forwarding::Dr, "10.0.0.71:80"),
            ("10.0.0.71:80", Forwarding::Dr, "already"),
            ("10.0.0.72:8080", Forwarding::Dr, "use 80"),
            ("[fd00::1]:80", Forwarding::Nat, "family"),
        ] {
            let error = form("tcp/10.0.0.1:80", address, forward).key().unwrap_err();
            assert!(error.contains(says), "{address}: {error}");
        }
        assert!(form("tcp/10.0.0.1:80", "10.0.0.72:8080", Forwarding::Nat).key().is_ok());
        assert!(form("tcp/10.0.0.1:80", "[fd00::1]:80", Forwarding::Tun).key().is_ok());
    }

    #[test]
    fn a_weight_is_a_number_that_the_kernel_takes() {
        let mut form = form("tcp/10.0.0.1:80", "10.0.0.72:80", Forwarding::Dr);
        for (text, good) in [("0", true), ("2147483647", true), ("2147483648", false), ("-1", false), ("", false)] {
            form.weight = Field::with(text);
            assert_eq!(form.weight().is_ok(), good, "{text}");
        }
    }
}
