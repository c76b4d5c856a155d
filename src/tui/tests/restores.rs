//! The restore dialog: what its keys make of a choice, what it refuses and in which words, what it draws.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::samples::*;
use super::screens::{drawn, press, sound};
use crate::bacpac::script::{Choice, Conflict, Content, Missing, Users};
use crate::engine::choice_problem;
use crate::engine::command::{Command, JobSpec, PackageSource};
use crate::engine::event::{Failure, JobState};
use crate::tui::keys::Context;
use crate::tui::message::{Effect, Message};
use crate::tui::state::layer::Layer;
use crate::tui::state::restore::{Field, NameCheck, Restore};
use crate::tui::state::{Loudness, State};
use crate::tui::theme::Theme;
use crate::tui::update::update;

const ORDINARY: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (200, 50);

fn dialog(state: &State) -> &Restore {
    state.dialog().expect("a dialog")
}

fn enter(state: &mut State) -> Vec<Effect> {
    let key = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
    update(state, Message::Key(key), now())
}

fn submitted(effects: &[Effect]) -> Option<&JobSpec> {
    effects.iter().find_map(|e| if let Effect::Command(Command::Submit(spec)) = e { Some(spec) } else { None })
}

/// The dialog on the newest backup, its package read, the server asked.
fn opened(theme: Theme, size: (u16, u16), exists: bool) -> State {
    let mut state = quiet(theme, size);
    press(&mut state, "tab r");
    let (ticket, package) = (dialog(&state).ticket, dialog(&state).package_ticket);
    tell(
        &mut state,
        [Message::Exists(ticket, Ok(exists)), Message::Details(package, Box::new(Ok(super::samples::details())))],
    );
    state
}

fn answer(state: &mut State, exists: Result<bool, Failure>) {
    let ticket = dialog(state).ticket;
    tell(state, [Message::Exists(ticket, exists)]);
}

fn logins_told(state: &mut State) {
    let ticket = dialog(state).logins_ticket;
    let logins = ["auditor", "warden", "warden_test"].map(String::from).to_vec();
    tell(state, [Message::Logins(ticket, Ok(Some(logins)))]);
}

/// Goes to a field, whatever is between.
fn go(state: &mut State, field: Field) {
    for _ in 0..30 {
        if dialog(state).field == field {
            return;
        }
        press(state, "tab");
    }
    panic!("{field:?} is not among {:?}", dialog(state).fields());
}

fn paste(state: &mut State, text: &str) {
    tell(state, [Message::Paste(text.into())]);
}

#[test]
fn every_option_is_chosen_by_keys_and_sent() {
    let mut state = opened(UNICODE, ORDINARY, false);
    go(&mut state, Field::Keep);
    press(&mut state, "space");
    go(&mut state, Field::Options);
    press(&mut state, "space");
    go(&mut state, Field::Content);
    press(&mut state, "right");
    // Two tables: one ticked as it stands, one found by the filter.
    go(&mut state, Field::Tables);
    assert!(submitted(&enter(&mut state)).is_none(), "Enter opens the list, and starts nothing");
    assert_eq!(state.context(), Context::PickTables);
    press(&mut state, "down down space / 0 7 enter space enter");
    assert_eq!(state.context(), Context::RestoreList);
    go(&mut state, Field::Needed);
    press(&mut state, "space");
    go(&mut state, Field::Users);
    press(&mut state, "right right");
    go(&mut state, Field::Logins);
    let effects = enter(&mut state);
    assert!(matches!(&effects[..], [Effect::LoadLogins(_, server)] if server == "alpha"), "{effects:?}");
    logins_told(&mut state);
    // Completed, completed again; a name that begins with nothing known stays.
    press(&mut state, "w a tab");
    assert!(drawn(&state).contains("warden "), "{}", drawn(&state));
    press(&mut state, "tab down q tab backspace");
    press(&mut state, "down w a r d e n enter");
    for field in [Field::Permissions, Field::Settings, Field::Owner] {
        go(&mut state, field);
        press(&mut state, "space");
    }
    go(&mut state, Field::Missing);
    press(&mut state, "space right right right space");
    go(&mut state, Field::Collation);
    paste(&mut state, "Greek_CI_AS");
    go(&mut state, Field::Level);
    press(&mut state, "1 5 0");
    let effects = enter(&mut state);
    let Some(JobSpec::Restore { choice, existing: None, keep_partial: true, .. }) = submitted(&effects) else {
        panic!("{effects:?}")
    };
    let wants = Choice {
        content: Content::Schema,
        tables: vec!["[dbo].[Order Details ]]x[]".into(), "log.Event07".into()],
        dependencies: false,
        users: Users::Map([("auditor".into(), "warden_test".into()), (ODD.into(), "warden".into())].into()),
        permissions: false,
        user_settings: false,
        owner_to_dbo: true,
        skip_missing: [Missing::ForeignKeys, Missing::Views].into(),
        collation: Some("Greek_CI_AS".into()),
        compatibility_level: Some(150),
        on_conflict: Conflict::Refuse,
    };
    assert_eq!(**choice, wants);
}

