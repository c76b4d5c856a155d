//! What messages do to the state, and what they ask for.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::samples::*;
use super::screens::{answer_rows, details_opened, press, rows_opened};
use crate::engine::command::{Command, JobSpec};
use crate::engine::event::{JobId, JobState, Progress, Step, Summary, What};
use crate::store::manifest::{Level, Trigger};
use crate::tui::message::{Effect, Message};
use crate::tui::state::job::Completion;
use crate::tui::state::layer::Layer;
use crate::tui::state::restore::NameCheck;
use crate::tui::state::{Hangup, Health, Leaving, Loudness, Pane, Phase, State};
use crate::tui::update::update;

fn key(code: KeyCode) -> Message {
    Message::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn send(state: &mut State, c: char) -> Vec<Effect> {
    update(state, key(KeyCode::Char(c)), now())
}

fn commands(effects: &[Effect]) -> Vec<&Command> {
    effects.iter().filter_map(|e| if let Effect::Command(c) = e { Some(c) } else { None }).collect()
}

fn ended(id: u64, state: JobState) -> Message {
    let failure = (state == JobState::Failed).then(login_failed);
    event(id, 0, What::Ended { state, summary: Summary::default(), failure })
}

#[test]
fn the_backups_follow_the_tenant_and_late_answers_are_dropped() {
    let mut state = quiet(UNICODE, (80, 24));
    let old = state.backups.ticket;
    let effects = update(&mut state, key(KeyCode::Down), now());
    let Some(Effect::LoadBackups(ticket, Some(tenant))) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(tenant, "vetclinic");
    assert!(state.backups.list.is_empty(), "another tenant's backups must not be restored by mistake");
    let ticket = *ticket;
    tell(&mut state, [Message::Backups(old, Ok(backups("bakery")))]);
    assert!(state.backups.list.is_empty());
    tell(&mut state, [Message::Backups(ticket, Ok(backups("vetclinic")))]);
    assert_eq!(state.backups.list[0].tenant, "vetclinic");
}

#[test]
fn backups_come_newest_first_whatever_the_core_says() {
    let mut state = quiet(UNICODE, (80, 24));
    let ticket = state.backups.ticket;
    let mut list = backups("bakery");
    list.reverse();
    tell(&mut state, [Message::Backups(ticket, Ok(list))]);
    assert!(state.backups.list.is_sorted_by(|a, b| a.taken >= b.taken));
}

#[test]
fn b_backs_up_the_chosen_tenant_once() {
    let mut state = quiet(UNICODE, (80, 24));
    let effects = send(&mut state, 'b');
    assert_eq!(commands(&effects), [&Command::Submit(spec("bakery"))]);
    tell(&mut state, [event(20, 0, What::Queued { spec: spec("bakery") })]);
    let effects = send(&mut state, 'b');
    assert!(commands(&effects).is_empty(), "it is queued already");
    assert_eq!(state.toast.as_ref().unwrap().loudness, Loudness::Warning);
}

#[test]
fn v_verifies_the_chosen_backup_or_the_newest() {
    let mut state = quiet(UNICODE, (80, 24));
    let effects = send(&mut state, 'v');
    assert_eq!(commands(&effects), [&Command::Submit(verify())]);
    press(&mut state, "tab down");
    let effects = send(&mut state, 'v');
    let [Command::Submit(JobSpec::Verify { source })] = commands(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(crate::tui::state::source_name(source), backups("bakery")[1].backup.file);
}

#[test]
fn a_restore_is_suggested_checked_and_started() {
    let mut state = quiet(UNICODE, (80, 24));
    press(&mut state, "tab");
    let effects = send(&mut state, 'r');
    let [Effect::LoadDetails(..), Effect::CheckDatabase { ticket, server, database }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((server.as_str(), database.as_str()), ("alpha", "shop_bakery_20260130_restore"));
    let first = *ticket;
    // Enter before the answer waits for it.
    assert!(commands(&update(&mut state, key(KeyCode::Enter), now())).is_empty());
    let effects = update(&mut state, Message::Exists(first, Ok(false)), now());
    let source = crate::engine::command::PackageSource::Backup(backups("bakery")[0].backup.clone());
    let want = Command::Submit(JobSpec::restore(source, "alpha", "shop_bakery_20260130_restore"));
    assert_eq!(commands(&effects), [&want]);
    assert!(state.layers.is_empty());
}

#[test]
fn a_restore_over_something_is_not_started() {
    let mut state = quiet(UNICODE, (80, 24));
    press(&mut state, "tab r");
    let check = |state: &State| match state.layers.last() {
        Some(Layer::Restore(dialog)) => (dialog.check.clone(), dialog.ticket),
        _ => panic!("no dialog"),
    };
    let (_, ticket) = check(&state);
    tell(&mut state, [Message::Exists(ticket, Ok(true))]);
    assert_eq!(check(&state).0, NameCheck::Exists);
    assert!(commands(&update(&mut state, key(KeyCode::Enter), now())).is_empty());
    // Enter leads to where the name can be typed again; the name itself is a field before.
    press(&mut state, "up");
    // Typing asks anew, and the old question's answer does not count.
    press(&mut state, "2");
    assert_eq!(check(&state).0, NameCheck::Asking);
    tell(&mut state, [Message::Exists(ticket, Ok(false))]);
    assert_eq!(check(&state).0, NameCheck::Asking);
    press(&mut state, "c-u");
    assert_eq!(check(&state).0, NameCheck::Empty);
    tell(&mut state, [Message::Paste("ä".repeat(129))]);
    assert_eq!(check(&state).0, NameCheck::TooLong(129));
    assert!(commands(&update(&mut state, key(KeyCode::Enter), now())).is_empty());
    press(&mut state, "backspace");
    let (_, ticket) = check(&state);
    tell(&mut state, [Message::Exists(ticket, Err(login_failed()))]);
    assert!(commands(&update(&mut state, key(KeyCode::Enter), now())).is_empty(), "not known is not free");
    assert_eq!(check(&state).0, NameCheck::Asking, "Enter asks again");
}

#[test]
fn an_existing_database_wants_its_name_typed_again_letter_for_letter() {
    let mut state = quiet(UNICODE, (80, 24));
    press(&mut state, "tab r c-u");
    tell(&mut state, [Message::Paste("Live".into())]);
    let Some(Layer::Restore(dialog)) = state.layers.last() else { panic!("no dialog") };
    let ticket = dialog.ticket;
    tell(&mut state, [Message::Exists(ticket, Ok(true))]);
    press(&mut state, "enter");
    for wrong in ["live", "Live ", "Liv"] {
        press(&mut state, "c-u");
        tell(&mut state, [Message::Paste(wrong.into())]);
        let effects = update(&mut state, key(KeyCode::Enter), now());
        assert!(commands(&effects).is_empty(), "{wrong:?}: {effects:?}");
    }
    press(&mut state, "c-u");
    tell(&mut state, [Message::Paste("Live".into())]);
    let effects = update(&mut state, key(KeyCode::Enter), now());
    let [Command::Submit(JobSpec::Restore { database, existing, .. })] = commands(&effects)[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((database.as_str(), existing.as_deref()), ("Live", Some("Live")));
}

#[test]
fn letters_are_letters_while_a_name_is_typed() {
    let mut state = quiet(UNICODE, (80, 24));
    press(&mut state, "tab r c-u q x space ?");
    let Some(Layer::Restore(dialog)) = state.layers.last() else { panic!("no dialog") };
    assert_eq!(dialog.database.text(), "qx ?");
    press(&mut state, "esc / q j");
    assert_eq!(state.backups.filter.text(), "qj");
}

#[test]
fn a_suggested_name_is_never_too_long() {
    use crate::tui::update::suggested_name;
    let long = backup(&"😀".repeat(200), 0, None, None);
    let mut wishes = options(UNICODE);
    let name = suggested_name(&wishes, &long);
    assert!(name.encode_utf16().count() <= 128 && name.ends_with("_20260131_restore"));
    wishes.product.clear();
    assert_eq!(suggested_name(&wishes, &backup("a\nb", 0, None, None)), "ab_20260131_restore");
}

#[test]
fn x_asks_before_it_cancels() {
    let mut state = busy(UNICODE, (80, 24));
    assert!(commands(&send(&mut state, 'x')).is_empty());
    assert!(matches!(state.layers.last(), Some(Layer::ConfirmCancel(JobId(13)))));
    assert!(commands(&update(&mut state, key(KeyCode::Enter), now())).is_empty(), "Enter is no yes");
    assert_eq!(commands(&send(&mut state, 'y')), [&Command::Cancel { job: JobId(13) }]);
    assert!(state.layers.is_empty());
    tell(&mut state, [ended(13, JobState::Cancelled)]);
    press(&mut state, "tab tab end");
    assert!(commands(&send(&mut state, 'x')).is_empty());
    assert!(state.layers.is_empty(), "an ended job is not asked about");
}

#[test]
fn q_quits_at_once_when_nothing_runs_and_asks_otherwise() {
    let mut state = quiet(UNICODE, (80, 24));
    assert_eq!(send(&mut state, 'q'), [Effect::Quit]);

    let mut state = busy(UNICODE, (80, 24));
    assert!(!send(&mut state, 'q').contains(&Effect::Quit));
    assert!(matches!(state.layers.last(), Some(Layer::ConfirmQuit)));
    press(&mut state, "n");
    assert_eq!(state.leaving, None);
    press(&mut state, "q");
    let effects = send(&mut state, 'c');
    assert_eq!(commands(&effects).len(), 5, "every job that has not ended");
    for id in [13, 14, 15, 16] {
        assert!(!update(&mut state, ended(id, JobState::Cancelled), now()).contains(&Effect::Quit));
    }
    assert!(update(&mut state, ended(17, JobState::Cancelled), now()).contains(&Effect::Quit));
}

#[test]
fn the_question_about_jobs_is_answered_by_their_end() {
    let mut state = busy(UNICODE, (80, 24));
    press(&mut state, "q");
    for id in [13, 14, 15, 16] {
        assert!(!update(&mut state, ended(id, JobState::Completed), now()).contains(&Effect::Quit));
    }
    assert!(update(&mut state, ended(17, JobState::Completed), now()).contains(&Effect::Quit));
}

#[test]
fn waiting_then_quitting_takes_no_new_jobs() {
    let mut state = busy(UNICODE, (80, 24));
    press(&mut state, "q w");
    assert_eq!(state.leaving, Some(Leaving::Waiting));
    press(&mut state, "down down");
    assert!(commands(&send(&mut state, 'b')).is_empty());
    for id in [13, 14, 15, 16] {
        tell(&mut state, [ended(id, JobState::Completed)]);
    }
    assert!(update(&mut state, ended(17, JobState::Completed), now()).contains(&Effect::Quit));
}

#[test]
fn a_signal_cancels_and_a_lost_terminal_does_as_configured() {
    let mut state = busy(UNICODE, (80, 24));
    assert_eq!(commands(&update(&mut state, Message::Terminate, now())).len(), 5);
    assert!(update(&mut quiet(UNICODE, (80, 24)), Message::Terminate, now()).contains(&Effect::Quit));

    let mut state = busy(UNICODE, (80, 24));
    assert!(commands(&update(&mut state, Message::Hangup, now())).is_empty());
    assert_eq!(state.leaving, Some(Leaving::Waiting));
    assert_eq!(commands(&update(&mut state, Message::Terminate, now())).len(), 5, "SIGTERM after SIGHUP still cancels");
    tell(&mut state, [Message::Hangup]);
    assert_eq!(state.leaving, Some(Leaving::Cancelling), "and is not taken back");

    let mut state = busy(UNICODE, (80, 24));
    state.options.hangup = Hangup::Cancel;
    assert_eq!(commands(&update(&mut state, Message::Hangup, now())).len(), 5);
}

#[test]
fn a_failed_backup_is_told_and_stays_on_the_tenant() {
    let mut state = busy(UNICODE, (80, 24));
    let effects = update(&mut state, ended(13, JobState::Failed), now());
    assert!(effects.contains(&Effect::LoadTenants));
    assert!(effects.iter().any(|e| matches!(e, Effect::Trace(Loudness::Error, text) if text.contains("FAILED"))));
    assert_eq!(state.toast.as_ref().unwrap().loudness, Loudness::Error);
    let bakery = &state.tenants.list[0].clone();
    assert_eq!(state.health(bakery), Health::Failed(now()));
    // Something quiet does not cover it, time does not take it away, a key does.
    tell(&mut state, [Message::Commanded(Command::Submit(spec("x")), Ok(JobId(30)))]);
    state.expire_toast(now().checked_add(jiff::Span::new().hours(9)).unwrap());
    assert_eq!(state.toast.as_ref().unwrap().loudness, Loudness::Error);
    press(&mut state, "down");
    assert!(state.toast.is_none());
    assert!(state.log.iter().any(|t| t.loudness == Loudness::Error));
    // A good backup after it makes the tenant good again.
    let mut tenants = tenants();
    tenants[0].last_backup = Some(backup("bakery", -5, Some(Trigger::Manual), Some(Level::Rows)));
    tell(&mut state, [Message::Tenants(Ok(tenants))]);
    assert_eq!(state.health(&state.tenants.list[0]), Health::Good);
}

#[test]
fn a_cancelled_backup_neither_hides_a_good_one_nor_a_failure() {
    let mut state = busy(UNICODE, (80, 24));
    tell(&mut state, [ended(13, JobState::Cancelled)]);
    let bakery = state.tenants.list[0].clone();
    assert_eq!((state.health(&bakery), state.cancelled(&bakery)), (Health::Good, Some(now())));
    tell(&mut state, [event(20, 0, What::Queued { spec: spec("museum") }), ended(20, JobState::Cancelled)]);
    let museum = state.tenants.list[3].clone();
    assert!(matches!(state.health(&museum), Health::Failed(_)));
    assert_eq!(state.cancelled(&museum), Some(now()));
}

#[test]
fn a_filter_taken_away_leaves_its_choice() {
    let mut state = quiet(UNICODE, (80, 24));
    press(&mut state, "/ m u s e enter esc");
    assert!(state.tenants.filter.is_empty());
    assert_eq!(state.chosen_tenant().unwrap().name, "museum");
}

#[test]
fn everything_shown_is_traced() {
    let mut state = busy(UNICODE, (80, 24));
    let before = state.log.len();
    let mut traced = 0;
    for message in [ended(13, JobState::Completed), ended(14, JobState::Failed), Message::EngineGone] {
        let effects = update(&mut state, message, now());
        traced += effects.iter().filter(|e| matches!(e, Effect::Trace(..))).count();
    }
    assert_eq!(traced, state.log.len() - before);
    assert!(traced >= 3);
}

#[test]
fn no_percentage_is_made_up_and_the_end_alone_is_100() {
    let mut state = quiet(UNICODE, (80, 24));
    tell(&mut state, [event(20, 30, What::Queued { spec: spec("bakery") })]);
    let completion = |state: &State| state.job(JobId(20)).unwrap().completion();
    let estimate = |state: &State| state.job(JobId(20)).unwrap().estimate(now());
    assert_eq!(completion(&state), Completion::Unknown);
    tell(&mut state, [event(20, 20, What::Step { step: Step::Data }), event(20, 10, progress(1000, None, 5000))]);
    tell(&mut state, [event(20, 5, progress(2000, None, 10_000))]);
    assert_eq!((completion(&state), estimate(&state)), (Completion::Unknown, None));
    tell(&mut state, [event(20, 1, progress(6000, Some(10_000), 30_000))]);
    assert_eq!(completion(&state), Completion::Part(0.6));
    assert_eq!(estimate(&state), Some(8), "4000 rows at 5000 in 9 seconds");
    // More rows than the estimate said, and all of them: not the end yet.
    tell(&mut state, [event(20, 0, progress(12_000, Some(10_000), 60_000))]);
    assert_eq!((completion(&state), estimate(&state)), (Completion::Part(0.99), None));
    // A new step knows nothing of the old one's numbers.
    tell(&mut state, [event(20, 0, What::Step { step: Step::Verifying })]);
    assert_eq!(completion(&state), Completion::Unknown);
    let bytes = Progress { bytes: 10, bytes_total: Some(40), ..Progress::default() };
    tell(&mut state, [event(20, 0, What::Progress(bytes))]);
    assert_eq!(completion(&state), Completion::Part(0.25));
    tell(&mut state, [event(20, 0, What::State { state: JobState::CleaningUp })]);
    assert!(matches!(completion(&state), Completion::Part(part) if part < 1.0));
    tell(&mut state, [ended(20, JobState::Completed)]);
    assert_eq!(completion(&state), Completion::Whole);
    let mut failed = busy(UNICODE, (80, 24));
    tell(&mut failed, [ended(13, JobState::Failed)]);
    assert_eq!(failed.job(JobId(13)).unwrap().completion(), Completion::Unknown);
}

#[test]
fn a_job_that_stands_still_slows_down() {
    let mut state = busy(UNICODE, (80, 24));
    tell(&mut state, [Message::Tick]);
    let pace = |state: &State, later: i64| {
        let then = now().checked_add(jiff::Span::new().seconds(later)).unwrap();
        state.job(JobId(13)).unwrap().pace(then).unwrap().0
    };
    assert!(pace(&state, 60) < pace(&state, 0) / 5.0);
}

#[test]
fn events_of_an_unknown_job_make_it_known_and_late_ones_change_nothing() {
    let mut state = quiet(UNICODE, (80, 24));
    let effects = update(&mut state, event(99, 0, What::State { state: JobState::Running }), now());
    assert_eq!(effects, [Effect::LoadJobs]);
    let mut state = busy(UNICODE, (80, 24));
    tell(&mut state, [ended(13, JobState::Completed), event(13, 0, What::State { state: JobState::Running })]);
    assert_eq!(state.job(JobId(13)).unwrap().info.state, JobState::Completed);
    // A listing read before the end does not bring the job back to life.
    tell(&mut state, [Message::Jobs(Ok(jobs()))]);
    assert_eq!(state.job(JobId(13)).unwrap().info.state, JobState::Completed);
}

#[test]
fn jobs_of_other_processes_neither_hold_up_nor_end_with_this_one() {
    let mut state = quiet(UNICODE, (80, 24));
    tell(&mut state, [Message::Jobs(Ok(vec![job(40, spec("museum"), JobState::Running, 30)]))]);
    assert_eq!(state.next_change(now()), Some(1));
    let then = now().checked_add(jiff::Span::new().seconds(3)).unwrap();
    let effects = update(&mut state, Message::Tick, then);
    assert!(effects.contains(&Effect::LoadJobs), "nobody else tells how it goes: {effects:?}");
    tell(&mut state, [Message::Jobs(Ok(vec![job(40, spec("museum"), JobState::Failed, 30)]))]);
    assert_eq!(state.job(JobId(40)).unwrap().info.state, JobState::Failed);
    tell(&mut state, [Message::Jobs(Ok(vec![job(41, spec("museum"), JobState::Running, 30)]))]);
    assert_eq!(send(&mut state, 'q'), [Effect::Quit]);
}

#[test]
fn the_steps_of_a_job_of_the_past_come_from_the_journal() {
    let mut state = busy(UNICODE, (80, 24));
    press(&mut state, "esc tab tab end up");
    let effects = update(&mut state, key(KeyCode::Enter), now());
    assert_eq!(effects, [Effect::LoadJobEvents(JobId(7))]);
    let past = |seconds, what| crate::engine::event::Event { at: ago(seconds), job: JobId(7), what };
    let events = vec![
        past(4000, What::Queued { spec: spec("museum") }),
        past(3999, What::Step { step: Step::Connecting }),
        past(3998, What::Message { severity: crate::engine::event::Severity::Info, text: "refused".into() }),
    ];
    tell(&mut state, [Message::JobEvents(JobId(7), Ok(events))]);
    let job = state.job(JobId(7)).unwrap();
    assert_eq!((job.steps.len(), job.notes.len(), job.info.state), (1, 1, JobState::Failed));
    assert!(job.steps[0].ended.is_some());
}

#[test]
fn jobs_at_work_come_first_then_queued_then_the_newest_ended() {
    let state = busy(UNICODE, (80, 24));
    let order: Vec<u64> = state.jobs.list.iter().map(|j| j.info.id.0).collect();
    assert_eq!(order, [13, 14, 15, 16, 17, 12, 11, 7, 4]);
}

#[test]
fn esc_comes_back_to_the_same_row() {
    let mut state = quiet(UNICODE, (80, 24));
    press(&mut state, "down up");
    let ticket = state.backups.ticket;
    tell(&mut state, [Message::Backups(ticket, Ok(backups("bakery")))]);
    press(&mut state, "tab down down enter");
    assert!(matches!(state.layers.last(), Some(Layer::Details(_))));
    press(&mut state, "esc");
    assert_eq!((state.focus, state.backups.cursor.index()), (Pane::Backups, 2));
    press(&mut state, "up up");
    press(&mut state, "backtab");
    rows_opened(&mut state);
    press(&mut state, "down down right enter esc");
    let Some(Layer::Rows(view)) = state.layers.last() else { panic!("no rows") };
    assert_eq!((view.row, view.column), (2, 1));
    press(&mut state, "esc");
    let Some(Layer::Details(view)) = state.layers.last() else { panic!("no details") };
    assert_eq!(view.cursor.index(), 3);
}

#[test]
fn a_refresh_keeps_the_row_and_a_new_backup_is_seen_at_the_top() {
    let mut state = quiet(UNICODE, (80, 24));
    press(&mut state, "tab down down");
    let chosen = state.chosen_backup().unwrap().backup.file.clone();
    let ticket = state.backups.ticket;
    let mut list = backups("bakery");
    list.insert(0, backup("bakery", 1, Some(Trigger::Manual), Some(Level::Rows)));
    tell(&mut state, [Message::Backups(ticket, Ok(list.clone()))]);
    assert_eq!(state.chosen_backup().unwrap().backup.file, chosen);
    press(&mut state, "home");
    list.insert(0, backup("bakery", 0, Some(Trigger::Manual), Some(Level::Rows)));
    tell(&mut state, [Message::Backups(ticket, Ok(list))]);
    assert_eq!(state.backups.cursor.index(), 0);
}

#[test]
fn rows_are_read_in_pages() {
    let mut state = quiet(UNICODE, (80, 24));
    rows_opened(&mut state);
    let rows = |state: &State| match state.layers.last() {
        Some(Layer::Rows(view)) => (view.row, view.phase.clone(), view.ticket),
        _ => panic!("no rows"),
    };
    press(&mut state, "pgdn pgdn");
    assert_eq!(rows(&state).0, 38);
    let effects = update(&mut state, key(KeyCode::End), now());
    let Some(Effect::LoadRows { offset, limit, table, .. }) = effects.first() else { panic!("{effects:?}") };
    assert_eq!((*offset, *limit, table.as_str()), (199_800, 200, "dbo.OrderLine"));
    assert_eq!((rows(&state).0, rows(&state).1), (199_999, Phase::Loading));
    // The file has fewer rows than its manifest said: the cursor comes back to what is there.
    let ticket = rows(&state).2;
    tell(&mut state, [Message::Rows(ticket, Ok(page(1100, 200, 1234)))]);
    assert_eq!(rows(&state).0, 1233);
    press(&mut state, "home");
    answer_rows(&mut state);
    assert_eq!((rows(&state).0, rows(&state).1), (0, Phase::Ready));
}

#[test]
fn details_that_cannot_be_read_say_why() {
    let mut state = quiet(UNICODE, (80, 24));
    details_opened(&mut state);
    let effects = send(&mut state, 'R');
    let Some(Effect::LoadDetails(ticket, _)) = effects.first() else { panic!("{effects:?}") };
    let ticket = *ticket;
    tell(&mut state, [Message::Details(ticket, Box::new(Err(login_failed())))]);
    assert!(matches!(state.layers.last(), Some(Layer::Details(view)) if view.phase == Phase::Failed(login_failed())));
}

#[test]
fn nothing_is_drawn_while_nothing_moves() {
    let state = unread(UNICODE, (80, 24));
    assert_eq!(state.next_change(now()), None);
    assert_eq!(busy(UNICODE, (80, 24)).next_change(now()), Some(1));
    let quiet = quiet(UNICODE, (80, 24));
    let wait = quiet.next_change(now()).unwrap();
    assert_eq!(wait, 20, "the age of 400 s becomes 7 minutes in 20 s");
}

#[test]
fn a_key_that_is_released_does_nothing() {
    let mut state = quiet(UNICODE, (80, 24));
    let mut release = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
    release.kind = KeyEventKind::Release;
    assert!(update(&mut state, Message::Key(release), now()).is_empty());
}

#[test]
fn suspending_is_refused_while_jobs_run() {
    let control_z = || Message::Key(KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL));
    assert_eq!(update(&mut quiet(UNICODE, (80, 24)), control_z(), now()), [Effect::Suspend]);
    assert!(!update(&mut busy(UNICODE, (80, 24)), control_z(), now()).contains(&Effect::Suspend));
}

#[test]
fn a_failed_job_is_tried_again() {
    let mut state = busy(UNICODE, (80, 24));
    press(&mut state, "esc tab tab end up enter");
    assert_eq!(state.chosen_job().unwrap().info.id, JobId(7));
    assert_eq!(commands(&send(&mut state, 't')), [&Command::Submit(spec("museum"))]);
}

#[test]
fn all_tenants_backups_are_shown_on_demand() {
    let mut state = quiet(UNICODE, (80, 24));
    let effects = send(&mut state, 'a');
    assert!(matches!(effects.first(), Some(Effect::LoadBackups(_, None))));
    assert_eq!(state.focus, Pane::Backups);
    let effects = send(&mut state, 'a');
    assert!(matches!(effects.first(), Some(Effect::LoadBackups(_, Some(tenant))) if tenant == "bakery"));
}

#[test]
fn a_tenant_whose_store_is_away_is_neither_good_nor_without_backups() {
    let state = quiet(UNICODE, (80, 24));
    for mut tenant in tenants().into_iter().filter(|t| t.last_job.is_none()) {
        tenant.unread = Some("cannot list /mnt/backups".into());
        assert_eq!(state.health(&tenant), Health::Unread, "{}", tenant.name);
    }
}
