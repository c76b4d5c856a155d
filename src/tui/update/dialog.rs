//! What is asked before a job is cancelled, and lines being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::engine::command::Command;
use crate::tui::message::Effect;
use crate::tui::state::input::Input;
use crate::tui::state::layer::Layer;

use super::Update;

impl Update<'_> {
    pub(super) fn confirmed(&mut self) {
        match self.state.layers.pop() {
            Some(Layer::ConfirmCancel(job)) => self.effects.push(Effect::Command(Command::Cancel { job })),
            Some(Layer::ConfirmForce) => self.effects.push(Effect::Quit),
            Some(other) => self.state.layers.push(other),
            None => {}
        }
    }

    /// A key for the line being typed.
    pub(super) fn type_key(&mut self, key: KeyEvent) {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let edit = move |input: &mut Input| match key.code {
            KeyCode::Char('u') if control => input.clear(),
            KeyCode::Char('w') if control => input.delete_word(),
            KeyCode::Char('a') if control => input.home(),
            KeyCode::Char('e') if control => input.end(),
            KeyCode::Char(c) if !control => input.insert(c),
            KeyCode::Backspace => input.backspace(),
            KeyCode::Delete => input.delete(),
            KeyCode::Left => input.left(),
            KeyCode::Right => input.right(),
            KeyCode::Home => input.home(),
            KeyCode::End => input.end(),
            _ => {}
        };
        self.edit(edit);
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.edit(|input| input.paste(text));
    }

    fn edit(&mut self, edit: impl FnOnce(&mut Input)) {
        if self.state.filtering {
            self.filter().map(edit);
            return;
        }
        self.edit_restore(edit);
    }
}