#[test]
fn what_cannot_be_is_refused_in_the_engines_words_at_its_field() {
    let refusal = |state: &State| dialog(state).problem.clone().map(|f| f.message);
    // Rows alone into a new database.
    let mut state = opened(UNICODE, ORDINARY, false);
    go(&mut state, Field::Options);
    press(&mut state, "space");
    go(&mut state, Field::Content);
    press(&mut state, "left");
    assert!(submitted(&enter(&mut state)).is_none());
    let words = choice_problem("x", None, &Choice { content: Content::Data, ..Choice::default() }).unwrap().message;
    assert_eq!((refusal(&state), dialog(&state).field), (Some(words.clone()), Field::Content));
    assert!(drawn(&state).contains(&words), "{}", drawn(&state));
    press(&mut state, "right");
    assert_eq!(refusal(&state), None, "said until the next key");
    // A level and a collation that there are not.
    for (field, text, wrong) in [
        (Field::Level, "15x", Choice { compatibility_level: Some(155), ..Choice::default() }),
        (Field::Collation, "a b", Choice { collation: Some("a b".into()), ..Choice::default() }),
    ] {
        go(&mut state, field);
        paste(&mut state, text);
        assert!(submitted(&enter(&mut state)).is_none());
        let words = choice_problem("x", None, &wrong).unwrap().message.replace("155", "15x");
        assert_eq!((refusal(&state), dialog(&state).field), (Some(words), field));
        press(&mut state, "c-u");
    }
    // A login that can be none.
    go(&mut state, Field::Users);
    press(&mut state, "left");
    go(&mut state, Field::Logins);
    enter(&mut state);
    paste(&mut state, &"x".repeat(129));
    press(&mut state, "enter");
    go(&mut state, Field::Owner);
    assert!(submitted(&enter(&mut state)).is_none());
    assert!(refusal(&state).unwrap().contains("is no name of a login for user auditor"));
    assert_eq!(dialog(&state).field, Field::Logins);
    // Another name than the database's.
    let mut state = opened(UNICODE, ORDINARY, true);
    assert!(submitted(&enter(&mut state)).is_none());
    assert_eq!((dialog(&state).field, refusal(&state)), (Field::Typed, None), "first it is asked for");
    paste(&mut state, "Shop_bakery");
    assert!(submitted(&enter(&mut state)).is_none());
    assert!(refusal(&state).unwrap().contains("was typed to restore into"));
}

#[test]
fn an_existing_database_is_asked_about_conflicts_at_once() {
    let mut state = opened(UNICODE, ORDINARY, true);
    let name = dialog(&state).database.text().to_owned();
    go(&mut state, Field::Typed);
    paste(&mut state, &name);
    go(&mut state, Field::Conflict);
    press(&mut state, "space");
    let effects = enter(&mut state);
    let Some(JobSpec::Restore { choice, existing, .. }) = submitted(&effects) else { panic!("{effects:?}") };
    assert_eq!((choice.on_conflict, existing.as_ref()), (Conflict::Rename, Some(&name)));
}

