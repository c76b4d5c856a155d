//! What comes from outside the program: keys, the terminal's size, signals.
//!
//! crossterm's reader spins for ever on a terminal that hung up (a read that fails or returns nothing makes it read
//! again), and its event stream does so inside the task that polls it. So a thread of our own waits for the terminal
//! with `poll(2)`, looks whether it hung up, and calls crossterm only for bytes that are there.

use std::io;

use crossterm::event::Event;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Something from outside.
#[derive(Debug)]
pub enum Outside {
    /// A key, a paste.
    Terminal(Event),
    /// The terminal has another size.
    Resized(u16, u16),
    /// SIGTERM, SIGINT, SIGQUIT.
    Terminate,
    /// SIGHUP, or the terminal is gone.
    Lost,
    /// SIGTSTP.
    Stop,
    /// SIGCONT.
    Continued,
}

/// Begins to listen. Must be called inside the runtime.
pub fn listen() -> io::Result<UnboundedReceiver<Outside>> {
    let (sender, receiver) = unbounded_channel();
    platform::listen(sender)?;
    Ok(receiver)
}

/// Sends what crossterm has read; whether anybody still listens.
fn pass_on(sender: &UnboundedSender<Outside>) -> io::Result<bool> {
    let event = crossterm::event::read()?;
    // The size comes with a signal, already.
    if cfg!(unix) && matches!(event, Event::Resize(..)) {
        return Ok(!sender.is_closed());
    }
    Ok(sender.send(Outside::Terminal(event)).is_ok())
}

#[cfg(unix)]
mod platform {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::Signal;
    use tokio::signal::unix::{SignalKind, signal};
    use tokio::sync::mpsc::UnboundedSender;

    use super::{Outside, pass_on};

    /// The reader looks up so often, to see whether it should end.
    const LOOK_UP: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
    /// How long crossterm is given to hand over what is there.
    const MOMENT: Duration = Duration::from_millis(1);
    /// A reader that has not ended so long after the terminal was lost never will.
    const STUCK: Duration = Duration::from_secs(3);

    pub fn listen(sender: UnboundedSender<Outside>) -> io::Result<()> {
        let lost = Arc::new(AtomicBool::new(false));
        let reading = Arc::new(AtomicBool::new(true));
        {
            let (sender, lost, reading) = (sender.clone(), lost.clone(), reading.clone());
            std::thread::Builder::new().name("terminal".into()).spawn(move || {
                read(&sender, &lost);
                reading.store(false, Ordering::SeqCst);
                let _ = sender.send(Outside::Lost);
            })?;
        }
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut quit = signal(SignalKind::quit())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut resize = signal(SignalKind::window_change())?;
        let mut stop = signal(SignalKind::from_raw(Signal::TSTP.as_raw()))?;
        let mut goes_on = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        tokio::spawn(async move {
            loop {
                let told = tokio::select! {
                    _ = terminate.recv() => Outside::Terminate,
                    _ = interrupt.recv() => Outside::Terminate,
                    _ = quit.recv() => Outside::Terminate,
                    _ = hangup.recv() => {
                        lost.store(true, Ordering::SeqCst);
                        // In the moment between poll(2) and crossterm's read the terminal may have gone: then the
                        // reader spins, and jobs that go on for hours would do so beside a core at 100 %.
                        let (sender, reading) = (sender.clone(), reading.clone());
                        tokio::spawn(async move {
                            tokio::time::sleep(STUCK).await;
                            if reading.load(Ordering::SeqCst) {
                                let _ = sender.send(Outside::Terminate);
                            }
                        });
                        Outside::Lost
                    }
                    _ = resize.recv() => {
                        let (width, height) = crate::tui::terminal::size();
                        Outside::Resized(width, height)
                    }
                    _ = stop.recv() => Outside::Stop,
                    _ = goes_on.recv() => Outside::Continued,
                };
                if sender.send(told).is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    /// Reads keys until the terminal is gone or nobody listens.
    fn read(sender: &UnboundedSender<Outside>, lost: &AtomicBool) {
        let stdin = io::stdin();
        while !lost.load(Ordering::SeqCst) && !sender.is_closed() {
            let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
            match poll(&mut fds, Some(&LOOK_UP)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(_) => return,
            }
            if fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                return;
            }
            // One read may bring several keys. Asked with no time at all, crossterm does not look.
            while matches!(crossterm::event::poll(MOMENT), Ok(true)) {
                match pass_on(sender) {
                    Ok(true) => {}
                    Ok(false) | Err(_) => return,
                }
            }
        }
    }
}

#[cfg(not(unix))]
mod platform {
    use std::io;

    use tokio::sync::mpsc::UnboundedSender;

    use super::{Outside, pass_on};

    pub fn listen(sender: UnboundedSender<Outside>) -> io::Result<()> {
        let keys = sender.clone();
        std::thread::Builder::new().name("terminal".into()).spawn(move || {
            while matches!(pass_on(&keys), Ok(true)) {}
            let _ = keys.send(Outside::Lost);
        })?;
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() && sender.send(Outside::Terminate).is_ok() {}
        });
        Ok(())
    }
}
