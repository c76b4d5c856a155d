//! `pacrat sandbox`: the embedded server until Ctrl-C.

use std::io::Write;

use super::arguments::{EncryptionRule, SandboxArguments};
use super::output::{self, End, Outcome};
use super::session::{Session, runtime};
use super::{exit, watch};
use crate::engine::event::{Failure, FailureKind};
use crate::sandbox::meta::version::Product;
use crate::sandbox::server::ListenConfig;
use crate::sandbox::wire::connection::EncryptionMode;
use crate::sandbox::{LoginOptions, Sandbox, SandboxOptions};

fn wrong(message: String, hint: &str) -> End {
    Failure::new(message).kind(FailureKind::Request).hint(hint).into()
}

/// `NAME:PASSWORD[:ROLES]`. No error repeats it.
fn login(text: &str) -> Result<LoginOptions, End> {
    let form = "write --login NAME:PASSWORD, or NAME:PASSWORD:dbcreator, or NAME:PASSWORD:none";
    let mut parts = text.splitn(3, ':');
    let (Some(name), Some(password)) = (parts.next().filter(|n| !n.is_empty()), parts.next()) else {
        return Err(wrong("--login has no name or no password".into(), form));
    };
    let password = match password.strip_prefix('@') {
        Some(variable) => std::env::var(variable)
            .map_err(|_| wrong(format!("--login {name}: environment variable {variable} is not set"), form))?,
        None => password.to_owned(),
    };
    let mut login = LoginOptions::administrator(name, password);
    match parts.next() {
        None => {}
        Some("none") => login.roles.clear(),
        Some(roles) => login.roles = roles.split(',').map(str::to_owned).collect(),
    }
    Ok(login)
}

/// Run it.
pub fn run(session: &Session, arguments: SandboxArguments) -> Outcome {
    let Some(product) = Product::parse(&arguments.version) else {
        let message = format!("--as {} is no version", arguments.version);
        return Err(wrong(message, "write 2012, 2014, 2016, 2017, 2019, 2022, 2025 or azure"));
    };
    let logins = arguments.login.iter().map(|l| login(l)).collect::<Result<Vec<_>, _>>()?;
    // A password of its own: a well-known one would be an open door.
    let made_up = logins.is_empty().then(|| format!("Rat-{}", uuid::Uuid::new_v4().simple()));
    let options = SandboxOptions {
        product,
        sa_password: made_up.clone(),
        logins,
        data: arguments.data.clone(),
        listen: ListenConfig {
            listen: arguments.listen,
            faults: arguments.fault,
            encryption: match arguments.encryption {
                EncryptionRule::Off => EncryptionMode::NotSupported,
                EncryptionRule::On => EncryptionMode::Optional,
                EncryptionRule::Required => EncryptionMode::Required,
                EncryptionRule::Strict => EncryptionMode::Strict,
            },
            ..ListenConfig::default()
        },
        ..SandboxOptions::default()
    };
    runtime()?.block_on(async {
        let started = Sandbox::start(options).await;
        let sandbox = started.map_err(|e| Failure::new("the sandbox does not start").because(&e))?;
        announce(session, &sandbox, product, made_up.as_deref(), arguments.data.as_deref())?;
        watch::until_interrupted().await;
        sandbox.stop().await;
        Ok(exit::OK)
    })
}

fn announce(
    session: &Session,
    sandbox: &Sandbox,
    product: Product,
    made_up: Option<&str>,
    data: Option<&std::path::Path>,
) -> Result<(), End> {
    let address = sandbox.address();
    if session.common.json {
        let document = serde_json::json!({
            "address": address.to_string(), "version": product.word(), "login": made_up.map(|_| "sa"),
            "password": made_up, "certificate": sandbox.certificate_pem(),
        });
        output::json_line(&document)?;
        return Ok(());
    }
    let mut out = output::stdout();
    writeln!(out, "pacrat sandbox: a server for trying and for testing, not for keeping data.")?;
    writeln!(out, "  listens at   {address}, as SQL Server {}", product.word())?;
    match made_up {
        Some(password) => writeln!(out, "  login        sa, password {password}")?,
        None => writeln!(out, "  logins       as given")?,
    }
    match data {
        Some(path) => writeln!(out, "  databases    kept in {}", path.display())?,
        None => writeln!(out, "  databases    vanish when it stops")?,
    }
    match sandbox.certificate_pem() {
        Some(_) => writeln!(out, "  certificate  its own; clients must trust it (TrustServerCertificate=true)")?,
        None => writeln!(out, "  encryption   off: passwords travel readable; clients must ask for none")?,
    }
    writeln!(out, "Ctrl-C stops it.")?;
    out.flush()?;
    Ok(())
}
