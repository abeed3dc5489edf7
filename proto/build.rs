//! Generates the Rust side of `dynd.v1`. The schema is compiled by protox, so no system protoc is needed.

use std::error::Error;

const SCHEMA: &str = "dynd/v1/dynd.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SCHEMA}");
    let descriptors = protox::compile([SCHEMA], ["."])?;
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        .compile_fds(descriptors)?;
    Ok(())
}
