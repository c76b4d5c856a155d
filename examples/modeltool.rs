//! Model and script of a package, for the checks under `tests/oracle`.
//!
//!     modeltool dacfx PACKAGE OUT.sql     the script as DacFx takes it; what it does not carry on standard output
//!     modeltool server PACKAGE OUT.sql    the script as a server takes it
//!     modeltool judged PACKAGE OUT.sql    the same, laid out for DacFx
//!     modeltool model PACKAGE OUT.xml     model.xml, read into types and written again

use pacrat::bacpac::model::{Limits, Model, to_bytes};
use pacrat::bacpac::script::{Form, dacfx_text, script, server_text, server_text_for_dacfx};
use std::error::Error;
use std::io::Read;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, package, out] = arguments.as_slice() else {
        return Err("usage: modeltool dacfx|server|judged|model PACKAGE OUT".into());
    };
    let mut archive = zip::ZipArchive::new(std::fs::File::open(package)?)?;
    let mut bytes = Vec::new();
    archive.by_name("model.xml")?.read_to_end(&mut bytes)?;
    let model = Model::read(&bytes[..], Limits::default())?;
    match command.as_str() {
        "dacfx" => {
            let (text, made) = dacfx_text(&model);
            std::fs::write(out, text)?;
            for left in made.not_carried {
                println!("not carried: {left}");
            }
        }
        "server" => std::fs::write(out, server_text(&script(&model, Form::Server)))?,
        "judged" => std::fs::write(out, server_text_for_dacfx(&model))?,
        "model" => std::fs::write(out, to_bytes(&model.to_document()))?,
        _ => return Err("the command is dacfx, server, judged or model".into()),
    }
    Ok(())
}