#[test]
fn esc_leaves_a_list_as_it_was_and_then_the_dialog() {
    let mut state = opened(UNICODE, ORDINARY, false);
    press(&mut state, "tab tab space");
    go(&mut state, Field::Tables);
    press(&mut state, "enter a esc");
    assert_eq!(dialog(&state).choice.tables, Vec::<String>::new());
    press(&mut state, "enter space space enter");
    assert_eq!(dialog(&state).choice.tables, ["dbo.Article", "dbo.Customer"]);
    press(&mut state, "enter a enter");
    assert_eq!(dialog(&state).choice.tables.len(), 25);
    press(&mut state, "enter a enter");
    assert_eq!(dialog(&state).choice.tables, Vec::<String>::new(), "all unticked: everything");
    // A filter first, then the list, then the dialog.
    press(&mut state, "enter / x esc esc");
    assert_eq!(state.context(), Context::RestoreList);
    // A map that nobody wrote is none.
    go(&mut state, Field::Users);
    press(&mut state, "left");
    go(&mut state, Field::Logins);
    press(&mut state, "enter x esc");
    assert_eq!((dialog(&state).choice.users.clone(), dialog(&state).field), (Users::AsInFile, Field::Users));
    press(&mut state, "esc");
    assert!(state.layers.is_empty());
}

#[test]
fn a_package_that_is_read_late_or_not_at_all() {
    let mut state = quiet(UNICODE, ORDINARY);
    press(&mut state, "tab r");
    answer(&mut state, Ok(false));
    press(&mut state, "tab tab space");
    go(&mut state, Field::Users);
    press(&mut state, "left");
    go(&mut state, Field::Logins);
    press(&mut state, "enter");
    insta::assert_snapshot!("restore_logins_reading_80x24", drawn(&state));
    let old = dialog(&state).package_ticket;
    tell(&mut state, [Message::Details(old, Box::new(Err(login_failed())))]);
    insta::assert_snapshot!("restore_logins_unreadable_80x24", drawn(&state));
    // Nothing read is not taken for nobody.
    press(&mut state, "enter");
    assert!(dialog(&state).mapped());
    // Opened once more it is read once more.
    let effects = enter(&mut state);
    let Some(Effect::LoadDetails(ticket, _)) = effects.first() else { panic!("{effects:?}") };
    let ticket = *ticket;
    tell(&mut state, [Message::Details(ticket, Box::new(Ok(super::samples::details())))]);
    assert!(drawn(&state).contains("ghost"), "{}", drawn(&state));
    // Whoever looked inside before has it at once.
    let mut state = quiet(UNICODE, ORDINARY);
    super::screens::details_opened(&mut state);
    press(&mut state, "r");
    assert!(dialog(&state).package.is_some());
}

#[test]
fn the_configuration_fills_the_dialog_in() {
    let mut state = quiet(UNICODE, ORDINARY);
    let configured = Choice {
        content: Content::Schema,
        tables: vec!["log.Event01".into()],
        dependencies: false,
        users: Users::MapPresent([("auditor".into(), "warden".into()), ("nobody".into(), "x".into())].into()),
        skip_missing: [Missing::Views].into(),
        ..Choice::default()
    };
    state.options.restore = configured.clone();
    press(&mut state, "tab r");
    answer(&mut state, Ok(false));
    let effects = enter(&mut state);
    let Some(JobSpec::Restore { choice, .. }) = submitted(&effects) else { panic!("{effects:?}") };
    assert_eq!(**choice, configured);
    // Edited here, it is for this package: its users must be there.
    let mut state = {
        state.layers.clear();
        state
    };
    press(&mut state, "r");
    let (ticket, package) = (dialog(&state).ticket, dialog(&state).package_ticket);
    tell(
        &mut state,
        [Message::Exists(ticket, Ok(false)), Message::Details(package, Box::new(Ok(super::samples::details())))],
    );
    press(&mut state, "tab tab space");
    go(&mut state, Field::Logins);
    press(&mut state, "enter enter");
    assert_eq!(dialog(&state).choice.users, Users::Map([("auditor".into(), "warden".into())].into()));
}

