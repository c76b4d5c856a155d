//! Reads a bacpac and writes it again: every row decoded and encoded, parts cut anew.
//!
//! `cargo run --example rewrite -- IN.bacpac OUT.bacpac [PART_BYTES]`

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;

use pacrat::bacpac::package::*;

/// A package in a file.
struct InFile(PathBuf);

impl Source for InFile {
    fn open(&self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(File::open(&self.0)?))
    }

    fn size(&self) -> io::Result<u64> {
        Ok(std::fs::metadata(&self.0)?.len())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, rest @ ..] = arguments.as_slice() else { return Err("usage: rewrite IN OUT [PART_BYTES]".into()) };
    let part = rest.first().map_or(Ok(PartLimits::default().part), |n| n.parse())?;
    let (package, _) = BoundPackage::open(InFile(from.into()), Limits::default())?;
    let model = package.package().model_xml()?;
    let out = BufWriter::new(File::create(to)?);
    let limits = PartLimits { part, ..PartLimits::default() };
    let (_, written) = rewrite(&package, &model, out, Modified::default(), limits)?;
    println!("{to}: {} bytes, {} parts", written.size, written.parts);
    Ok(())
}
