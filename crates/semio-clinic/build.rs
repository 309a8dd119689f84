//! Looks again at the front end when it was built anew: what was not there before is not among the tracked files.

fn main() {
    println!("cargo::rerun-if-changed=../../web/dist");
}