#[test]
fn a_preview_is_shown_and_started_from() {
    let mut state = opened(UNICODE, ORDINARY, false);
    let control_p = || Message::Key(KeyEvent::new(KeyCode::Char('p'), KeyModifiers::CONTROL));
    let effects = update(&mut state, control_p(), now());
    let Some(Effect::Plan(ticket, spec)) = effects.first() else { panic!("{effects:?}") };
    let (ticket, spec) = (*ticket, spec.clone());
    assert!(submitted(&enter(&mut state)).is_none(), "nothing is known yet");
    tell(&mut state, [Message::Planned(ticket, Box::new(Ok(plan(&spec))))]);
    insta::assert_snapshot!("planned_80x24", drawn(&state));
    press(&mut state, "esc");
    assert_eq!(state.context(), Context::Restore, "the dialog is as it was");
    update(&mut state, control_p(), now());
    // An answer to the question before does not count.
    tell(&mut state, [Message::Planned(ticket, Box::new(Ok(plan(&spec))))]);
    assert!(submitted(&enter(&mut state)).is_none());
    let Some(Layer::Planned(view)) = state.layers.last() else { panic!("no plan") };
    let ticket = view.ticket;
    tell(&mut state, [Message::Planned(ticket, Box::new(Ok(plan(&spec))))]);
    assert_eq!(submitted(&enter(&mut state)), Some(&spec));
    assert!(state.layers.is_empty());

    // What would be refused is not started, and the dialog is still there.
    for refused in [Err(login_failed()), Ok(())] {
        let mut state = opened(ASCII, LARGE, false);
        let effects = update(&mut state, control_p(), now());
        let Some(Effect::Plan(ticket, spec)) = effects.first() else { panic!("{effects:?}") };
        let mut taken = plan(spec);
        taken.refusals = vec![login_failed(), Failure::new("database taken exists already on alpha")];
        let ticket = *ticket;
        let (name, result) = match refused {
            Err(failure) => ("planned_failed_200x50_ascii", Err(failure)),
            Ok(()) => ("planned_refused_200x50_ascii", Ok(taken)),
        };
        tell(&mut state, [Message::Planned(ticket, Box::new(result))]);
        insta::assert_snapshot!(name, drawn(&state));
        assert!(submitted(&enter(&mut state)).is_none());
        assert_eq!(state.toast.as_ref().unwrap().loudness, Loudness::Warning);
        press(&mut state, "esc");
        assert_eq!(state.context(), Context::Restore);
    }
}

#[test]
fn a_refused_restore_is_filled_in_again() {
    let mut state = quiet(UNICODE, ORDINARY);
    let choice = Choice { permissions: false, tables: vec!["dbo.Price".into()], ..Choice::default() };
    let spec = JobSpec::Restore {
        source: PackageSource::File { path: "/mnt/usb/old.bacpac".into() },
        server: "beta".into(),
        database: "Live".into(),
        keep_partial: true,
        existing: Some("Live".into()),
        choice: Box::new(choice.clone()),
    };
    tell(&mut state, [Message::Jobs(Ok(vec![job(40, spec, JobState::Failed, 300)]))]);
    press(&mut state, "tab tab r");
    let it = dialog(&state);
    assert_eq!((it.database.text(), it.server, it.keep_partial, &it.choice), ("Live", 1, true, &choice));
    assert!(it.typed.is_empty(), "an existing database's name is typed each time");
    answer(&mut state, Ok(true));
    insta::assert_snapshot!("restore_again_80x24", drawn(&state));
    // Of a job that is no restore there is none.
    let mut state = busy(UNICODE, ORDINARY);
    press(&mut state, "esc tab tab r");
    assert!(state.layers.is_empty());
    assert_eq!(state.toast.as_ref().unwrap().loudness, Loudness::Warning);
}

#[test]
fn whoever_goes_on_choosing_is_not_started_by_a_late_answer() {
    for keys in ["tab", "2 backspace", "tab tab space", "c-p"] {
        let mut state = quiet(UNICODE, ORDINARY);
        press(&mut state, "tab r enter");
        assert!(dialog(&state).submit, "it starts when the name is known");
        press(&mut state, keys);
        let ticket = dialog(&state).ticket;
        let effects = update(&mut state, Message::Exists(ticket, Ok(false)), now());
        assert!(submitted(&effects).is_none(), "{keys}: {effects:?}");
        assert_eq!(dialog(&state).check, NameCheck::Free, "{keys}: the answer counts all the same");
    }
}

