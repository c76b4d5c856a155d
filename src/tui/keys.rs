//! The keys: one table from which bindings, help and footer come.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Action {
    Backup,
    Restore,
    Verify,
    Open,
    Cancel,
    TryAgain,
    Filter,
    AllBackups,
    Refresh,
    Messages,
    Help,
    Quit,
    Back,
    NextPane,
    PreviousPane,
    Up,
    Down,
    Left,
    Right,
    Top,
    Bottom,
    HalfPageUp,
    HalfPageDown,
    PageUp,
    PageDown,
    Redraw,
    Suspend,
    Yes,
    CancelAndQuit,
    WaitAndQuit,
    NextField,
    PreviousField,
    PreviousChoice,
    NextChoice,
    Toggle,
    TickAll,
    Complete,
    Plan,
    Submit,
}

/// Where the keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Context {
    Tenants,
    Backups,
    Jobs,
    Details,
    Rows,
    Record,
    Job,
    Messages,
    Help,
    Filter,
    Restore,
    /// In the restore, a field that opens a list.
    RestoreList,
    PickTables,
    PickLogins,
    Planned,
    ConfirmCancel,
    ConfirmQuit,
    ConfirmForce,
}

/// A heading of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Group {
    Work,
    Look,
    Move,
    Dialogs,
}

impl Group {
    /// In the order of the help.
    pub const ALL: [Self; 4] = [Self::Work, Self::Look, Self::Move, Self::Dialogs];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Work => "Work",
            Self::Look => "Look",
            Self::Move => "Move",
            Self::Dialogs => "In dialogs",
        }
    }
}

/// One press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stroke(KeyCode, KeyModifiers);

const fn key(code: KeyCode) -> Stroke {
    Stroke(code, KeyModifiers::NONE)
}

const fn ch(c: char) -> Stroke {
    Stroke(KeyCode::Char(c), KeyModifiers::NONE)
}

const fn ctrl(c: char) -> Stroke {
    Stroke(KeyCode::Char(c), KeyModifiers::CONTROL)
}

impl Stroke {
    /// As help and footer print it.
    pub fn name(self, unicode: bool) -> String {
        let arrow = |u: &str, a: &str| if unicode { u.to_owned() } else { a.to_owned() };
        match self.0 {
            KeyCode::Char(' ') => "Space".into(),
            KeyCode::Char(c) if self.1.contains(KeyModifiers::CONTROL) => format!("Ctrl-{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Up => arrow("↑", "Up"),
            KeyCode::Down => arrow("↓", "Down"),
            KeyCode::Left => arrow("←", "Left"),
            KeyCode::Right => arrow("→", "Right"),
            KeyCode::Enter => "Enter".into(),
            KeyCode::Esc => "Esc".into(),
            KeyCode::Tab => "Tab".into(),
            KeyCode::BackTab => "Shift-Tab".into(),
            KeyCode::PageUp => "PgUp".into(),
            KeyCode::PageDown => "PgDn".into(),
            KeyCode::Home => "Home".into(),
            KeyCode::End => "End".into(),
            KeyCode::F(n) => format!("F{n}"),
            other => format!("{other:?}"),
        }
    }
}

/// A row of the table.
#[derive(Debug)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// The keys, the one for the footer first.
    pub keys: &'static [Stroke],
    /// One or two words for the footer.
    pub label: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
    /// Its heading in the help.
    pub group: Group,
    /// Where it works.
    pub contexts: &'static [Context],
    /// Where the footer names it, the most important binding first in the table.
    pub footer: &'static [Context],
}

use Context as C;

const PANES: &[Context] = &[C::Tenants, C::Backups, C::Jobs];
const LISTS: &[Context] =
    &[C::Tenants, C::Backups, C::Jobs, C::Details, C::Rows, C::Record, C::Job, C::Messages, C::Help, C::Planned];
/// Where lines are gone through.
const LINES: &[Context] = &[
    C::Tenants,
    C::Backups,
    C::Jobs,
    C::Details,
    C::Rows,
    C::Record,
    C::Job,
    C::Messages,
    C::Help,
    C::Planned,
    C::PickTables,
];
/// The same, with letters that are typed.
const TYPED_LINES: &[Context] = &[C::PickLogins];
const LAYERS: &[Context] = &[C::Details, C::Rows, C::Record, C::Job, C::Messages, C::Help, C::Planned];
const RESTORE: &[Context] = &[C::Restore, C::RestoreList];
const DIALOGS: &[Context] = &[
    C::Filter,
    C::Restore,
    C::RestoreList,
    C::PickTables,
    C::PickLogins,
    C::ConfirmCancel,
    C::ConfirmQuit,
    C::ConfirmForce,
];
const EVERYWHERE: &[Context] = &[
    C::Tenants,
    C::Backups,
    C::Jobs,
    C::Details,
    C::Rows,
    C::Record,
    C::Job,
    C::Messages,
    C::Help,
    C::Filter,
    C::Restore,
    C::RestoreList,
    C::PickTables,
    C::PickLogins,
    C::Planned,
    C::ConfirmCancel,
    C::ConfirmQuit,
    C::ConfirmForce,
];

macro_rules! binding {
    ($group:ident, $action:ident, [$($key:expr),+], $label:literal, $help:literal, $contexts:expr, $footer:expr) => {
        Binding {
            action: Action::$action,
            keys: &[$($key),+],
            label: $label,
            help: $help,
            group: Group::$group,
            contexts: $contexts,
            footer: $footer,
        }
    };
}