#[test]
fn a_package_is_read_once_for_its_details_and_for_the_dialog_over_them() {
    let mut state = quiet(UNICODE, ORDINARY);
    press(&mut state, "tab enter");
    let r = KeyEvent::new(KeyCode::Char('r'), KeyModifiers::NONE);
    let effects = update(&mut state, Message::Key(r), now());
    assert!(
        !effects.iter().any(|e| matches!(e, Effect::LoadDetails(..))),
        "the first read would be given up: {effects:?}"
    );
    let ticket = dialog(&state).package_ticket;
    tell(&mut state, [Message::Details(ticket, Box::new(Ok(super::samples::details())))]);
    assert!(dialog(&state).package.is_some());
    press(&mut state, "esc");
    let Some(Layer::Details(view)) = state.layers.last() else { panic!("no details") };
    assert!(view.details.is_some());
}

/// Fills everything in, opens each list in turn; `look` sees every screen of it.
fn walk(state: &mut State, mut look: impl FnMut(&State, &str)) {
    look(state, "closed");
    go(state, Field::Options);
    press(state, "space");
    look(state, "open");
    go(state, Field::Users);
    press(state, "left");
    go(state, Field::Logins);
    press(state, "enter");
    logins_told(state);
    paste(state, "warden");
    press(state, "down down");
    paste(state, &"ü🐀]".repeat(20));
    look(state, "logins");
    press(state, "enter");
    go(state, Field::Tables);
    press(state, "enter space space down space");
    look(state, "tables");
    press(state, "/ e v");
    look(state, "tables_filter");
    press(state, "enter a enter");
    look(state, "filled");
    go(state, Field::Missing);
    press(state, "right space");
    look(state, "missing");
    press(state, "tab tab");
    look(state, "end");
}

#[test]
fn the_dialog_and_its_lists_at_every_kind_of_terminal() {
    for (size, theme, exists, name) in [
        (ORDINARY, UNICODE, false, "80x24"),
        (ORDINARY, ASCII, true, "80x24_ascii"),
        (LARGE, UNICODE, true, "200x50"),
        ((40, 10), UNICODE, false, "40x10"),
    ] {
        let mut state = opened(theme, size, exists);
        walk(&mut state, |state, at| {
            insta::assert_snapshot!(format!("restore_{at}_{name}"), drawn(state));
        });
    }
}

#[test]
fn the_dialog_is_sound_at_every_size_and_keys_stay_in_it() {
    for theme in [UNICODE, ASCII] {
        for height in [0, 3, 7, 8, 10, 12, 16, 22, 24, 50] {
            for width in [0, 10, 30, 47, 64, 80, 110, 200] {
                for exists in [false, true] {
                    let mut state = opened(theme, (width, height), exists);
                    walk(&mut state, |state, at| sound(state, &format!("{at} {width}x{height}")));
                    let effects = update(
                        &mut state,
                        Message::Key(KeyEvent::new(KeyCode::Char('p'), KeyModifiers::CONTROL)),
                        now(),
                    );
                    if let Some(Effect::Plan(ticket, spec)) = effects.first() {
                        tell(&mut state, [Message::Planned(*ticket, Box::new(Ok(plan(spec))))]);
                    }
                    sound(&state, &format!("plan {width}x{height}"));
                }
            }
        }
    }
}

#[test]
fn the_chosen_field_is_always_drawn() {
    for height in [10, 12, 16, 20, 24] {
        let mut state = opened(UNICODE, (80, height), true);
        go(&mut state, Field::Options);
        press(&mut state, "space");
        go(&mut state, Field::Users);
        press(&mut state, "left");
        for _ in 0..dialog(&state).fields().len() {
            press(&mut state, "tab");
            let field = dialog(&state).field;
            let label = match field {
                Field::Keep => "On error".to_owned(),
                Field::Typed => "Again".into(),
                Field::Content => "What".into(),
                Field::Permissions => "Rights".into(),
                other => format!("{other:?}"),
            };
            let shown = drawn(&state);
            let found = shown.lines().any(|l| l.contains(&format!("│ {label} ")));
            assert!(found, "{label} is not on a screen of {height} lines:\n{shown}");
        }
    }
}