/// The table. The order is that of help and footer.
pub const BINDINGS: &[Binding] = &[
    // Dialogs first: their footers hold nothing else.
    binding!(
        Dialogs,
        CancelAndQuit,
        [ch('c')],
        "cancel jobs and quit",
        "Cancel the jobs, clean up, quit",
        &[C::ConfirmQuit],
        &[C::ConfirmQuit]
    ),
    binding!(
        Dialogs,
        WaitAndQuit,
        [ch('w')],
        "wait, then quit",
        "Let the jobs end, then quit",
        &[C::ConfirmQuit],
        &[C::ConfirmQuit]
    ),
    binding!(
        Dialogs,
        Yes,
        [ch('y')],
        "yes",
        "Yes",
        &[C::ConfirmCancel, C::ConfirmForce],
        &[C::ConfirmCancel, C::ConfirmForce]
    ),
    binding!(
        Dialogs,
        Submit,
        [key(KeyCode::Enter)],
        "start",
        "Start the restore",
        &[C::Restore, C::Planned],
        &[C::Restore, C::Planned]
    ),
    binding!(
        Dialogs,
        Submit,
        [key(KeyCode::Enter)],
        "accept",
        "Keep the filter; take what was ticked or typed",
        &[C::Filter, C::PickTables, C::PickLogins],
        &[C::Filter, C::PickTables, C::PickLogins]
    ),
    binding!(
        Dialogs,
        Open,
        [key(KeyCode::Enter), ch(' '), key(KeyCode::Right)],
        "open the list",
        "Open the list of tables, or the logins of users",
        &[C::RestoreList],
        &[C::RestoreList]
    ),
    binding!(Dialogs, NextField, [key(KeyCode::Tab), key(KeyCode::Down)], "next field", "Next field", RESTORE, RESTORE),
    binding!(
        Dialogs,
        PreviousField,
        [key(KeyCode::BackTab), key(KeyCode::Up)],
        "field before",
        "Field before",
        RESTORE,
        &[]
    ),
    binding!(
        Dialogs,
        PreviousChoice,
        [key(KeyCode::Left)],
        "choice before",
        "Choice before, cursor left",
        &[C::Restore],
        &[]
    ),
    binding!(
        Dialogs,
        NextChoice,
        [key(KeyCode::Right)],
        "next choice",
        "Next choice, cursor right",
        &[C::Restore],
        &[]
    ),
    binding!(
        Dialogs,
        Toggle,
        [ch(' ')],
        "change",
        "Tick or untick; the next choice",
        &[C::Restore, C::PickTables],
        &[C::Restore, C::PickTables]
    ),
    binding!(
        Dialogs,
        TickAll,
        [ch('a')],
        "all",
        "Tick all that are shown, or none",
        &[C::PickTables],
        &[C::PickTables]
    ),
    binding!(
        Dialogs,
        Complete,
        [key(KeyCode::Tab)],
        "complete",
        "Complete the login's name; again: the next one",
        &[C::PickLogins],
        &[C::PickLogins]
    ),
    binding!(
        Dialogs,
        Plan,
        [ctrl('p'), key(KeyCode::F(2))],
        "preview",
        "What the restore would do: nothing is changed by it",
        RESTORE,
        RESTORE
    ),
    binding!(Work, Backup, [ch('b')], "back up", "Back up the chosen tenant now", PANES, &[C::Tenants, C::Backups]),
    binding!(
        Work,
        Restore,
        [ch('r')],
        "restore",
        "Restore the chosen backup (or the tenant's newest) into a new database",
        &[C::Tenants, C::Backups, C::Details],
        &[C::Tenants, C::Backups, C::Details]
    ),
    binding!(
        Work,
        Verify,
        [ch('v')],
        "verify",
        "Verify the chosen backup (or the tenant's newest): the archive, every row, the manifest",
        &[C::Tenants, C::Backups, C::Details],
        &[C::Tenants, C::Backups, C::Details]
    ),
    binding!(
        Work,
        Cancel,
        [ch('x')],
        "cancel",
        "Cancel the chosen job, or the chosen tenant's (asks)",
        &[C::Tenants, C::Jobs, C::Job],
        &[C::Jobs, C::Job]
    ),
    binding!(
        Work,
        TryAgain,
        [ch('t')],
        "try again",
        "Start an ended job once more",
        &[C::Jobs, C::Job],
        &[C::Jobs, C::Job]
    ),
    binding!(
        Work,
        Restore,
        [ch('r')],
        "change",
        "The dialog of a restore job once more, as it was filled in",
        &[C::Jobs, C::Job],
        &[C::Job]
    ),
    binding!(
        Look,
        Open,
        [key(KeyCode::Enter)],
        "open",
        "Open: tenant, backup, table, row, job",
        &[C::Tenants, C::Backups, C::Jobs, C::Details, C::Rows],
        &[C::Tenants, C::Backups, C::Jobs, C::Details, C::Rows]
    ),
    binding!(
        Look,
        Back,
        [key(KeyCode::Esc), key(KeyCode::Backspace)],
        "back",
        "Back to where you were; clears a filter",
        LISTS,
        LAYERS
    ),
    binding!(
        Look,
        Back,
        [key(KeyCode::Esc), ch('n')],
        "no",
        "No; stay",
        &[C::ConfirmCancel, C::ConfirmQuit, C::ConfirmForce],
        &[C::ConfirmCancel, C::ConfirmQuit, C::ConfirmForce]
    ),
    binding!(
        Look,
        Back,
        [key(KeyCode::Esc)],
        "leave",
        "Leave the dialog or its list; clear the filter",
        &[C::Restore, C::RestoreList, C::PickTables, C::PickLogins, C::Filter],
        &[C::Restore, C::RestoreList, C::PickTables, C::PickLogins, C::Filter]
    ),
    binding!(
        Look,
        Filter,
        [ch('/')],
        "filter",
        "Filter the list by words",
        &[C::Tenants, C::Backups, C::Jobs, C::Details, C::PickTables],
        &[C::Tenants, C::Backups, C::Jobs, C::Details, C::PickTables]
    ),
    binding!(Look, AllBackups, [ch('a')], "all", "Backups of all tenants, or of the chosen one", PANES, &[C::Backups]),
    binding!(Look, Messages, [ch('m')], "messages", "Everything that was told, newest last", LISTS, &[C::Jobs]),
    binding!(
        Look,
        Refresh,
        [ch('R')],
        "refresh",
        "Read tenants, backups and jobs again",
        &[C::Tenants, C::Backups, C::Jobs, C::Details],
        &[]
    ),
    binding!(Move, PreviousPane, [key(KeyCode::BackTab)], "pane before", "Pane before", PANES, &[]),
    binding!(Move, Up, [key(KeyCode::Up), ch('k')], "up", "Up", LINES, &[]),
    binding!(Move, Down, [key(KeyCode::Down), ch('j')], "down", "Down", LINES, &[]),
    binding!(Move, Left, [key(KeyCode::Left), ch('h')], "left", "Pane before; columns to the left", LISTS, &[C::Rows]),
    binding!(
        Move,
        Right,
        [key(KeyCode::Right), ch('l')],
        "right",
        "Next pane; columns to the right",
        LISTS,
        &[C::Rows]
    ),
    binding!(Move, Top, [key(KeyCode::Home), ch('g')], "top", "First", LINES, &[]),
    binding!(Move, Bottom, [key(KeyCode::End), ch('G')], "end", "Last", LINES, &[C::Rows]),
    binding!(Move, HalfPageUp, [ctrl('u')], "half up", "Half a page up", LINES, &[]),
    binding!(Move, HalfPageDown, [ctrl('d')], "half down", "Half a page down", LINES, &[]),
    binding!(Move, PageUp, [key(KeyCode::PageUp)], "page up", "A page up", LINES, &[]),
    binding!(Move, PageDown, [key(KeyCode::PageDown)], "page down", "A page down", LINES, &[C::Rows, C::Messages]),
    binding!(Move, Up, [key(KeyCode::Up)], "up", "Up", TYPED_LINES, &[]),
    binding!(Move, Down, [key(KeyCode::Down)], "down", "Down", TYPED_LINES, TYPED_LINES),
    binding!(Move, PageUp, [key(KeyCode::PageUp)], "page up", "A page up", TYPED_LINES, &[]),
    binding!(Move, PageDown, [key(KeyCode::PageDown)], "page down", "A page down", TYPED_LINES, &[]),
    binding!(Look, Redraw, [ctrl('l')], "redraw", "Draw the whole screen again", EVERYWHERE, &[]),
    binding!(Look, Suspend, [ctrl('z')], "suspend", "Back to the shell (not while jobs run); fg returns", LISTS, &[]),
    binding!(Look, Help, [ch('?'), key(KeyCode::F(1))], "help", "This help", LISTS, PANES),
    binding!(Move, NextPane, [key(KeyCode::Tab)], "pane", "Next pane", PANES, PANES),
    binding!(Work, Quit, [ch('q')], "quit", "Quit; asks while jobs run", LISTS, PANES),
    binding!(Work, Quit, [ctrl('c')], "quit", "Quit from anywhere; asks while jobs run", EVERYWHERE, &[]),
];

/// What the key means there.
pub fn action(context: Context, event: &KeyEvent) -> Option<Action> {
    let mut code = event.code;
    let mut modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
    if let KeyCode::Char(c) = code {
        // Terminals tell Shift with a letter or not; the letter itself says it.
        if modifiers.contains(KeyModifiers::CONTROL) {
            code = KeyCode::Char(c.to_ascii_lowercase());
        }
    } else {
        modifiers = KeyModifiers::NONE;
        if code == KeyCode::Tab && event.modifiers.contains(KeyModifiers::SHIFT) {
            code = KeyCode::BackTab;
        }
    }
    let stroke = Stroke(code, modifiers);
    BINDINGS.iter().find(|b| b.contexts.contains(&context) && b.keys.contains(&stroke)).map(|b| b.action)
}

/// The footer's bindings there, the most important first.
pub fn footer(context: Context) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |b| b.footer.contains(&context))
}

/// Whether the context is a dialog: drawn over what is below it, with keys of its own.
pub fn is_dialog(context: Context) -> bool {
    DIALOGS.contains(&context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for context in EVERYWHERE {
            let mut seen = std::collections::HashMap::new();
            for binding in BINDINGS.iter().filter(|b| b.contexts.contains(context)) {
                for stroke in binding.keys {
                    if let Some(other) = seen.insert(stroke, binding.action) {
                        panic!("{context:?}: {} is {other:?} and {:?}", stroke.name(true), binding.action);
                    }
                }
            }
        }
    }

    #[test]
    fn every_place_can_be_left_and_every_footer_key_works_there() {
        for &context in EVERYWHERE {
            let esc = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);
            assert_eq!(action(context, &esc), Some(Action::Back), "{context:?}");
            for binding in footer(context) {
                assert!(binding.contexts.contains(&context), "{context:?}: {:?}", binding.action);
            }
            assert!(footer(context).count() > 0, "{context:?} has no footer");
        }
    }

    #[test]
    fn shift_is_told_by_the_letter() {
        let upper = |modifiers| KeyEvent::new(KeyCode::Char('G'), modifiers);
        assert_eq!(action(C::Rows, &upper(KeyModifiers::SHIFT)), Some(Action::Bottom));
        assert_eq!(action(C::Rows, &upper(KeyModifiers::NONE)), Some(Action::Bottom));
        assert_eq!(action(C::Rows, &KeyEvent::new(KeyCode::Char('b'), KeyModifiers::ALT)), None);
        assert_eq!(action(C::Jobs, &KeyEvent::new(KeyCode::Tab, KeyModifiers::SHIFT)), Some(Action::PreviousPane));
    }
}
